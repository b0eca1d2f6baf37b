"""The folders `redis/<session>/` of a store: the data of embedded Redis servers, kept while a run needs them.

`runs` in such a folder names the runs whose state is in it, a line each. A run needs its state until it has
ended by itself: what was cut off is resumed from there, or exported. What no run needs is removed when its
session ends, or by a later session where that one was killed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Set
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from async_arch.embedded_redis import remove_data
from async_arch.redis_keys import RUN_LIFETIME_S
from harness.errors import BadInputError, SurroundingsError
from harness.record.run_store import RunStore
from harness.state.kept_data import RUNS_FILE

__all__ = ["RedisFolders"]

_NEW_S = 60.0
"""A folder younger than this may be one whose server is only starting."""


class RedisFolders:
    """The folders of the embedded servers of one store."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._root = store.root / "redis"

    def new(self, now: datetime) -> Path:
        """The folder of a new session; whoever starts the server makes it."""
        return self._root / f"{now.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"

    def enter(self, folder: Path, run: str) -> None:
        """Write down that the state of `run` is in `folder`."""
        try:
            with (folder / RUNS_FILE).open("a", encoding="utf-8") as file:
                file.write(f"{run}\n")
        except OSError as error:
            raise SurroundingsError(f"{folder}: cannot be written: {error.strerror}") from error

    def drop(self, folder: Path) -> None:
        """Remove `folder`, whose server has gone, unless a run needs what is in it."""
        with suppress(OSError):
            if not self._is_needed(folder):
                remove_data(folder)

    def sweep(self) -> None:
        """Drop the folders of all sessions that are over: those that are named by a date."""
        for folder in self._root.glob("[0-9]*-*"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _NEW_S:
                    self.drop(folder)

    def left_by(self, runs: Set[str]) -> list[Path]:
        """The folders with the state of any of `runs` in which no other run of the store has its state."""
        return [
            folder
            for folder in sorted(self._root.glob("[0-9]*-*"))
            if (named := set(_runs_in(folder))) & runs
            and not any(self._store.folder(run).is_dir() for run in named - runs)
        ]

    def _is_needed(self, folder: Path) -> bool:
        last_written = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
        # Longer ago, the keys of its runs have lapsed.
        recent = time.time() - last_written < RUN_LIFETIME_S
        return recent and any(self._is_unfinished(run) for run in _runs_in(folder))

    def _is_unfinished(self, run: str) -> bool:
        if not self._store.folder(run).is_dir():
            return False
        try:
            summary = self._store.summary(run)
        except BadInputError:
            # Nobody knows how it ended.
            return True
        return summary is None or summary.outcome.cut_off


def _runs_in(folder: Path) -> Iterator[str]:
    with suppress(FileNotFoundError):
        yield from (folder / RUNS_FILE).read_text(encoding="utf-8").split()
