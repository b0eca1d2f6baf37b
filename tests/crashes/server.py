"""A Redis server that can be killed and started again on its append-only file, at the same address."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from async_arch.embedded_redis import find_server

__all__ = ["RestartableServer", "restartable_server"]


class RestartableServer:
    """The server; `url` stays the same over all its lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder / 'socket'}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        (self._folder / "socket").unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self._folder / "socket"),
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [find_server().path, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        with redis.Redis.from_url(self.url) as client:
            deadline = time.monotonic() + 10
            while True:
                try:
                    client.ping()
                except redis.RedisError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.002)
                else:
                    return

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stand_still(self) -> None:
        """SIGSTOP: it keeps its connections, and answers nobody."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def restartable_server() -> Iterator[RestartableServer]:
    """A server that runs; killed, and its data removed, at the end of the block."""
    # Short, as the path of a socket must be.
    folder = Path(tempfile.mkdtemp(prefix="rx", dir="/tmp"))
    server = RestartableServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
