"""What an external engine's calls were about, where only what they quote tells it."""

from __future__ import annotations

from harness.compare.quoted_modules import with_quoted_modules
from harness.gateway.calls import CallRecord
from tests.compare.records import make_call

USERS = "class Users: keeps the accounts of customers by name, and finds them by their email"
CART = "class Cart: keeps what a customer has chosen, with quantity, and sums up the prices"


def call(number: int, role: str, module: str | None, content: str, response: str) -> CallRecord:
    return make_call(
        role,
        module,
        number=number,
        messages=[{"role": "user", "content": content}],
        response=response,
        arrival_s=number,
        granted_s=number,
        end_s=number + 0.5,
    )


def test_who_quotes_the_code_of_one_module_is_about_it() -> None:
    calls = [
        call(1, "developer", "Users", "Write it.", USERS),
        call(2, "developer", "cart", "Write it.", CART),
        call(
            3, "reviewer", None, f"Review:\n{CART}", "The sum of the prices is wrong where a quantity is zero"
        ),
        call(4, "unknown", None, "Mend: the sum of the prices is wrong where a quantity is zero", "Mended."),
        call(5, "reviewer", None, f"Review both:\n{USERS}\n{CART}", "Good."),
        call(6, "reviewer", None, "Review something else.", "Good."),
    ]
    assert [one.module for one in with_quoted_modules(calls)] == ["Users", "cart", "cart", "cart", None, None]


def test_lines_that_modules_have_in_common_tell_none_of_them() -> None:
    common = "from flask import Flask, jsonify, request, url_for and all that every module begins with"
    calls = [
        call(1, "developer", "Users", "Write it.", f"{common}\n{USERS}"),
        call(2, "developer", "Cart", "Write it.", f"{common}\n{CART}"),
        call(3, "reviewer", None, f"Review:\n{common}\n{CART}", "Good."),
    ]
    assert [one.module for one in with_quoted_modules(calls)] == ["Users", "Cart", "Cart"]


def test_the_integrator_is_about_the_project_even_where_it_has_one_module() -> None:
    calls = [call(1, "developer", "Users", "Write it.", USERS), call(2, "integrator", None, USERS, "main")]
    assert [one.module for one in with_quoted_modules(calls)] == ["Users", None]


def test_a_module_has_one_spelling_the_first() -> None:
    names = ["NewsService", "news_service", "newsservice", "News-Service", "News"]
    calls = [call(number, "developer", name, "Write it.", "") for number, name in enumerate(names)]
    assert [one.module for one in with_quoted_modules(calls)] == ["NewsService"] * 4 + ["News"]
