"""Eight writers of one state, each in a process of its own.

They are forked, so whoever calls `run_writers` has to be a process without threads: the modules that call it
are run with `python -m`.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.synchronize import Barrier

from tests.state_test_bed.update import Update

__all__ = ["WRITERS", "run_writers", "share"]

WRITERS = 8

_TIMEOUT_S = 40.0


def run_writers(write: Callable[[list[Update], Barrier], None], updates: int) -> None:
    """Let eight processes `write` their shares of so many updates; exits with 1 if one of them failed.

    The barrier opens when all eight wait at it.
    """
    forking = multiprocessing.get_context("fork")
    together = forking.Barrier(WRITERS, timeout=_TIMEOUT_S)
    writers = [
        forking.Process(target=write, args=(share(writer, updates), together), daemon=True)
        for writer in range(WRITERS)
    ]
    for process in writers:
        process.start()
    for process in writers:
        process.join(_TIMEOUT_S)
    if any(process.exitcode != 0 for process in writers):
        sys.exit(1)


def share(writer: int, updates: int) -> list[Update]:
    """The updates that one writer makes of so many, in their order."""
    return [Update(writer, number) for number in range(updates // WRITERS)]
