"""The output of an external engine: the newest that appeared, what this run wrote in it, its blackboard."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.engines.external.output import (
    blackboard_bytes,
    collect_files,
    find_blackboard,
    find_output,
)
from harness.engines.external.private_copy import PrivateCopy, private_copy


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[PrivateCopy]:
    """A checkout that has an output of an earlier run in it."""
    source = tmp_path / "checkout"
    for path in ("output/project_1/main.py", "output/project_1/blackboard.json", "boss.py"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text("{}")
    async with private_copy(source, tmp_path / "workdir", exclude=(), leave_out=()) as copied:
        yield copied


def write(copy: PrivateCopy, path: str, text: str = "new", *, at: int | None = None) -> None:
    target = copy.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    if at is not None:
        os.utime(target.parent, (at, at))


def collected(copy: PrivateCopy, output: str, tmp_path: Path, *ignored: str) -> list[str]:
    target = tmp_path / "files"
    target.mkdir()
    collect_files(copy, output, ignored, target)
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())


async def test_it_is_the_newest_that_appeared(copy: PrivateCopy) -> None:
    assert find_output(copy, "output/project_*") is None
    write(copy, "output/project_3/a.py", at=2_000_000_000)
    write(copy, "output/project_9/a.py", at=1_000_000_000)
    assert find_output(copy, "output/project_*") == "output/project_3"
    assert find_output(copy, "build/*") is None


async def test_of_two_of_one_moment_it_is_the_last_by_name(copy: PrivateCopy) -> None:
    write(copy, "output/project_20240501_100000/a.py", at=1_000_000_000)
    write(copy, "output/project_20240501_100001/a.py", at=1_000_000_000)
    assert find_output(copy, "output/*") == "output/project_20240501_100001"


async def test_a_folder_that_was_there_is_the_output_where_something_was_written_in_it(
    copy: PrivateCopy, tmp_path: Path
) -> None:
    write(copy, "output/project_1/sub/more.py")
    assert find_output(copy, "output/project_*") == "output/project_1"
    assert collected(copy, "output/project_1", tmp_path) == ["sub/more.py"]


async def test_the_working_directory_itself_can_be_the_output(copy: PrivateCopy, tmp_path: Path) -> None:
    assert find_output(copy, ".") is None
    write(copy, "app.py")
    write(copy, "boss.py", "changed")
    assert find_output(copy, ".") == "."
    assert collected(copy, ".", tmp_path) == ["app.py", "boss.py"]


async def test_what_is_ignored_is_no_part_of_it(copy: PrivateCopy, tmp_path: Path) -> None:
    for path in ("main.py", "run.log", "logs/a.txt", "sub/logs/b.txt", "sub/c.py"):
        write(copy, f"out/{path}")
    assert collected(copy, "out", tmp_path, "*.log", "logs") == ["main.py", "sub/c.py"]


async def test_every_file_of_it_can_be_read(copy: PrivateCopy, tmp_path: Path) -> None:
    write(copy, "out/locked.py")
    (copy.root / "out" / "locked.py").chmod(0)
    assert collected(copy, "out", tmp_path) == ["locked.py"]
    assert (tmp_path / "files" / "locked.py").stat().st_mode & 0o400


async def test_links_are_no_way_out(copy: PrivateCopy, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_text("{}")
    (copy.root / "output" / "project_2").symlink_to(elsewhere)
    assert find_output(copy, "output/project_*") is None
    write(copy, "out/main.py")
    (copy.root / "out" / "blackboard.json").symlink_to(elsewhere / "secret")
    (copy.root / "out" / "state").symlink_to(elsewhere)
    assert find_blackboard(copy, "out", ["blackboard.json", "state/secret"]) is None
    assert collected(copy, "out", tmp_path) == ["main.py"]


async def test_the_blackboard_is_the_first_that_this_run_wrote(copy: PrivateCopy) -> None:
    places = ["blackboard.json", ".factory/blackboard.json"]
    assert find_blackboard(copy, "output/project_1", places) is None, "that is of an earlier run"
    write(copy, ".factory/blackboard.json")
    assert find_blackboard(copy, None, places) == copy.root / ".factory/blackboard.json"
    write(copy, "output/project_2/.factory/blackboard.json")
    assert find_blackboard(copy, "output/project_2", places) == (
        copy.root / "output/project_2/.factory/blackboard.json"
    )


@pytest.mark.parametrize("text", ['{"modules": {"a"', "", "[]", "\xff"])
def test_a_half_written_blackboard_is_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "blackboard.json"
    path.write_bytes(text.encode("latin-1"))
    assert blackboard_bytes(path) is None
    assert blackboard_bytes(tmp_path / "none") is None
    path.write_text('{"modules": {}}')
    assert blackboard_bytes(path) == b'{"modules": {}}'
