"""Files are written whole or not at all, and leave nothing else behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.whole_file import write_whole


@pytest.mark.parametrize("lasting", [False, True])
def test_what_was_there_is_replaced_and_nothing_else_is_left(tmp_path: Path, lasting: bool) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    write_whole(path, "después\r\n", lasting=lasting)
    assert path.read_bytes() == "después\r\n".encode()
    write_whole(path, b"\xff", lasting=lasting)
    assert path.read_bytes() == b"\xff"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_whole_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        write_whole(path, "after", lasting=True)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_why_it_cannot_be_written_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        write_whole(tmp_path / "file" / "a.txt", "")
