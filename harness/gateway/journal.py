"""The journal of a run: the file to which the record of every call is added as soon as the call is over.

It outlives the gateway, however that ends. A gateway that opens it again goes on with its numbers and times;
a line that was never finished is dropped. One process at a time has it open.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from harness.gateway.calls import CallRecord
from harness.gateway.errors import Refusal

__all__ = ["CallJournal", "read_journal"]

_LOCK_TIMEOUT_S = 10.0
"""How long a gateway whose owner was killed may take to go."""
_POLL_S = 0.01


class CallJournal:
    """An open journal. What is added is written in a thread: records can have megabytes."""

    def __init__(self, file: int, path: Path, earlier: tuple[CallRecord, ...]) -> None:
        self.count = len(earlier)
        """How many calls earlier sittings left in it."""
        self.failed = sum(call.error is not None for call in earlier)
        self.last_number = max((call.number for call in earlier), default=0)
        self.last_s = max((call.end_s for call in earlier), default=0.0)
        """The last moment of the earlier sittings that is known: when the last of these calls ended."""
        self._file = file
        self._path = path
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._problem: OSError | None = None

    @classmethod
    def open(cls, path: Path) -> CallJournal:
        """The journal at `path`, which is made where there is none. Blocks.

        Raises `Refusal` where another process has it open, or it cannot be read or written.
        """
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as problem:
            raise Refusal(507, f"{path}: cannot be opened: {problem.strerror}") from problem
        try:
            _lock(file)
            content = path.read_bytes()
            whole = _whole_lines(content)
            if len(whole) < len(content):
                os.ftruncate(file, len(whole))
            return cls(file, path, _parsed(path, whole))
        except BlockingIOError as problem:
            os.close(file)
            raise Refusal(409, f"{path}: is being written by another process") from problem
        except (OSError, Refusal):
            os.close(file)
            raise

    def append(self, record: CallRecord) -> None:
        """Add `record` at the end, after those that were added before."""
        self._writer.submit(self._write, record)

    async def close(self) -> None:
        """Let all be written that was added, and let others open it; `Refusal` where something was not."""
        await asyncio.to_thread(self._writer.shutdown)
        os.close(self._file)
        if self._problem is not None:
            raise Refusal(507, f"{self._path}: cannot be written: {self._problem.strerror}")

    def _write(self, record: CallRecord) -> None:
        if self._problem is not None:
            # After a gap nothing more: what is in the file is a beginning without holes.
            return
        line = memoryview(record.model_dump_json().encode() + b"\n")
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as problem:
            self._problem = problem


def read_journal(path: Path) -> tuple[CallRecord, ...]:
    """The calls in the journal at `path` in the order of their arrival, none where there is no file.

    It may be open elsewhere: a line in the writing is not among them. Raises `Refusal` for what is no call.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    return tuple(sorted(_parsed(path, _whole_lines(content)), key=lambda call: call.number))


def _lock(file: int) -> None:
    """Hold the file; raises `BlockingIOError` where another process does and goes on to."""
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _parsed(path: Path, lines: bytes) -> tuple[CallRecord, ...]:
    calls = []
    # By newline only: a call's text may hold other characters that Python takes for line ends.
    for number, line in enumerate(lines.split(b"\n")[:-1], start=1):
        try:
            calls.append(CallRecord.model_validate_json(line))
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False)[0]
            raise Refusal(500, f"{path}:{number}: is no call: {first['msg']}") from problem
    return tuple(calls)
