"""Workers that share what is to be done: so many things at a time, and an end at the first that fails."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

__all__ = ["done_by_workers"]

T = TypeVar("T")
R = TypeVar("R")


async def done_by_workers(workers: int, items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """What `work` gives for each of `items`, in their order.

    Raises what it raises first, as it is; what is under way then is done to its end, the rest is left.
    """
    waiting = deque(enumerate(items))
    found: dict[int, R] = {}
    failures: list[Exception] = []

    async def take() -> None:
        while waiting and not failures:
            number, item = waiting.popleft()
            try:
                found[number] = await work(item)
            except Exception as error:
                failures.append(error)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(take())
    if failures:
        raise failures[0]
    return [found[number] for number in sorted(found)]
