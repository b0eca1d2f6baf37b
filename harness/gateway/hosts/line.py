"""The line before the hosts: who waits for a slot, and which host the next call goes to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.gateway.errors import NoHostLeft
from harness.gateway.hosts.host import Host, HostState, Lease
from harness.gateway.hosts.pace import relative_paces

__all__ = ["Line", "Wish"]


@dataclass(slots=True, eq=False)
class Wish:
    """What one call asks of the hosts, over all its attempts."""

    model: str
    wanted: Host | None = None
    """The one that is to answer, unless it is left out or has refused."""
    refused: set[Host] = field(default_factory=set)
    """Those that answered it with an error, and are not to be asked again."""
    again: bool = False
    """Whether it was tried already: then it goes before those that were not."""
    expires_at: float | None = None
    """Until when, by the loop's clock, it waits for a host to come back; None before it had to."""


@dataclass(slots=True, eq=False)
class _Waiting:
    wish: Wish
    place: asyncio.Future[Lease]
    alarm: asyncio.TimerHandle | None = None


class Line:
    """The hosts' slots, first come first served; `patience_s` is how long one waits while all are out."""

    def __init__(self, hosts: Sequence[Host], patience_s: float) -> None:
        self._hosts = tuple(hosts)
        self._patience_s = patience_s
        self._queue: deque[_Waiting] = deque()

    @property
    def waiting(self) -> int:
        """How many calls wait for a slot."""
        return len(self._queue)

    def has_host_in(self, wish: Wish) -> bool:
        """Whether a host is left that has not failed this call and is not left out."""
        return any(host.state is not HostState.OUT for host in self._eligible(wish))

    async def lease(self, wish: Wish) -> Lease:
        """Wait for a slot. Whoever gets one gives it back.

        Raises `NoHostLeft` where all hosts are out for longer than is waited for.
        """
        # A slot is only free while nobody waits who could use it: `serve` hands it on at once.
        host = self._best(wish)
        if host is not None:
            return host.take()
        waiting = _Waiting(wish, asyncio.get_running_loop().create_future())
        if wish.again:
            self._queue.appendleft(waiting)
        else:
            self._queue.append(waiting)
        self._set_alarm(waiting)
        try:
            return await waiting.place
        except asyncio.CancelledError:
            if waiting in self._queue:
                self._queue.remove(waiting)
            elif not waiting.place.cancelled() and waiting.place.exception() is None:
                # The slot was granted in the very moment the wait was cancelled.
                self.give_back(waiting.place.result())
            raise
        finally:
            if waiting.alarm is not None:
                waiting.alarm.cancel()

    def give_back(self, lease: Lease) -> None:
        """Hand a slot on to the next that can use it."""
        lease.host.give_back(lease)
        self.serve()

    def serve(self) -> None:
        """Hand out what is free, and look who has nobody left to wait for: after every change of a host."""
        if any(host.free for host in self._hosts):
            for waiting in tuple(self._queue):
                if waiting.place.done():
                    # Cancelled, and not yet woken to leave the line.
                    continue
                host = self._best(waiting.wish)
                if host is not None:
                    self._queue.remove(waiting)
                    waiting.place.set_result(host.take())
                    if not any(host.free for host in self._hosts):
                        break
        for waiting in self._queue:
            self._set_alarm(waiting)

    def _eligible(self, wish: Wish) -> list[Host]:
        # Where nobody has the model, whoever is asked says so in Ollama's own words.
        offering = [host for host in self._hosts if host.may_answer(wish.model)] or self._hosts
        left = [host for host in offering if host not in wish.refused]
        wanted = wish.wanted
        return [wanted] if wanted in left and wanted.state is not HostState.OUT else left

    def _best(self, wish: Wish) -> Host | None:
        """The free host with the least expected wait: its calls under way over its slots, at its pace."""
        free = [host for host in self._eligible(wish) if host.free]
        if len(free) < 2:
            return free[0] if free else None
        # Of two alike, the one that is yet to show its pace.
        waits = [
            ((host.under_way + 1) / host.slots * pace, host.pace.per_call_s is not None)
            for host, pace in zip(free, relative_paces(host.pace for host in free), strict=True)
        ]
        return free[waits.index(min(waits))]

    def _set_alarm(self, waiting: _Waiting) -> None:
        """Let whoever has only hosts to wait for that are out give up in time, and nobody else."""
        if self.has_host_in(waiting.wish):
            if waiting.alarm is not None:
                waiting.alarm.cancel()
                waiting.alarm = None
            return
        if waiting.alarm is not None:
            return
        loop = asyncio.get_running_loop()
        if waiting.wish.expires_at is None:
            waiting.wish.expires_at = loop.time() + self._patience_s
        waiting.alarm = loop.call_at(waiting.wish.expires_at, self._give_up, waiting)

    def _give_up(self, waiting: _Waiting) -> None:
        if waiting.place.done():
            return
        self._queue.remove(waiting)
        names = ", ".join(host.url for host in self._eligible(waiting.wish))
        waiting.place.set_exception(
            NoHostLeft(f"no host is left: {names} did not come back in {self._patience_s:g} s")
        )
