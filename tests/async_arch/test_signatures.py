"""Signatures as architects write them, taken apart and laid out."""

from __future__ import annotations

import pytest

from async_arch.signatures import Type, fitted, read_signature

X = "x" * 40


@pytest.mark.parametrize(
    ("opening", "items", "laid_out"),
    [
        ("f", [], "f()"),
        ("f", ["a", "b"], "f(a, b)"),
        ("f", [X * 3], f"f(\n    {X * 3}\n)"),
        ("opening", [X, X], f"opening(\n    {X}, {X}\n)"),
        ("f", [X, X, X], f"f(\n    {X},\n    {X},\n    {X},\n)"),
        ("def f", [X * 3], f"def f(\n    {X * 3},\n)"),
        ("f", ["漢" * 44], f"f(\n    {'漢' * 44}\n)"),
    ],
)
def test_what_does_not_fit_a_line_is_broken_as_formatters_do(
    opening: str, items: list[str], laid_out: str
) -> None:
    assert fitted(opening, items) == laid_out


def test_the_margin_counts() -> None:
    assert fitted("f", [X, X], "", 3) == f"f({X}, {X})"
    assert fitted("f", [X, X], "", 4) == f"f(\n        {X},\n        {X},\n    )"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("int", Type("int")),
        ("int | None", Type("int", optional=True)),
        ("None | str", Type("str", optional=True)),
        ("Optional[List[str]]", Type("list", "str", optional=True)),
        ("'dict | None'", Type("dict", optional=True)),
        ("dict[str, list[int]]", Type("dict")),
        ("int | str", Type("?")),
        ("Any", Type("")),
        ("None", Type("None")),
    ],
)
def test_types_are_read_without_what_makes_them_optional(written: str, read: Type) -> None:
    assert read_signature(f"f() -> {written}").returns == read


def test_parameters_are_laid_out_as_formatters_want_them() -> None:
    signature = read_signature(
        "f(a, b=1, /, c: 'dict'='it', *d: int, e: str='\"', f: float=-1.5, **g) -> 'x'"
    )
    assert signature.items == (
        *("a", "b=1", "/", 'c: "dict" = "it"', "*d: int"),
        *("e: str = '\"'", "f: float = -1.5", "**g"),
    )
    assert signature.closing == ' -> "x"'
    assert not signature.by_name
    assert read_signature("f(*, a: int)").items == ("*", "a: int")


def test_names_are_imported_or_foreign() -> None:
    signature = read_signature(
        "f(a: Optional['date'], b: datetime.date, c: Cart=CART, d: list[int]=[1]) -> Literal['x']"
    )
    assert signature.imports == {
        "from typing import Optional",
        "from typing import Literal",
        "from datetime import date",
        "import datetime",
    }
    assert signature.foreign == {"Cart", "CART"}
