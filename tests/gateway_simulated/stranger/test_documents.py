"""Documents are plain and valid, and nothing that was said can break out of its place in them."""

from __future__ import annotations

from html.parser import HTMLParser

import jinja2
import pytest

from harness.gateway.simulated.stranger.documents import document
from harness.gateway.simulated.stranger.wish import Kind
from tests.gateway_simulated.conversation import subject

EVIL = "Idea: <script>alert(1)</script> {{ 7 * 191 }} [[mark]] {% for %} a shop"


class Nesting(HTMLParser):
    """Reads a page; fails where an element is closed that is not the one that is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("told", ["Idea: a shop for lamps", EVIL])
def test_a_page_is_nested_as_it_should_be(told: str) -> None:
    """Also when it has gone through Jinja, which finds nothing to do."""
    about = subject(told)
    page = document(Kind.HTML, about)
    reader = Nesting()
    reader.feed(page)

    assert reader.open == []
    assert reader.seen.count("script") == 1
    assert reader.seen.count("section") == len(about.modules)
    assert about.mark.revision in page
    assert jinja2.Environment(autoescape=True).from_string(page).render() == page.removesuffix("\n")


def test_a_page_names_the_files_that_the_prompt_names() -> None:
    """As static files of Flask where Flask is spoken of."""
    plain = document(Kind.HTML, subject("A page with shop.css and shop.js"))
    served = document(Kind.HTML, subject("A page for Flask with shop.css"))

    assert 'href="shop.css"' in plain
    assert 'src="shop.js"' in plain
    assert "href=\"{{ url_for('static', filename='shop.css') }}\"" in served
    assert "filename='app.js'" in served


def test_flask_is_required_where_it_is_spoken_of() -> None:
    """And nothing is where it is not."""
    assert document(Kind.REQUIREMENTS, subject("Use Flask.")).startswith("flask>=3.0\n# revision ")
    assert document(Kind.REQUIREMENTS, subject("Use nothing.")).startswith("# revision ")


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.CSS, Kind.JAVASCRIPT, Kind.MARKDOWN, Kind.REQUIREMENTS])
def test_every_document_carries_the_mark(kind: Kind) -> None:
    """In a comment of its language."""
    about = subject("Idea: a shop")
    line = next(line for line in document(kind, about).split("\n") if about.mark.revision in line)
    assert line.strip().startswith(("<!-- ", "/* ", "// ", "# "))
