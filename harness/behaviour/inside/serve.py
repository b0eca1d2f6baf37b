"""The generated application as a process: its main file is run as if by hand, and what it offers is served.

`serve.py web FILE` serves it on the loopback; `serve.py program FILE` calls it with `--help`. Where the file
runs a Flask application that is served here, without the reloader and the debugger that it may ask for; where
it only defines one, that one is. Whatever else opens a port serves by itself.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

__all__ = ["main"]

_PORT = 8000
_CALLED = ("app", "application", "flask_app", "server", "api")
_MADE_BY = ("create_app", "make_app", "build_app")
_HELPED = (None, 0, 2)

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class _Server(ThreadingMixIn, WSGIServer):
    """Serves each request in a thread of its own, so that one that hangs holds up no other."""

    daemon_threads = True


class _Handler(WSGIRequestHandler):
    """Answers without noting each request."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    """Run the file that the arguments name."""
    kind, entry = sys.argv[1:3]
    # In place of the folder of this script.
    sys.path[0] = str(Path.cwd())
    sys.argv = [entry]
    if kind == "program":
        _call(entry)
    else:
        _offer(entry)


def _call(entry: str) -> None:
    sys.argv.append("--help")
    try:
        runpy.run_path(entry, run_name="__main__")
    except EOFError:
        # It asks for something: it is there.
        return
    except SystemExit as end:
        # 2 is how a program says that it takes other arguments.
        if end.code not in _HELPED:
            raise


def _offer(entry: str) -> None:
    # It takes a while to load.
    if any(b"flask" in path.read_bytes() for path in Path().rglob("*.py")):
        _serve_flask_here()
    found = runpy.run_path(entry, run_name="__main__")
    application = _application(found)
    if application is None:
        sys.exit(f"{entry} came to its end without serving anything")
    _serve(application)


def _serve_flask_here() -> None:
    try:
        import flask
        from werkzeug import serving
    except ImportError:
        return
    flask.Flask.run = lambda self, *args, **kwargs: _serve(self)  # type: ignore[method-assign]
    serving.run_simple = lambda host, port, app, *args, **kwargs: _serve(app)


def _application(found: Mapping[str, Any]) -> WSGIApplication | None:
    for name in _CALLED:
        if hasattr(found.get(name), "wsgi_app"):
            return found[name]  # type: ignore[no-any-return]
    for name in _MADE_BY:
        if callable(found.get(name)):
            return found[name]()  # type: ignore[no-any-return]
    return next((value for value in found.values() if hasattr(value, "wsgi_app")), None)


def _serve(application: WSGIApplication) -> None:
    with _Server(("127.0.0.1", _PORT), _Handler) as server:
        server.set_app(application)
        server.serve_forever()


if __name__ == "__main__":
    main()
