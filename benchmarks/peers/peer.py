"""What a peer is: a module with `opened()`, which holds what it takes to run graphs, and gives the `Run`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from benchmarks.peers.course import Course, Tasks

__all__ = ["Opened", "Run"]


class Run(Protocol):
    """Do the tasks, each once and after its needs, at most `slots` at a time (None: any number).

    The course is timed from the first task that is given to the scheduler until all are known to be done.
    What depends on the graph alone and could be made before, like a compiled graph, is not timed.
    """

    async def __call__(self, tasks: Tasks, slots: int | None, scale: float) -> Course: ...


Opened = Callable[[], AbstractAsyncContextManager[Run]]
