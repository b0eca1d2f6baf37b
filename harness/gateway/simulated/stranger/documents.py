"""Files that are no programs: a page, its style sheet and script, a text in Markdown, a list of packages."""

from __future__ import annotations

import html
import re

from harness.gateway.simulated.entry_point import REQUIREMENTS
from harness.gateway.simulated.page import page_files
from harness.gateway.simulated.stranger.wish import Kind
from harness.gateway.simulated.subject import Subject
from harness.gateway.simulated.words import printable

__all__ = ["document", "is_served_by_flask"]

_NAMED = {Kind.CSS: (r"[\w-]+\.css", "style.css"), Kind.JAVASCRIPT: (r"[\w-]+\.js", "app.js")}
_FLASK = re.compile(r"\bflask\b|\burl_for\b", re.IGNORECASE)


def document(kind: Kind, subject: Subject) -> str:
    """The document of that kind about `subject`."""
    match kind:
        case Kind.HTML:
            return _page(subject)
        case Kind.CSS:
            return page_files(subject.assignment, subject.mark.revision)[1]
        case Kind.JAVASCRIPT:
            return page_files(subject.assignment, subject.mark.revision)[2]
        case Kind.REQUIREMENTS:
            packages = f"{REQUIREMENTS}\n" if is_served_by_flask(subject.said) else ""
            return f"{packages}# revision {subject.mark.revision}\n"
    return _text(subject)


def is_served_by_flask(text: str) -> bool:
    """Whether what `text` asks for is a part of a Flask application."""
    return _FLASK.search(text) is not None


def _page(subject: Subject) -> str:
    sections = "".join(
        f"    <section data-row>\n      <h2>{_plain(module.name)}</h2>\n"
        f"      <p>{_plain(module.description)}</p>\n    </section>\n"
        for module in subject.modules
    )
    return (
        _PAGE.replace("[[mark]]", subject.mark.revision)
        .replace("[[style]]", _reference(Kind.CSS, subject.said))
        .replace("[[script]]", _reference(Kind.JAVASCRIPT, subject.said))
        .replace("[[title]]", _plain(subject.plan.project))
        .replace("[[lead]]", _plain(subject.plan.summary))
        .replace("[[sections]]", sections)
    )


def _plain(text: str) -> str:
    """`text` as that of an element, in which neither HTML nor Jinja reads anything."""
    return re.sub(r"[{}\[\]]", lambda c: f"&#{ord(c[0])};", html.escape(printable(text)))


def _reference(kind: Kind, said: str) -> str:
    pattern, usual = _NAMED[kind]
    found = re.search(rf"(?<![\w.-]){pattern}(?!\w)", said)
    name = found[0] if found else usual
    return f"{{{{ url_for('static', filename='{name}') }}}}" if is_served_by_flask(said) else name


def _text(subject: Subject) -> str:
    plan, revision = subject.plan, subject.mark.revision
    modules = "".join(f"- **{module.name}**: {module.description}\n" for module in plan.modules)
    return f"# {plan.project}\n\n{plan.summary}\n\n## Modules\n\n{modules}\n<!-- revision {revision} -->\n"


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
  <!-- revision [[mark]] -->
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>[[title]]</title>
  <link rel="stylesheet" href="[[style]]">
  <script src="[[script]]" defer></script>
</head>
<body>
  <header>
    <h1>[[title]]</h1>
    <p class="lead">[[lead]]</p>
    <label class="filter">Filter <input type="search" data-filter autocomplete="off"></label>
  </header>
  <main>
[[sections]]  </main>
</body>
</html>
"""
