"""An alarm for one event loop: it comes as an event on a file descriptor, as the answer of a model does.

Timers of asyncio are rounded up to whole milliseconds, and those of uvloop to the nearest: half of one for
each answer, which no model adds. Where there is no timerfd (anywhere but on Linux), they have to do.
"""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import os
import sys
import time
from itertools import count
from weakref import WeakKeyDictionary, finalize

__all__ = ["sleep_until"]

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_NONBLOCKING_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_NS = 1_000_000_000


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class _Alarm:
    """The sleepers of one loop, and the descriptor that becomes readable when the first of them is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCKING_CLOEXEC)
        if self._timer < 0:
            raise OSError(ctypes.get_errno(), "no timerfd")
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._set_s = 0.0
        loop.add_reader(self._timer, self._ring)
        finalize(loop, os.close, self._timer)

    async def sleep_until(self, when_s: float) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (when_s, next(self._numbers), sleeper))
        if self._sleepers[0][0] == when_s:
            self._set(when_s)
        await sleeper

    def _ring(self) -> None:
        try:
            os.read(self._timer, 8)
        except BlockingIOError:
            return
        now_s = time.monotonic()
        while self._sleepers and self._sleepers[0][0] <= now_s:
            sleeper = heapq.heappop(self._sleepers)[-1]
            if not sleeper.done():
                sleeper.set_result(None)
        if self._sleepers:
            self._set(self._sleepers[0][0])

    def _set(self, when_s: float) -> None:
        # A moment that is past rings at once; 0 would disarm it.
        ns = max(1, round(when_s * _NS))
        spec = _TimerSpec(_TimeSpec(0, 0), _TimeSpec(*divmod(ns, _NS)))
        self._libc.timerfd_settime(self._timer, _ABSOLUTE, ctypes.byref(spec), None)


_alarms: WeakKeyDictionary[asyncio.AbstractEventLoop, _Alarm] = WeakKeyDictionary()


async def sleep_until(when_s: float) -> None:
    """Return when the monotonic clock shows `when_s`, in seconds, and never before."""
    if sys.platform == "linux":
        loop = asyncio.get_running_loop()
        alarm = _alarms.get(loop)
        if alarm is None:
            alarm = _alarms[loop] = _Alarm(loop)
        await alarm.sleep_until(when_s)
    # A loop's own timer may come early, too.
    while (left_s := when_s - time.monotonic()) > 0:  # noqa: ASYNC110
        await asyncio.sleep(left_s)
