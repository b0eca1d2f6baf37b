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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
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

__all__ = ["RunHeld", "held_lease", "holder_of"]

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
    connection: RedisConnection, run: str, *, lifetime_s: float = LEASE_LIFETIME_S
) -> AsyncIterator[str]:
    """The token of a lease of `run`, held for as long as the block lasts.

    Where another process holds one, it is waited for whether that renews it, once its lifetime at most.
    Raises `RunHeld` where it does, `StateUnavailable` where the server does not answer.
    """
    keys, owner = RunKeys(run), json.dumps(_fields(Owner.here()))
    token = await _taken(connection, keys, owner, lifetime_s)
    renewal = _Renewal(connection.url, keys, owner, token, lifetime_s)
    renewal.start()
    try:
        yield token
    finally:
        renewal.stop()
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


class _Renewal:
    """A thread that renews a lease three times in its lifetime."""

    def __init__(self, url: str, keys: RunKeys, owner: str, token: str, lifetime_s: float) -> None:
        self._arguments = ("renew", owner, str(int(lifetime_s * 1000)), token)
        self._key = keys["meta"]
        self._every_s = lifetime_s / 3
        self._stopped = threading.Event()
        self._url = url
        self._thread = threading.Thread(target=self._renew, name=f"lease of {keys.run}", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """Renew no more; a renewal that is on its way fails by its token or is overtaken by the return."""
        self._stopped.set()

    def _renew(self) -> None:
        with redis.Redis.from_url(
            self._url,
            protocol=2,
            socket_timeout=_ANSWER_TIMEOUT_S,
            socket_connect_timeout=_ANSWER_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            while not self._stopped.wait(self._every_s):
                # Where it cannot be renewed now it may be later; where it was lost, the token fences.
                with suppress(redis.exceptions.RedisError, OSError):
                    client.eval(LEASE.text, 1, self._key, *self._arguments)


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
