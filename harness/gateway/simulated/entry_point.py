"""The entry point of a web application: one Flask application with the blueprint of every module."""

from __future__ import annotations

from collections.abc import Mapping

from harness.gateway.simulated.offer import Offer
from harness.gateway.simulated.source.layout import docstring

__all__ = ["REQUIREMENTS", "web_entry_point"]

REQUIREMENTS = "flask>=3.0"


def web_entry_point(project: Mapping[str, object], offers: tuple[Offer, ...], mark: str) -> str:
    """The source of main.py."""
    name = str(project.get("project") or "Application")
    serving = sorted(offer.stem for offer in offers if offer.routes)
    has_health = any(route.path.rstrip("/") == "/health" for offer in offers for route in offer.routes)
    health = "" if has_health else _HEALTH
    registering = [f"    flask_app.register_blueprint({stem}.blueprint)" for stem in serving]
    if not has_health:
        registering.append('    flask_app.add_url_rule("/health", view_func=_health)')
    return (
        _MAIN.replace("[[mark]]", mark)
        .replace("[[docstring]]", docstring(f"{name}: the application, with everything it serves."))
        .replace("[[imports]]", "\n".join(f"import {stem}" for stem in serving))
        .replace("[[registering]]", "\n".join(registering))
        .replace("[[health]]", health)
    )


_MAIN = '''\
# revision [[mark]]
[[docstring]]

from __future__ import annotations

import os

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

[[imports]]


def create_app() -> Flask:
    """The application with the blueprint of every module."""
    flask_app = Flask(__name__)
[[registering]]
    flask_app.register_error_handler(HTTPException, _http_error)
    flask_app.register_error_handler(Exception, _unexpected_error)
    return flask_app


[[health]]def _http_error(problem: HTTPException) -> tuple[Response, int]:
    """Answer what Flask refuses in the form of all other answers."""
    return jsonify(error=problem.description), problem.code or 500


def _unexpected_error(problem: Exception) -> tuple[Response, int]:
    """Answer a fault of the application without telling strangers about it."""
    app.logger.error("unexpected error", exc_info=problem)
    return jsonify(error="the application made a mistake"), 500


app = create_app()

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
'''

_HEALTH = '''\
def _health() -> Response:
    """GET /health: that the application is there."""
    return jsonify(status="ok")


'''
