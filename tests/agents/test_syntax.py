"""Syntax trees, from several threads at once."""

from __future__ import annotations

import ast
import gc
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from agents.syntax import expression_tree, syntax_tree

_SOURCE = "\n".join(f"def f{i}(a, b=[1, 2]):\n    return {{'x': [a, (b, {i})]}}" for i in range(50))


@pytest.fixture
def switching() -> Iterator[None]:
    """Lets another thread run often, and in the middle of whatever collects garbage."""
    thresholds, interval_s = gc.get_threshold(), sys.getswitchinterval()

    def switch(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    gc.callbacks.append(switch)
    gc.set_threshold(50)
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval_s)
    gc.set_threshold(*thresholds)
    gc.callbacks.remove(switch)


def test_threads_that_parse_at_once_do_not_disturb_one_another(switching: None) -> None:
    """Before 3.11.8 and 3.12.2 Python raises SystemError where two threads build trees at once."""
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(syntax_tree, [_SOURCE] * 12))
    assert {len(tree.body) for tree in trees} == {50}


def test_what_a_source_is_warned_for_is_not_said_and_other_warnings_are_as_before(switching: None) -> None:
    """A filter that one thread puts back while another parses would stay or be lost."""
    before = warnings.filters[:]
    barrier = threading.Barrier(4)

    def parse() -> None:
        barrier.wait()
        for _ in range(50):
            syntax_tree('x = "\\d"')

    threads = [threading.Thread(target=parse) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_an_expression_is_read_by_itself() -> None:
    """Not as a statement."""
    assert isinstance(expression_tree("list[int] | None"), ast.BinOp)
    with pytest.raises(SyntaxError):
        expression_tree("x = 1")
