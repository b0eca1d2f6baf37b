"""Loops become expressions that mean the same."""

from __future__ import annotations

from typing import Any

from harness.gateway.simulated.tightening import tightened

LOOPS = """\
def found(rows, wanted):
    found = []
    for row in rows:
        if wanted in row:
            found.append(row)
    return found


def total(rows):
    total = 0.0
    for row in rows:
        total += len(row)
    return total
"""


def test_loops_that_collect_or_add_are_rewritten() -> None:
    """To a comprehension and a sum, with the same results."""
    better = tightened(LOOPS)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    exec(LOOPS, before)  # noqa: S102
    exec(better, after)  # noqa: S102

    assert "for row in rows:" not in better
    for rows in ([], ["ab", "c", "bd"]):
        assert after["found"](rows, "b") == before["found"](rows, "b")
        assert repr(after["total"](rows)) == repr(before["total"](rows))


def test_other_loops_stay() -> None:
    """A loop that does more, or that looks at what it collects, is left alone."""
    more = LOOPS.replace(
        "            found.append(row)\n", "            found.append(row)\n            print(row)\n"
    )
    own = LOOPS.replace("if wanted in row:", "if row not in found:")

    for source in (more, own):
        assert "found.append(row)" in tightened(source)
    assert tightened("x = 1\n") == "x = 1\n"


def test_long_loops_are_laid_out_on_several_lines() -> None:
    """No line grows beyond what formatters allow."""
    wide = LOOPS.replace("wanted in row", "wanted in row or " + "wanted == row or " * 4 + "False")
    assert max(map(len, tightened(wide).splitlines())) <= 110
    compile(tightened(wide), "wide", "exec")
