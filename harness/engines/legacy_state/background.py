"""An event loop in a thread of its own, beside a program that blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

__all__ = ["open_in_background"]

T = TypeVar("T")


@contextmanager
def open_in_background(resource: AbstractAsyncContextManager[T]) -> Iterator[tuple[BlockingPortal, T]]:
    """`resource`, open in a loop in the background, and the way to call what belongs to that loop.

    Loop and thread end with the block, whatever ends it.
    """
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(resource) as opened:
        yield portal, opened
