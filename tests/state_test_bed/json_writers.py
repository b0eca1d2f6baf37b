"""Writers that keep the blackboard as the owner's factory does: one JSON document, rewritten whole.

`python -m tests.state_test_bed.json_writers WAY PATH`
"""

from __future__ import annotations

import json
import sys
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

from agents.blackboard import Entry, ProjectInfo, ProjectStatus, Section
from async_arch.workspace import replace_file
from legacy.json_blackboard import JsonBlackboard
from tests.state_test_bed.eight_writers import run_writers
from tests.state_test_bed.update import Update

UPDATES = 2_000
"""How many all make together: fewer than with Redis, since the work grows with their square."""

_INFO = ProjectInfo("a shop", "2026-01-01T00:00:00", ProjectStatus.BUILDING)


def keep_own_board(path: Path, updates: list[Update], together: Barrier) -> None:
    """Write through a board of one's own, which is what the legacy engine in each of eight processes does."""
    board = JsonBlackboard(path, _INFO)
    together.wait()
    for update in updates:
        board.add([Entry(Section.LOGS, (update.writer, update.number), "", str(update))])


def read_modify_write(path: Path, updates: list[Update], together: Barrier) -> None:
    """Read the document anew for each update, and replace it at one stroke, so that it is always whole."""
    for update in updates:
        board = json.loads(path.read_text(encoding="utf-8"))
        if update.number == 0:
            # Everybody has read before anybody writes, as with agents that think in between.
            together.wait()
        board["logs"].append(str(update))
        replace_file(path, json.dumps(board))


def save_for_ever(path: Path) -> None:
    """One writer alone that saves a document of 5 MB over and over."""
    board = JsonBlackboard(path, _INFO)
    board.add([Entry(Section.LOGS, (number, 0), "", "x" * 100_000) for number in range(50)])
    sys.stdout.write("saved once\n")
    sys.stdout.flush()
    while True:
        board.add([])


def _main(way: str, path: Path) -> None:
    match way:
        case "keep_own_board":
            run_writers(partial(keep_own_board, path), UPDATES)
        case "read_modify_write":
            JsonBlackboard(path, _INFO)
            run_writers(partial(read_modify_write, path), UPDATES)
        case "save_for_ever":
            save_for_ever(path)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
