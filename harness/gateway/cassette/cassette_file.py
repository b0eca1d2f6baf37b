"""The file of a cassette: one JSON object a line, read whole and only ever added to.

An entry is added by one write under a lock, so that any number of calls and processes can record into the
same cassette and a reader never sees two entries mixed.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from harness.gateway.cassette.entry import Entry

__all__ = [
    "Cassette",
    "CassetteError",
    "append_entry",
    "cassette_path",
    "read_cassette",
    "replace_entries",
]

_NAME = re.compile(r"[^\W_][\w.-]{0,127}")
_SUFFIX = ".jsonl"


class CassetteError(Exception):
    """A cassette that cannot be read or written; one sentence with file and line."""


@dataclass(frozen=True, slots=True)
class Cassette:
    """A cassette as it was read: its entries with their lines in the file, from 1."""

    path: Path
    entries: tuple[tuple[int, Entry], ...]
    size: int
    """Bytes."""
    torn: int | None = None
    """The line that a recording left unfinished, where there is one; it is not among the entries."""


def cassette_path(folder: Path, name: str) -> Path:
    """The file of the cassette `name` in `folder`; `CassetteError` for what is no name of a cassette."""
    if not _NAME.fullmatch(name):
        raise CassetteError(f"{name!r} is no name of a cassette: letters, digits, '.', '_' and '-' are")
    return folder / f"{name}{_SUFFIX}"


def read_cassette(path: Path) -> Cassette:
    """The cassette at `path`; `CassetteError` where it is missing or a line is not an entry."""
    try:
        with path.open("rb") as file:
            # A recording that goes on meanwhile is between two entries while the lock is held.
            fcntl.flock(file, fcntl.LOCK_SH)
            content = file.read()
    except FileNotFoundError:
        raise CassetteError(
            f"{path}: there is no such cassette; record it with --model record:{path.parent}"
        ) from None
    except OSError as problem:
        raise CassetteError(f"{path}: cannot be read: {problem.strerror}") from problem
    lines = content.split(b"\n")
    last = len(lines)
    entries: list[tuple[int, Entry]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entries.append((number, Entry.model_validate_json(line)))
        except ValidationError as problem:
            if number == last:
                return Cassette(path, tuple(entries), len(content), torn=number)
            raise CassetteError(f"{path}:{number}: {_reason(problem)}") from problem
    return Cassette(path, tuple(entries), len(content))


def append_entry(path: Path, entry: Entry) -> None:
    """Add `entry` at the end of the cassette, which is made where there is none."""
    line = entry.as_line().encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path) as file:
            end = _end_of_entries(file)
            written = os.pwrite(file, line, end)
            if written != len(line):
                os.ftruncate(file, end)
                raise OSError(None, "the disk took only a part of the entry")
    except OSError as problem:
        raise CassetteError(f"{path}: cannot be written: {problem.strerror}") from problem


def replace_entries(cassette: Cassette, entries: Sequence[Entry]) -> None:
    """Write the cassette anew with `entries`; what it held before is kept beside it, as `NAME.jsonl.bak`.

    `CassetteError` where something was recorded since it was read: that would be lost.
    """
    path = cassette.path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with _locked(path) as file:
            if os.fstat(file).st_size != cassette.size:
                raise CassetteError(f"{path}: was added to meanwhile; try again")
            temporary.write_text("".join(f"{entry.as_line()}\n" for entry in entries), encoding="utf-8")
            backup = _free_backup(path)
            os.link(path, backup)
            temporary.replace(path)
    except OSError as problem:
        raise CassetteError(f"{path}: cannot be written: {problem.strerror}") from problem
    finally:
        temporary.unlink(missing_ok=True)


def _free_backup(path: Path) -> Path:
    backup, number = path.with_name(f"{path.name}.bak"), 1
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.bak{number}")
    return backup


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The cassette, open and locked; the file is the one that has the name by then."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_still(file, path):
                yield file
                return
        finally:
            os.close(file)


def _is_still(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _end_of_entries(file: int) -> int:
    """Where the next entry begins: an entry that was never finished is given up, a missing line end added."""
    size = os.fstat(file).st_size
    if not size or os.pread(file, 1, size - 1) == b"\n":
        return size
    start = size
    while start and (block := os.pread(file, min(start, 65536), max(0, start - 65536))):
        found = block.rfind(b"\n")
        if found >= 0:
            start = start - len(block) + found + 1
            break
        start -= len(block)
    try:
        Entry.model_validate_json(os.pread(file, size - start, start))
    except ValidationError:
        os.ftruncate(file, start)
        return start
    return os.pwrite(file, b"\n", size) + size


def _reason(problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_input=False)[0]
    key = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
