"""What an application is asked: its routes, with a sample for all that is to be filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from harness.behaviour.project import Project
from harness.behaviour.routes import Route, routes_of

__all__ = ["Question", "questions_of"]

_MOST = 500
_VARIABLE = re.compile(r"<(?:(\w+)(?:\([^<>]*\))?:)?\w+>")
_VARIABLES = {"int": "1", "float": "1.5", "uuid": "00000000-0000-4000-8000-000000000001"}
_TEXT, _EMAIL = "text", "text@example.org"
_SAMPLES: dict[str, object] = {"int": 1, "float": 1.5, "bool": True, "list": [_TEXT], "dict": {}}
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class Question:
    """One request."""

    method: str
    path: str
    content: str = ""
    content_type: str = ""


def questions_of(*projects: Project) -> tuple[Question, ...]:
    """What to ask of each of `projects`, in order: the routes of all of them. Nothing where none has a route.

    First everything is looked at as it is at the start; then things are made, three times, as one may need
    another; then all is looked at again, changed, and deleted.
    """
    routes = [route for project in projects for route in routes_of(project)]
    if not routes:
        return ()
    looks = list(dict.fromkeys([Question("GET", "/"), *_asked(routes, "GET")]))
    makes = _asked((route for route in routes if "<" not in route.path), "POST")
    changes = _asked((route for route in routes if "<" in route.path), "POST")
    changes += _asked(routes, "PATCH") + _asked(routes, "PUT")
    questions = [*looks, *makes, *makes, *makes, *looks, *changes, *_asked(routes, "DELETE")]
    return tuple(questions[:_MOST])


def _asked(routes: Iterable[Route], method: str) -> list[Question]:
    """A question for each path; of routes that differ in the fields that they take the first counts."""
    found: dict[str, Question] = {}
    for route in routes:
        if route.method == method:
            question = _question(route)
            found.setdefault(question.path, question)
    return [found[path] for path in sorted(found)]


def _question(route: Route) -> Question:
    path = _VARIABLE.sub(lambda found: _VARIABLES.get(found[1] or "", _TEXT), route.path)
    path = quote(path, safe="/%-._~")
    if route.method not in ("POST", "PUT", "PATCH"):
        return Question(route.method, path)
    fields = {name: _sample(name, kind) for name, kind in route.fields.items()}
    if route.is_form:
        return Question(route.method, path, urlencode({k: str(v) for k, v in fields.items()}), _FORM)
    return Question(route.method, path, json.dumps(fields), _JSON)


def _sample(name: str, kind: str) -> object:
    return _EMAIL if "email" in name.lower() else _SAMPLES.get(kind, _TEXT)
