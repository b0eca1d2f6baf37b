"""A private copy of a checkout: the working directory of one run, and what was in it before the run."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import threading
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.errors import SurroundingsError

__all__ = ["PrivateCopy", "below", "matches", "private_copy"]

_State = tuple[int, int, int]
"""Which file it is, when it was changed (nanoseconds), and its bytes."""


@dataclass(frozen=True, slots=True)
class PrivateCopy:
    """A working directory with what it held before the run: folders, and files with their states."""

    root: Path
    folders: frozenset[str]
    files: dict[str, _State]

    def is_new(self, path: str) -> bool:
        """Whether the file at `path` (relative, with `/`) was made or changed since."""
        return self.files.get(path) != _state((self.root / path).lstat())


class _Stopped(Exception):
    """Nobody waits for the copy any more."""


@asynccontextmanager
async def private_copy(
    source: Path | None, root: Path, *, exclude: Sequence[str], leave_out: Collection[Path]
) -> AsyncIterator[PrivateCopy]:
    """`root`, made as a copy of `source` (None: empty) and gone when the block is left.

    `exclude` are patterns of names and relative paths that are not copied, `leave_out` folders that are not,
    wherever they are. Links stay links; pipes and sockets are not copied. Raises `SurroundingsError`.
    """
    stop = threading.Event()
    copying = asyncio.ensure_future(asyncio.to_thread(_copied, source, root, exclude, leave_out, stop))
    try:
        yield await asyncio.shield(copying)
    finally:
        # A thread cannot be cancelled; it is told, and waited for.
        stop.set()
        await asyncio.wait([copying])
        await asyncio.to_thread(_remove, root)


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern is for `path` (relative, with `/`): for its name, or for the whole of it."""
    name = path.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) or fnmatchcase(path, pattern) for pattern in patterns)


def below(root: Path, ignored: Sequence[str] = ()) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every entry below `root` by its relative path, folders before what they hold; no link is followed."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(root / folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if matches(path, ignored):
                    continue
                yield path, entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)


def _copied(
    source: Path | None,
    root: Path,
    exclude: Sequence[str],
    leave_out: Collection[Path],
    stop: threading.Event,
) -> PrivateCopy:
    try:
        root.mkdir()
        if source is not None:
            _copy(source, root, exclude, {path.resolve() for path in leave_out}, stop)
        entries = [(path, entry) for path, entry in below(root)]
        return PrivateCopy(
            root,
            frozenset(path for path, entry in entries if entry.is_dir(follow_symlinks=False)),
            {
                path: _state(entry.stat(follow_symlinks=False))
                for path, entry in entries
                if not entry.is_dir(follow_symlinks=False)
            },
        )
    except OSError as error:
        where = error.filename or source
        raise SurroundingsError(f"{where}: cannot be copied for a run: {error.strerror}") from error


def _copy(
    source: Path, root: Path, exclude: Sequence[str], leave_out: set[Path], stop: threading.Event
) -> None:
    skipped: set[str] = set()
    for path, entry in below(source, exclude):
        if stop.is_set():
            raise _Stopped
        if path.rpartition("/")[0] in skipped or (
            entry.is_dir(follow_symlinks=False) and Path(entry.path).resolve() in leave_out
        ):
            skipped.add(path)
            continue
        target = root / path
        if entry.is_symlink():
            target.symlink_to(Path(entry.path).readlink())
        elif entry.is_dir():
            target.mkdir()
        elif entry.is_file():
            shutil.copy2(entry.path, target)


def _state(facts: os.stat_result) -> _State:
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _remove(root: Path) -> None:
    for folder, names, _ in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                # An engine may leave folders that nobody may write in, not even to clear them.
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(root, ignore_errors=True)
