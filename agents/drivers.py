"""The drivers: they carry requests from an agent to the model and replies back, blocking or async.

Both run the very same agents. What a call is made with is the caller's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import TypeVar

from agents.conversation import ModelError, ModelReply, ModelRequest, Steps

__all__ = ["drive", "drive_async"]

T = TypeVar("T")


def drive(steps: Steps[T], call: Callable[[ModelRequest], ModelReply]) -> T:
    """Run an agent to its result with a blocking `call`, which may raise `ModelError`."""
    with closing(steps):
        go_on = partial(next, steps)
        while True:
            try:
                request = go_on()
            except StopIteration as finished:
                result: T = finished.value
                return result
            try:
                go_on = partial(steps.send, call(request))
            except ModelError as error:
                go_on = partial(steps.throw, error)


async def drive_async(steps: Steps[T], call: Callable[[ModelRequest], Awaitable[ModelReply]]) -> T:
    """Run an agent to its result with an awaited `call`, which may raise `ModelError`."""
    with closing(steps):
        go_on = partial(next, steps)
        while True:
            try:
                request = go_on()
            except StopIteration as finished:
                result: T = finished.value
                return result
            try:
                go_on = partial(steps.send, await call(request))
            except ModelError as error:
                go_on = partial(steps.throw, error)
