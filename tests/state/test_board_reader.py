"""The reader of a blackboard that is being rewritten: each whole state once, and no half of one."""

from __future__ import annotations

import os
from pathlib import Path

from harness.state.board import board_text
from harness.state.board_reader import BoardReader
from harness.state.project import project_at
from tests.state.projects import BOARD, board, with_status, write


async def test_each_state_is_given_out_once(tmp_path: Path) -> None:
    reader = BoardReader(project_at(tmp_path))
    assert await reader.look(told=True) is None
    assert reader.problem is None
    write(tmp_path)
    first = await reader.look(told=True)
    assert first is not None
    assert first.document == BOARD
    assert await reader.look(told=True) is None
    write(tmp_path)
    assert await reader.look(told=True) is None
    write(tmp_path, with_status("complete"))
    second = await reader.look(told=False)
    assert second is not None
    assert second.document == with_status("complete")
    assert reader.half_written == 0


async def test_a_half_written_state_is_waited_out_and_not_counted_twice(tmp_path: Path) -> None:
    reader = BoardReader(project_at(tmp_path))
    path = tmp_path / "blackboard.json"
    text = board_text(BOARD)
    path.write_bytes(text[:1000])
    assert await reader.look(told=True) is None
    assert reader.problem is not None
    for _ in range(3):
        assert await reader.look(told=False) is None
    assert reader.half_written == 1
    path.write_bytes(text)
    found = await reader.look(told=True)
    assert found is not None
    assert found.document == BOARD
    assert reader.problem is None


async def test_a_state_that_is_taken_back_is_a_state_again(tmp_path: Path) -> None:
    """By a repair, for one."""
    reader = BoardReader(project_at(tmp_path))
    seen = []
    for document in (BOARD, with_status("complete"), BOARD):
        write(tmp_path, document)
        found = await reader.look(told=True)
        seen.append(found.document if found else None)
    assert seen == [BOARD, with_status("complete"), BOARD]


async def test_who_is_told_of_a_change_reads_also_what_looks_the_same(tmp_path: Path) -> None:
    """The clock of a file system is coarse: two states of one size can have one time."""
    reader = BoardReader(project_at(tmp_path))
    path = write(tmp_path, board(logs=["a"]))
    about = path.stat()
    assert await reader.look(told=True) is not None
    write(tmp_path, board(logs=["b"]))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert await reader.look(told=False) is None
    found = await reader.look(told=True)
    assert found is not None
    assert found.document == board(logs=["b"])


async def test_a_file_that_goes_away_is_no_problem(tmp_path: Path) -> None:
    reader = BoardReader(project_at(tmp_path))
    path = write(tmp_path)
    await reader.look(told=True)
    path.write_text("{")
    await reader.look(told=True)
    assert reader.problem is not None
    path.unlink()
    assert await reader.look(told=True) is None
    assert reader.problem is None


async def test_two_blackboards_are_a_problem(tmp_path: Path) -> None:
    reader = BoardReader(project_at(tmp_path))
    write(tmp_path)
    await reader.look(told=True)
    write(tmp_path, place=".factory/blackboard.json")
    assert await reader.look(told=True) is None
    assert reader.problem is not None
    assert "two blackboards" in reader.problem
    assert reader.half_written == 0
