"""The harness as a process of its own: its lines as they come, and what is left of it afterwards.

It is forked, which saves what a start takes; `installed_harness` starts it as a user does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.forked_command import ForkedCommand

FAST = ("--ttft", "0.001", "--tokens-per-second", "50000")
STEADY = ("--ttft", "0.1", "--tokens-per-second", "1500")


class HarnessProcess:
    """A running `harness` with a folder of its own for temporary files, by which its relatives are known."""

    def __init__(self, process: ForkedCommand | subprocess.Popen[str], temporary: Path) -> None:
        self.process = process
        self._temporary = temporary
        self._lines: list[str] = []
        self._more = threading.Condition()
        self._out = ""
        self._readers = [
            threading.Thread(target=self._read_errors, daemon=True),
            threading.Thread(target=self._read_output, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def wait_for(self, *words: str, timeout_s: float = 30.0) -> None:
        """Return when a line on standard error holds all `words`."""

        def said() -> bool:
            return any(all(word in line for word in words) for line in self._lines)

        with self._more:
            seen = self._more.wait_for(said, timeout_s)
        assert seen, f"never said {words}; said:\n{self.errors}"

    def finish(self, timeout_s: float = 50.0) -> int:
        """Wait for the end; returns the exit code."""
        code = self.process.wait(timeout_s)
        for reader in self._readers:
            reader.join(10)
        return code

    @property
    def errors(self) -> str:
        """What stands on standard error so far."""
        return "".join(self._lines)

    @property
    def output(self) -> str:
        """What stands on standard output; whole after `finish`."""
        return self._out

    def relatives(self) -> dict[int, str]:
        """The processes that come from this one and still live: command lines by pid."""
        mark = str(self._temporary).encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                # The Redis server writes its title over its environment; the title names its socket.
                if command and (mark in command or b"TMPDIR=" + mark in (folder / "environ").read_bytes()):
                    found[int(folder.name)] = command.replace(b"\0", b" ").decode()
            except OSError:
                continue
        found.pop(self.process.pid, None)
        return found

    def relative(self, words: str) -> int:
        """The pid of the one relative whose command line holds `words`."""
        found = {pid: command for pid, command in self.relatives().items() if words in command}
        assert len(found) == 1, found
        return next(iter(found))

    def assert_nothing_left(self, within_s: float = 10.0) -> None:
        """Fail if a relative still lives after `within_s`."""
        deadline = time.monotonic() + within_s
        while self.relatives() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.relatives() == {}

    def assert_no_temporary_files(self) -> None:
        """Fail if something is left in the folder for temporary files."""
        assert list(self._temporary.iterdir()) == []

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._more:
                self._lines.append(line)
                self._more.notify_all()

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        self._out = self.process.stdout.read()


@contextmanager
def harness(folder: Path, *arguments: str | Path) -> Iterator[HarnessProcess]:
    """`harness` with `arguments`, started in `folder`; killed at the end of the block if it still runs."""
    with _started(folder, arguments, ForkedCommand) as running:
        yield running


@contextmanager
def installed_harness(folder: Path, *arguments: str | Path) -> Iterator[HarnessProcess]:
    """The same, started as `python -m harness.cli`."""
    with _started(folder, arguments, _start) as running:
        yield running


def _start(folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextmanager
def _started(
    folder: Path,
    arguments: Sequence[str | Path],
    start: Callable[[Path, Sequence[str], Mapping[str, str]], ForkedCommand | subprocess.Popen[str]],
) -> Iterator[HarnessProcess]:
    # Short, as the path of a socket below it must be.
    temporary = Path(tempfile.mkdtemp(prefix="hx", dir="/tmp"))
    environment = {key: value for key, value in os.environ.items() if key != "OLLAMA_HOST"}
    process = start(
        folder, [*map(str, arguments)], {**environment, "TMPDIR": str(temporary), "COLUMNS": "120"}
    )
    running = HarnessProcess(process, temporary)
    try:
        yield running
    finally:
        process.kill()
        running.finish()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        shutil.rmtree(temporary, ignore_errors=True)


def run_harness(folder: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """Run `harness` to its end: exit code, standard output, standard error. Nothing may be left of it."""
    with harness(folder, *arguments) as running:
        code = running.finish()
        running.assert_nothing_left()
        running.assert_no_temporary_files()
        return code, running.output, running.errors


def listening_ports(pids: Sequence[int]) -> set[int]:
    """The TCP ports on which processes `pids` listen."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    ports = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            ports.add(int(fields[1].partition(":")[2], 16))
    return ports
