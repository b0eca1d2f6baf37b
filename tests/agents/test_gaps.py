"""Gaps: where they are in a rendered module, and what of it they may use."""

from __future__ import annotations

import ast

import pytest

from agents.conversation import UnusableAnswer
from agents.gaps import USABLE_MODULES, Gap, GapKind, Skeleton, gaps_shown, parsed_code, placeholder
from tests.agents.rendered import ADD_ITEM, SHARED, SKELETON, SOURCE, TOTAL, skeleton_of


def test_gaps_are_found_by_the_syntax_tree() -> None:
    """The docstrings of the module and of a function read like gaps, and are none."""
    lines = SOURCE.split("\n")
    found = {name: lines[place.lineno - 1].strip() for name, place in SKELETON.places.items()}
    assert found == {gap.name: placeholder(gap.name, gap.kind) for gap in SKELETON.gaps}
    assert {n: f.name for n, f in SKELETON.functions.items()} == {
        n: n for n in ("add_item", "total", "clear", "add_item_view")
    }


def test_a_placeholder_is_valid_by_itself() -> None:
    for kind in GapKind:
        ast.parse(placeholder("total", kind))
    assert placeholder("total", GapKind.BODY) == 'raise NotImplementedError("gap: total")'
    assert placeholder("shared", GapKind.SHARED) == '"gap: shared"'


F = 'def f():\n    raise NotImplementedError("gap: f")\n'
FAULTY = {
    "none": ('"""A."""\n', ["f"], "the gap f is not there"),
    "in the docstring": ('"""A."""\n\n\ndef f():\n    """gap: f"""\n', ["f"], "the gap f is not there"),
    "twice": (f'"""A."""\n{F}{F}', ["f"], "the gap f is there twice"),
    "same name": (f'"""A."""\n{F}', ["f", "f"], "two gaps have the same name"),
    "not alone": (f'"""A."""\n{F.rstrip()}; x = 1\n', ["f"], "the gap f does not stand alone on its line"),
    "a comment": (f'"""A."""\n{F.rstrip()}  # noqa\n', ["f"], "the gap f does not stand alone on its line"),
    "on the line of its function": (
        '"""A."""\n' + F.replace("\n    ", " "),
        ["f"],
        "the gap f does not stand alone on its line",
    ),
    "over lines": (
        '"""A."""\n' + F.replace('("', '(\n"'),
        ["f"],
        "the gap f does not stand alone on its line",
    ),
    "indented by a tab": (
        '"""A."""\n' + F.replace("    ", "\t"),
        ["f"],
        "the gap f does not stand alone on its line",
    ),
    "nested": ('"""A."""\nif 1:\n    ' + F.replace("\n    ", "\n        "), ["f"], "the gap f is not there"),
    "other line ends": (
        f'"""A."""\n{F}'.replace("\n", "\r\n"),
        ["f"],
        "the lines of a skeleton end with LF alone",
    ),
    "two in a function": (
        f'"""A."""\n{F}    raise NotImplementedError("gap: g")\n',
        ["f", "g"],
        "the function f has more than one gap",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "names", "fault"), FAULTY.values(), ids=FAULTY.keys())
def test_a_skeleton_that_does_not_hold_its_gaps_is_a_fault_of_its_template(
    source: str, names: list[str], fault: str
) -> None:
    skeleton = Skeleton(source, tuple(Gap(name, GapKind.BODY, "") for name in names))
    with pytest.raises(ValueError, match=f"^{fault}$"):
        _ = skeleton.places


def test_a_docstring_that_reads_like_a_gap_is_none() -> None:
    source = f'"gap: shared"\n\n{placeholder("shared", GapKind.SHARED)}\n'
    assert Skeleton(source, (SHARED,)).places["shared"].lineno == 3
    with pytest.raises(ValueError, match="the gap shared is not there"):
        _ = Skeleton('"gap: shared"\n', (SHARED,)).places


def test_only_one_gap_is_for_what_is_shared() -> None:
    source = '"""A."""\n"gap: one"\n"gap: two"\n'
    gaps = tuple(Gap(name, GapKind.SHARED, "") for name in ("one", "two"))
    with pytest.raises(ValueError, match="more than one gap for what is shared"):
        _ = Skeleton(source, gaps).places


def test_a_gap_is_found_by_its_name() -> None:
    assert SKELETON.gap("total") is TOTAL
    with pytest.raises(KeyError):
        SKELETON.gap("other")


def test_the_scope_names_what_is_private_with_what_it_says() -> None:
    assert SKELETON.scope == (
        "_lock = threading.Lock()",
        "_rows: dict[int, dict[str, Any]]",
        "_ids = itertools.count(1)",
        "_known(key: int) -> dict[str, Any]: The item with this id.",
    )


def test_the_modules_of_the_project_come_first_and_each_once() -> None:
    assert SKELETON.usable_modules == ("catalog", *USABLE_MODULES)
    assert skeleton_of("html", "go").usable_modules == tuple(m for m in USABLE_MODULES if m != "html")


def test_a_gap_is_shown_with_what_it_must_do() -> None:
    assert SHARED.as_dict() == {"name": "shared", "kind": "shared", "does": "What the functions share."}
    assert ADD_ITEM.as_dict()["signature"] == "add_item(book_id: int, count: int=1) -> dict"
    shown = gaps_shown(SKELETON, {"shared": "", "total": "return 1.0"})
    assert shown == {"total": {"signature": TOTAL.signature, "does": "Adds it up.", "code": "return 1.0"}}


def test_code_may_return_and_names_no_encoding() -> None:
    code = "# coding: latin-1\nreturn 'é'"
    assert ast.unparse(parsed_code(code)) == "return 'é'"
    assert ast.unparse(parsed_code("# coding: none\nreturn 1")) == "return 1"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = (", r"not valid Python: line 1: '\(' was never closed: x = \("),
        ("-" * 100_000 + "1", "nested too deeply"),
        ("x" + ".x" * 100_000, "nested too deeply"),
        ("'\udcff'", "not Unicode text"),
    ],
)
def test_code_that_cannot_be_parsed_is_unusable(code: str, reason: str) -> None:
    with pytest.raises(UnusableAnswer, match=reason):
        parsed_code(code)


def test_lines_that_are_ours_are_not_counted() -> None:
    with pytest.raises(UnusableAnswer, match="line 2: "):
        parsed_code("if True:\n    x = 1\n    y = (\n", 1)
