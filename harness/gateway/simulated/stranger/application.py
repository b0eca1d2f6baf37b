"""What makes an application of modules: its entry point, or the module that serves its page."""

from __future__ import annotations

import re

from harness.gateway.simulated.stranger.documents import is_served_by_flask
from harness.gateway.simulated.subject import Subject
from harness.gateway.simulated.words import is_taken

__all__ = ["entry_point", "page_module"]

_MOST_MODULES = 12
_WEB_MODULE = re.compile(r"(?P<stem>\w+)\.py\W[^\n]{0,40}?\bweb_interface\b")
_MODULE_FILE = re.compile(r"(?<![\w./])(?P<stem>[a-z_]\w*)\.py\b")
_NO_MODULES = frozenset({"main", "app", "run", "setup", "conftest"})


def entry_point(subject: Subject) -> str:
    """What starts the application that the files users speak of make up."""
    mark = subject.mark.revision
    if web := _WEB_MODULE.search(subject.told):
        return _head(mark, [f"from {web['stem']} import app"]) + _RUN
    stems = dict.fromkeys(found["stem"] for found in _MODULE_FILE.finditer(subject.told))
    listed = [s for s in stems if s not in _NO_MODULES and not s.startswith("test_") and not is_taken(s)]
    listed = sorted(listed[:_MOST_MODULES])
    imports = [f"import {stem}" for stem in listed]
    modules = f"MODULES = [{', '.join(listed)}]\n"
    if is_served_by_flask(subject.said):
        return _head(mark, [_FLASK, *imports]) + modules + _VIEWS.replace("[]", _NAMES) + "\n" + _RUN
    return _head(mark, imports) + modules + _MAIN


def page_module(subject: Subject) -> str:
    """A module that serves the page, to be started by another."""
    return _head(subject.mark.revision, [_FLASK]) + _VIEWS.lstrip("\n")


def _head(mark: str, imports: list[str]) -> str:
    said = f'# revision {mark}\n"""The application, or what starts it."""\n\n'
    return said + ("\n".join(imports) + "\n\n" if imports else "")


_FLASK = "from flask import Flask, Response, jsonify, render_template"
_NAMES = "[module.__name__ for module in MODULES]"

_RUN = """\
if __name__ == "__main__":
    app.run(host="127.0.0.1", port=5000)
"""

_MAIN = '''

def main() -> None:
    """Say what each module offers."""
    for module in MODULES:
        offered = [name for name in vars(module) if not name.startswith("_")]
        print(f"{module.__name__}: {', '.join(offered)}")


if __name__ == "__main__":
    main()
'''

_VIEWS = '''
app = Flask(__name__)


@app.route("/")
def index() -> str:
    """The page."""
    return render_template("index.html")


@app.route("/api/health")
def health() -> Response:
    """That the application is there, and what it is made of."""
    return jsonify(status="ok", modules=[])

'''
