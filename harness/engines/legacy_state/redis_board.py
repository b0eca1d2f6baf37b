"""The legacy loop's blackboard in Redis, which leads; its JSON file is written at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from anyio.from_thread import BlockingPortal

from agents.blackboard import Entry, ProjectInfo, ProjectStatus
from agents.build import TaskEvent
from async_arch.engine import open_redis_state
from async_arch.state_manager import RedisStateManager
from async_arch.workspace import replace_file
from harness.engines.legacy_state.background import open_in_background
from harness.engines.legacy_state.legacy_state import LegacyState

__all__ = ["RedisBoard", "open_redis_board_state"]


class RedisBoard:
    """The blackboard of one project in Redis. Every method waits, and may raise `StateUnavailable`."""

    def __init__(self, path: Path, portal: BlockingPortal, state: RedisStateManager) -> None:
        self._path = path
        self._portal = portal
        self._state = state

    def add(self, entries: Sequence[Entry], files: Mapping[str, str] | None = None) -> None:
        """Add `entries`, and `files` by path, in one step."""
        self._portal.call(self._state.add, entries, files)

    def finish(self, status: ProjectStatus) -> None:
        """Set the final status, and write the whole document to its file."""
        self._portal.call(self._state.finish, status)
        board = json.dumps(self._portal.call(self._state.snapshot), indent=2, ensure_ascii=False)
        replace_file(self._path, board + "\n")


@contextmanager
def open_redis_board_state(url: str, run: str, patience_s: float) -> Iterator[LegacyState]:
    """State on the server at `url` under the name `run`; raises as `open_redis_state` does."""
    with open_in_background(open_redis_state(url, run, patience_s)) as (portal, state):

        def open_board(path: Path, info: ProjectInfo) -> RedisBoard:
            portal.call(state.create, info)
            return RedisBoard(path, portal, state)

        def announce(event: TaskEvent) -> None:
            portal.call(state.announce, event)
            portal.call(state.settled)

        yield LegacyState(open_board, announce)
