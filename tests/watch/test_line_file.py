"""A file that grows by lines: each line is told once, whole, in order."""

from __future__ import annotations

from pathlib import Path

from harness.watch.line_file import LineFile


def _add(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_a_line_is_told_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    file = LineFile(path)
    assert file.fresh() == []
    _add(path, b"one\ntw")
    assert file.fresh() == [(1, b"one")]
    assert file.fresh() == []
    _add(path, b"o\nthree\n")
    assert file.fresh() == [(2, b"two"), (3, b"three")]


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes("a\u2028b\r\x0c\x85\n".encode())
    assert LineFile(tmp_path / "lines").fresh() == [(1, "a\u2028b\r\x0c\x85".encode())]


def test_in_a_file_that_replaces_it_only_what_is_new_is_told(tmp_path: Path) -> None:
    """As when a run ends: the same lines, written anew, and more."""
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\n")
    file = LineFile(path)
    assert len(file.fresh()) == 2
    (tmp_path / "new").write_bytes(b"one\ntwo\nthree\n")
    (tmp_path / "new").replace(path)
    assert file.fresh() == [(3, b"three")]


def test_a_file_that_replaces_it_is_read_by_lines_and_not_by_bytes(tmp_path: Path) -> None:
    """Calls are written in another order at the end of a run; no line may be read from its middle."""
    path = tmp_path / "lines"
    path.write_bytes(b"two\none\n")
    file = LineFile(path)
    assert len(file.fresh()) == 2
    (tmp_path / "new").write_bytes(b"one, longer\ntwo\nthree\n")
    (tmp_path / "new").replace(path)
    assert file.fresh() == [(3, b"three")]


def test_a_file_that_begins_anew_is_told_from_where_it_was_left(tmp_path: Path) -> None:
    """As when a run is taken up again: gone, and then the same lines one after another."""
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\n")
    file = LineFile(path)
    assert len(file.fresh()) == 2
    path.unlink()
    assert file.fresh() == []
    told = []
    for line in (b"one\n", b"two\n", b"three\n"):
        _add(path, line)
        told += file.fresh()
    assert told == [(3, b"three")]
