"""The lease of a run: one process works on it at a time, and whoever comes later gets a greater token.

The server drops a lease that is not renewed, so it dies with its owner; on the owner's own machine a dead one
is recognised at once. The token fences: every write carries it, and nothing is written with one that is not
the latest, however late it arrives.

It is renewed from a thread, since a blocking client keeps the event loop standing still for minutes.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import redis
import redis.exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import LEASE_LIFETIME_S, RunKeys
from async_arch.redis_scripts import LEASE
from async_arch.state_store import StateUnavailable

__all__ = ["LeaseRenewal", "RunHeld", "held_lease", "holder_of"]

_ANSWER_TIMEOUT_S = 2.0
_LOOK_AGAIN_S = 0.1


class RunHeld(StateUnavailable):
    """Another process works on the run; the message says which."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that holds a lease. `host` names the machine since its boot and, in it, the container."""

    pid: int
    machine: str
    host: str
    started: str
    nonce: str

    @classmethod
    def here(cls) -> Owner:
        """This process, with a nonce that tells its leases apart."""
        return cls(os.getpid(), socket.gethostname(), _host(), _started(os.getpid()), secrets.token_hex(8))

    @property
    def dead(self) -> bool:
        """Whether it is known to be gone; what runs on another machine never is."""
        return self.host == _host() and self.started != _started(self.pid)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.machine}"


@asynccontextmanager
async def held_lease(
    connection: RedisConnection,
    run: str,
    *,
    lifetime_s: float = LEASE_LIFETIME_S,
    renewal: LeaseRenewal | None = None,
) -> AsyncIterator[str]:
    """The token of a lease of `run`, held for as long as the block lasts; `renewal` renews it.

    Where another process holds one, it is waited for whether that renews it, once its lifetime at most.
    Raises `RunHeld` where it does, `StateUnavailable` where the server does not answer.
    """
    keys, owner = RunKeys(run), json.dumps(_fields(Owner.here()))
    token = await _taken(connection, keys, owner, lifetime_s)
    held = _Held(keys["meta"], owner, token, lifetime_s)
    async with AsyncExitStack() as stack:
        if renewal is None:
            renewal = await stack.enter_async_context(LeaseRenewal.running(connection.url))
        renewal.add(held)
        try:
            yield token
        finally:
            renewal.remove(held)
            # Where it cannot be returned it lapses.
            with suppress(redis.exceptions.RedisError, OSError, TimeoutError):
                async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                    await LEASE.run(connection.client, keys["meta"], "return", "", "", token)


async def holder_of(connection: RedisConnection, run: str) -> str | None:
    """The process that holds `run`, in words for a person; None where none does."""
    held = await connection.command("GET", RunKeys(run)["lease"])
    owner = _owner(held) if held else None
    return None if owner is None or owner.dead else str(owner)


async def _taken(connection: RedisConnection, keys: RunKeys, owner: str, lifetime_s: float) -> str:
    lapses: float | None = None
    instead_of = b""
    loop = asyncio.get_running_loop()
    milliseconds = str(int(lifetime_s * 1000))
    while True:
        word, token, held = await connection.script(
            LEASE, keys["meta"], "take", owner, milliseconds, instead_of
        )
        if word == b"OK":
            return str(token.decode())
        if held == owner.encode():
            # The answer to an earlier try was lost.
            return str(token.decode())
        holder = _owner(held)
        if holder.dead:
            instead_of = held
            continue
        if lapses is None:
            left_ms = await connection.command("PTTL", keys["lease"])
            lapses = loop.time() + max(0, left_ms) / 1000 + _LOOK_AGAIN_S
        elif loop.time() > lapses:
            raise RunHeld(f"run {keys.run} is worked on by {holder}, which renews its lease")
        await asyncio.sleep(_LOOK_AGAIN_S)


@dataclass(frozen=True, slots=True)
class _Held:
    """A lease that is renewed three times in its lifetime; `key` is the run's key `meta`."""

    key: str
    owner: str
    token: str
    lifetime_s: float

    @property
    def every_s(self) -> float:
        return self.lifetime_s / 3

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("renew", self.owner, str(int(self.lifetime_s * 1000)), self.token)


class LeaseRenewal:
    """A thread that renews the leases which this process holds on one server, however many they are."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._due_s: dict[_Held, float] = {}
        self._changed = threading.Condition()
        self._stopped = False

    @classmethod
    @asynccontextmanager
    async def running(cls, url: str) -> AsyncIterator[LeaseRenewal]:
        """One that renews for as long as the block lasts."""
        renewal = cls(url)
        thread = threading.Thread(target=renewal._renew, name="renewal of leases", daemon=True)
        thread.start()
        try:
            yield renewal
        finally:
            renewal._stop()
            # Until its connection is closed, or the server has been silent for too long.
            await asyncio.to_thread(thread.join, _ANSWER_TIMEOUT_S)

    def add(self, lease: _Held) -> None:
        """Renew `lease` from now on."""
        with self._changed:
            self._due_s[lease] = time.monotonic() + lease.every_s
            self._changed.notify()

    def remove(self, lease: _Held) -> None:
        """Renew it no more; a renewal on its way fails by its token, or is overtaken by the return."""
        with self._changed:
            del self._due_s[lease]

    def _stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _due(self) -> list[_Held]:
        """Wait until some are due, and say which; none once it is stopped."""
        with self._changed:
            while not self._stopped:
                now_s = time.monotonic()
                due = [lease for lease, due_s in self._due_s.items() if due_s <= now_s]
                if due:
                    self._due_s.update((lease, now_s + lease.every_s) for lease in due)
                    return due
                next_s = min(self._due_s.values(), default=None)
                self._changed.wait(None if next_s is None else next_s - now_s)
            return []

    def _renew(self) -> None:
        with redis.Redis.from_url(
            self._url,
            protocol=2,
            socket_timeout=_ANSWER_TIMEOUT_S,
            socket_connect_timeout=_ANSWER_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            while due := self._due():
                for lease in due:
                    # Where it cannot be renewed now it may be later; where it was lost, the token fences.
                    with suppress(redis.exceptions.RedisError, OSError):
                        client.eval(LEASE.text, 1, lease.key, *lease.arguments)


def _fields(owner: Owner) -> dict[str, str | int]:
    return {name: getattr(owner, name) for name in Owner.__slots__}


def _owner(data: bytes) -> Owner:
    return Owner(**json.loads(data))


@cache
def _host() -> str:
    """This machine since its boot, and the space of process ids in it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115  no path of a file
    except OSError:
        # Nothing tells two processes of one number apart here: only the lapse of the lease does.
        return f"{socket.gethostname()} {secrets.token_hex(8)}"


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks; empty where it is gone."""
    try:
        # The name of the program, in parentheses, may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
