"""What applications are asked follows from their source: each route, with what it seems to take."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.behaviour import Question, questions_of
from harness.behaviour.project import Project, project_of
from tests.compare.records import make_record

JSON, FORM = "application/json", "application/x-www-form-urlencoded"

VIEWS = """
import re
from flask import Blueprint, request
cart = Blueprint("cart", __name__, url_prefix="/cart")

def add(name: str, count: int = 1, price: float | None = None, tags: list[str] = ()): ...

@cart.post("/add")
def add_view():
    given = _body("name", "count", optional=("tags",))
    return add(**given, price=request.args.get("price"))

@cart.post("/form")
def form_view():
    return request.form["owner_email"] + re.sub("a b", "c", "d")

@cart.route("/<int:number>/<string:word>/<path:rest>/<uuid:key>", methods=["PUT", "DELETE"])
def change(number, word, rest, key): ...
"""


def project(folder: Path, **files: str) -> Project:
    return project_of(make_record(folder, files={f"{name}.py": text for name, text in files.items()}))


def test_every_route_is_asked_with_samples_by_what_it_reads(tmp_path: Path) -> None:
    asked = questions_of(project(tmp_path / "run", cart=VIEWS))
    added = Question(
        "POST",
        "/cart/add",
        '{"name": "text", "count": 1, "tags": ["text"], "price": 1.5}',
        JSON,
    )
    sent = Question("POST", "/cart/form", "owner_email=text%40example.org", FORM)
    changed = "/cart/1/text/text/00000000-0000-4000-8000-000000000001"
    home = Question("GET", "/")
    assert asked == (
        home,
        *[added, sent] * 3,
        home,
        Question("PUT", changed, "{}", JSON),
        Question("DELETE", changed),
    )


REGISTERED = {
    "by module": "import cart\napp.register_blueprint(cart.cart, url_prefix='/shop')",
    "by name": "from cart import cart as c\napp.register_blueprint(c, url_prefix='/shop')",
}


@pytest.mark.parametrize("main", REGISTERED.values(), ids=list(REGISTERED))
def test_the_prefix_of_the_registration_counts(main: str, tmp_path: Path) -> None:
    views = 'cart = Blueprint("cart", __name__, url_prefix="/cart")\n@cart.get("/a")\ndef a(): ...'
    asked = questions_of(project(tmp_path / "run", main=main, cart=views))
    assert {question.path for question in asked} == {"/", "/shop/a"}


def test_rules_that_are_added_by_a_call_are_asked(tmp_path: Path) -> None:
    main = "app.add_url_rule('/health', view_func=f)\napp.add_url_rule('/x', methods=['delete'])"
    asked = questions_of(project(tmp_path / "run", main=main))
    assert {(q.method, q.path) for q in asked} == {("GET", "/"), ("GET", "/health"), ("DELETE", "/x")}


def test_both_are_asked_the_routes_of_either_once(tmp_path: Path) -> None:
    one, other = (
        project(tmp_path / path, main=f'@app.get("/{path}")\ndef a(): ...\n@app.get("/both")\ndef b(): ...')
        for path in ("one", "other")
    )
    looks = ["/", "/both", "/one", "/other"]
    assert [question.path for question in questions_of(one, other)] == looks * 2


def test_a_program_is_asked_nothing(tmp_path: Path) -> None:
    assert questions_of(project(tmp_path / "run", main="print('hello')", broken="def")) == ()
