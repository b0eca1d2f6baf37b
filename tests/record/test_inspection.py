"""What a run left behind, and what is not whole about it."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from harness.record import FileFacts
from harness.record.inspection import defects, generated_files


def left(root: Path, files: dict[str, bytes]) -> dict[str, FileFacts]:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return generated_files(root)


def test_every_file_is_found_with_its_size_and_digest(tmp_path: Path) -> None:
    found = left(tmp_path, {"b.py": b"x", "a.py": b"", ".hidden": b"h", "static/css/a.css": b"body {}"})
    assert list(found) == [".hidden", "a.py", "b.py", "static/css/a.css"]
    (tmp_path / "b.py").chmod(0o640)
    found = generated_files(tmp_path)
    assert found["b.py"] == FileFacts(sha256=hashlib.sha256(b"x").hexdigest(), size=1, mode=0o640)


def test_links_and_compiled_files_are_left_out(tmp_path: Path) -> None:
    """A link could lead anywhere, and in a circle."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("x")
    project = tmp_path / "project"
    found = left(project, {"a.py": b"x", "__pycache__/a.pyc": b"x", "sub/__pycache__/b.pyc": b"x"})
    (project / "link.py").symlink_to(outside / "secret.py")
    (project / "folder").symlink_to(outside)
    (project / "circle").symlink_to(project)
    (project / "dangling").symlink_to("nowhere")
    os.mkfifo(project / "pipe")
    assert generated_files(project) == found
    assert list(found) == ["a.py"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert generated_files(tmp_path / "none") == {}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file cannot have such a name")
def test_a_name_that_is_no_text_can_be_written_down(tmp_path: Path) -> None:
    """The record is JSON in UTF-8: half a name must not make it impossible to keep."""
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    (name,) = generated_files(tmp_path)
    assert name == r"caf\xe9.txt"


BOARD: dict[str, object] = {"files_created": ["a.py"]}
GOOD = b'"""A."""\n\nX = 1\n'

# The files, the blackboard, what is found.
CASES: dict[str, tuple[dict[str, bytes], dict[str, object] | None, list[str]]] = {
    "whole": ({"a.py": GOOD, "a.css": b"body {}"}, BOARD, []),
    "an empty source": ({"a.py": b""}, BOARD, ["a.py is empty"]),
    "an empty page": ({"a.py": GOOD, "a.html": b""}, BOARD, ["a.html is empty"]),
    "blank lines": ({"a.py": b"\n \n"}, BOARD, ["a.py holds nothing but blank lines"]),
    "an empty package": ({"a.py": GOOD, "p/__init__.py": b"", "q/__init__.py": b"\n"}, BOARD, []),
    "listed and missing": (
        {"a.py": GOOD},
        {"files_created": ["a.py", "b.py", "templates/c.html"]},
        [
            "b.py is listed in the blackboard and missing",
            "templates/c.html is listed in the blackboard and missing",
        ],
    ),
    "listed and no path": (
        {"a.py": GOOD},
        {"files_created": ["a.py", {"path": "b.py"}, ["c.py"], None]},
        [
            "{'path': 'b.py'} is listed in the blackboard and missing",
            "['c.py'] is listed in the blackboard and missing",
            "None is listed in the blackboard and missing",
        ],
    ),
    "no list": ({"a.py": GOOD}, {"files_created": 3}, []),
    "no blackboard": ({"a.py": GOOD}, None, ["blackboard.json is missing or cannot be read"]),
    "nothing": ({}, None, ["no Python file was generated", "blackboard.json is missing or cannot be read"]),
    "only a page": ({"a.html": b"x"}, {}, ["no Python file was generated"]),
    "no Python": (
        {"a.py": b"x = 1\ndef broken(:\n"},
        BOARD,
        ["a.py does not compile: line 2: invalid syntax"],
    ),
    "return outside": (
        {"a.py": b"return 1\n"},
        BOARD,
        ["a.py does not compile: line 1: 'return' outside function"],
    ),
    "another encoding": ({"a.py": "# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1")}, BOARD, []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_whole_is_told_in_one_sentence_each(case: str, tmp_path: Path) -> None:
    files, blackboard, found = CASES[case]
    assert list(defects(tmp_path, left(tmp_path, files), blackboard)) == found


BAD_SOURCES = {
    "a null": b"x\x00y",
    "no UTF-8": b"\xff\xfe",
    "parentheses": b"(" * 5000,
    "deep nesting": b"-" * 100_000 + b"1",
    "an unknown character": b"x = '\\N{none}'",
    "an unknown encoding": b"# -*- coding: nonsense -*-\nx = 1\n",
}


@pytest.mark.parametrize("source", BAD_SOURCES.values(), ids=list(BAD_SOURCES))
def test_whatever_a_source_holds_it_is_a_defect_and_no_crash(source: bytes, tmp_path: Path) -> None:
    (defect,) = defects(tmp_path, left(tmp_path, {"a.py": source}), BOARD)
    assert defect.startswith("a.py does not compile: ")


def test_a_source_that_is_gone_is_a_defect(tmp_path: Path) -> None:
    files = left(tmp_path, {"a.py": GOOD})
    (tmp_path / "a.py").unlink()
    assert "a.py does not compile" in defects(tmp_path, files, BOARD)[0]


def test_sources_are_compiled_and_never_run_and_their_warnings_stay_inside(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    source = b"import pathlib\npathlib.Path('ran').touch()\nx = '\\d'\nassert (1, 'always')\nx is 1\n"
    assert defects(tmp_path, left(tmp_path, {"a.py": source}), BOARD) == ()
    assert not recwarn.list
    assert not Path("ran").exists()
    assert not list(tmp_path.rglob("ran"))
