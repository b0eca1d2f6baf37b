"""Indentation: lines move, and what stands inside texts stays as it is."""

from __future__ import annotations

import ast

import pytest

from agents.conversation import UnusableAnswer
from agents.indentation import dedented, indented, inside_texts, moved_left

TEXTS = "x = \"\"\"a\n  b\n\n   \"\"\"\nif x:\n    y = f'''{x}\n{x}'''\n"


def test_lines_that_begin_inside_a_text_are_known() -> None:
    assert sorted(inside_texts(TEXTS)) == [2, 3, 4, 7]
    assert sorted(inside_texts("x = 'a\\\nb'\ny = 1")) == [2]
    assert sorted(inside_texts("x = '''a\nb''' + '''c\nd'''\ny = 1")) == [2, 3]
    assert not inside_texts('x = 1\n# """\ny = 2\n# """')


def test_code_moves_right_and_its_texts_do_not() -> None:
    lines = indented("if x:\n    y = '''a\n  b'''\n\n    return y", 4)
    assert lines == ["    if x:", "        y = '''a", "  b'''", "", "        return y"]


def test_a_continued_line_moves_too() -> None:
    assert indented("x = 1 + \\\n2\ny = (\n3)", 2) == ["  x = 1 + \\", "  2", "  y = (", "  3)"]


def test_columns_are_counted_anew_behind_a_form_feed() -> None:
    assert indented("\fx = 1\n\f\f  y = 2\n\f", 4) == ["\f    x = 1", "\f\f      y = 2", "\f"]
    assert moved_left("\f    x = 1", 4) == "\fx = 1"
    ast.parse("if 1:\n" + "\n".join(indented("\fif x:\n\f    y = 1\n", 4)))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1", "x = 1"),
        ("    x = 1\n    y = 2", "x = 1\ny = 2"),
        ("# a\n    x = 1", "# a\nx = 1"),
        ("    # a\n    x = 1", "# a\nx = 1"),
        ("  if x:\n      y = '''\n  a\n'''\n  z = 1", "if x:\n    y = '''\n  a\n'''\nz = 1"),
        ("\tif x:\n\t\treturn 1", "if x:\n        return 1"),
        ("if x:\n\ty = 1\n        z = 2".replace("        z", "\tz"), "if x:\n        y = 1\n        z = 2"),
        ("    x = (\n  1)", "x = (\n1)"),
        ("    x = '''a\n\tb'''\n    y = 1", "x = '''a\n\tb'''\ny = 1"),
        ("x = 1\n   \ny = 2", "x = 1\n\ny = 2"),
        ("\f    x = 1\n    y = 2", "x = 1\ny = 2"),
        ("", ""),
        ("\n\n", "\n\n"),
        ("    # only a comment", "    # only a comment"),
    ],
)
def test_code_begins_in_column_0(code: str, expected: str) -> None:
    assert dedented(code) == expected


def test_the_line_of_a_fault_is_that_of_the_code() -> None:
    with pytest.raises(UnusableAnswer, match="line 2: unindent does not match"):
        dedented("    x = 1\n  y = 2")
    with pytest.raises(UnusableAnswer, match="line 1: unterminated"):
        dedented("    x = '\n    y = 2")


def test_what_cannot_be_read_is_no_code() -> None:
    with pytest.raises(UnusableAnswer, match="not valid Python"):
        inside_texts("x = '''")
