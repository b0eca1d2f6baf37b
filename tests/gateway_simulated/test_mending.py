"""Mending: what an inspection finds is gone afterwards."""

from __future__ import annotations

import pytest

from agents.plan import read_plan
from agents.source import inspect_project
from harness.gateway.simulated.mending import findings_in, mended

PLAN = read_plan(
    {
        "modules": [
            {"name": "Orders", "module_type": "service"},
            {"name": "Pages", "module_type": "web_interface", "requires": ["Orders"]},
        ]
    }
)
WHOLE = {
    "main.py": "from pages import blueprint\n",
    "orders.py": "def find_order(order_id):\n    return None\n",
    "pages.py": "from flask import Blueprint, render_template\n\nfrom orders import find_order\n\n"
    'blueprint = Blueprint("pages", __name__)\n\n\n@blueprint.get("/")\ndef index():\n'
    '    return render_template("pages.html", title=str(find_order(1)))\n',
    "templates/pages.html": "<html></html>\n",
}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("orders.py", ""),
        ("static/pages.css", ""),
        ("templates/pages.html", " "),
        ("orders.py", "def find_orders(order_id):\n    return None\n"),
        ("orders.py", WHOLE["orders.py"] + "\n\ndef cut(:\n    return (\n"),
        ("orders.py", "def (\n"),
        ("pages.py", WHOLE["pages.py"].replace("pages.html", "page.html")),
        ("pages.py", WHOLE["pages.py"].replace("from orders", "from .orders")),
        ("main.py", WHOLE["main.py"] + '\n\n@app.get("/")\ndef index():\n    return ""\n'),
        ("main.py", "from pages import blueprint, health\n"),
    ],
)
def test_a_finding_is_mended(path: str, content: str) -> None:
    """Empty and broken files, names that others miss, templates that are not there, doubled routes."""
    files = {**WHOLE, path: content}
    findings = [*inspect_project(files, PLAN)]
    assert inspect_project(WHOLE, PLAN) == ()
    assert findings

    first = mended(findings, files)
    left = "; ".join(inspect_project({**files, **first}, PLAN))
    second = mended([*findings, *findings_in(f"The inspection still finds: {left}")], files)

    assert first
    assert inspect_project({**files, **second}, PLAN) == ()
    assert set(second) <= set(files)


def test_what_the_api_promises_is_written() -> None:
    """A refusal that says what a file lacks of its API is heeded, file by file."""
    refusal = (
        "This answer cannot be used: orders.py: the function list_orders(limit: int = 3) -> list is missing; "
        "find_order takes () and must take (order_id); pages.py: the function shown() -> dict is missing"
    )
    files = {"orders.py": "", "pages.py": "x = 1\n"}

    changed = mended(["orders.py is empty", *findings_in(refusal)], files)

    assert "def list_orders(limit: int = 3) -> list:" in changed["orders.py"]
    assert "def find_order(order_id=None):" in changed["orders.py"]
    assert "def shown() -> dict:" in changed["pages.py"]


def test_what_cannot_be_mended_is_left() -> None:
    """A file that is missing is nobody's to write here."""
    assert mended(("orders.py is missing",), WHOLE) == {}


def test_a_name_that_was_misspelt_means_what_is_there() -> None:
    """The name that others import leads to the function that is nearly called so."""
    files = {**WHOLE, "orders.py": "def find_orders(order_id):\n    return None\n"}
    changed = mended(inspect_project(files, PLAN), files)
    assert changed["orders.py"].endswith("find_order = find_orders\n")
