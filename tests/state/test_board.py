"""A blackboard in its file: whole states only, and written as the legacy engine writes it."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given

from agents.blackboard import Entry, ProjectInfo, ProjectStatus, Section
from async_arch.stored_document import dumped
from harness.state.board import BoardBroken, BoardMissing, board_text, read_board
from legacy.json_blackboard import JsonBlackboard
from tests.async_arch.documents import documents
from tests.state.projects import BOARD, with_status, write


def test_a_state_is_read_with_what_is_known_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path)
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    board = read_board(path)
    assert board.document == BOARD
    assert board.sha256 == sha256(path.read_bytes()).hexdigest()
    assert (board.size, board.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"  \n", "it is empty"),
        (b'{"a": [1, 2', "no whole JSON document"),
        (b'{"a": 1}}', "Extra data: line 1, column 9"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": "ö'.encode()[:-1], "not UTF-8"),
        (b"[1, 2]", "no JSON object but a list"),
        (b'"text"', "no JSON object but a str"),
        (b"null", "no JSON object but a NoneType"),
        (b'{"a": ' + b"[" * 100_000, "nested too deep"),
        (b'{"a": ' + b"1" * 5000 + b"}", "integer string"),
    ],
)
def test_what_is_no_whole_object_is_one_clear_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "blackboard.json"
    path.write_bytes(content)
    with pytest.raises(BoardBroken, match=words) as refused:
        read_board(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_part_of_a_state_is_ever_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "blackboard.json"
    text = board_text(BOARD)
    # All but the newline at the end, without which it is the same document.
    for size in range(len(text) - 1):
        if size % 7 == 0 or size > len(text) - 20:
            path.write_bytes(text[:size])
            with pytest.raises(BoardBroken):
                read_board(path)


def test_a_file_that_changes_while_it_is_read_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the one and half of the other could be a document that nobody ever wrote."""
    path = write(tmp_path)
    read_bytes = Path.read_bytes

    def rewritten(self: Path) -> bytes:
        write(tmp_path, with_status("complete"))
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", rewritten)
    with pytest.raises(BoardBroken, match="is being rewritten"):
        read_board(path)


def test_no_file_is_another_thing_than_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(BoardMissing):
        read_board(tmp_path / "blackboard.json")
    with pytest.raises(BoardBroken, match="Is a directory"):
        read_board(tmp_path)


def test_it_is_written_as_the_legacy_engine_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "blackboard.json"
    info = ProjectInfo("Größe 店 \u2028 \x00 \x7f", "2026-01-01T00:00:00", ProjectStatus.BUILDING)
    legacy = JsonBlackboard(path, info)
    legacy.add(
        [Entry(Section.LOGS, (1, 0), "", {"level": "info", "message": 'a "b"\n\t\\', "n": [1.5, 1e300]})]
    )
    assert board_text(json.loads(path.read_bytes())) == path.read_bytes()


@given(documents)
def test_whatever_is_written_is_read_again(document: dict[str, object]) -> None:
    text = board_text(document)
    # A pair of halves that meet in one string is one character in JSON.
    as_json = json.loads(json.dumps(document))
    assert dumped(json.loads(text.decode())) == dumped(as_json)


@pytest.mark.parametrize("status", ["building", "Building", "in_progress", "in progress", "planning", ""])
def test_a_project_is_under_way(tmp_path: Path, status: str) -> None:
    assert read_board(write(tmp_path, with_status(status))).is_under_way


@pytest.mark.parametrize("status", ["complete", "completed", "failed", "whatever comes next"])
def test_any_other_word_is_an_end(tmp_path: Path, status: str) -> None:
    assert not read_board(write(tmp_path, with_status(status))).is_under_way


@pytest.mark.parametrize("document", [{}, {"project_info": []}, {"project_info": {"status": None}}])
def test_a_project_that_says_nothing_is_under_way(tmp_path: Path, document: dict[str, object]) -> None:
    assert read_board(write(tmp_path, document)).is_under_way
