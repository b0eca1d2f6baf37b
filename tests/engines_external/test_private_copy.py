"""The private copy: whole, fresh, without what is not wanted, and gone afterwards."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from harness.engines.external import private_copy as module
from harness.engines.external.private_copy import private_copy
from harness.errors import SurroundingsError


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    source = tmp_path / "checkout"
    for path in ("main.py", "core/boss.py", "core/__pycache__/boss.pyc", ".git/HEAD", ".harness/runs/1/x"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(path)
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    (source / "link").symlink_to("core/boss.py")
    (source / "gone").symlink_to("/nowhere/at/all")
    os.mkfifo(source / "pipe")
    return source


async def test_it_is_whole_but_for_what_is_left_out(checkout: Path, tmp_path: Path) -> None:
    root = tmp_path / "workdir"
    leave_out = [checkout / ".harness"]
    async with private_copy(checkout, root, exclude=[".git", "__pycache__"], leave_out=leave_out) as copy:
        assert sorted(copy.files) == ["core/boss.py", "gone", "link", "main.py", "run.sh"]
        assert copy.folders == {"core"}
        assert (root / "link").readlink() == Path("core/boss.py")
        assert os.access(root / "run.sh", os.X_OK)
        (root / "core" / "boss.py").write_text("changed")
        (root / "new.py").write_text("new")
        assert [path for path in (*copy.files, "new.py") if copy.is_new(path)] == ["core/boss.py", "new.py"]
    assert not root.exists()
    assert (checkout / "core" / "boss.py").read_text() == "core/boss.py"


async def test_a_copy_into_a_folder_of_its_source_does_not_hold_itself(checkout: Path) -> None:
    """The store of runs is often a folder of the very checkout."""
    store = checkout / ".harness"
    async with private_copy(checkout, store / "runs" / "1" / "w", exclude=(), leave_out=[store]) as copy:
        assert not any(path.startswith(".harness") for path in copy.files)


async def test_without_a_source_it_is_empty(tmp_path: Path) -> None:
    async with private_copy(None, tmp_path / "workdir", exclude=(), leave_out=()) as copy:
        assert list(copy.root.iterdir()) == []


async def test_folders_that_nobody_may_write_in_are_cleared_too(tmp_path: Path) -> None:
    async with private_copy(None, tmp_path / "workdir", exclude=(), leave_out=()) as copy:
        locked = copy.root / "a" / "locked"
        locked.mkdir(parents=True)
        (locked / "file").write_text("x")
        locked.chmod(0o500)
        locked.parent.chmod(0o500)
    assert not copy.root.exists()


async def test_what_cannot_be_copied_is_said(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "workdir").mkdir()
    with pytest.raises(SurroundingsError, match="workdir: cannot be copied for a run: File exists"):
        async with private_copy(checkout, tmp_path / "workdir", exclude=(), leave_out=()):
            pass


async def test_one_that_is_given_up_stops_and_is_gone(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    proper = module.shutil.copy2

    def slow(source: str, target: Path) -> object:
        copied.append(source)
        asyncio.run_coroutine_threadsafe(_set(begun), loop).result(5)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result(5)
        return proper(source, target)

    monkeypatch.setattr(module.shutil, "copy2", slow)

    async def use() -> None:
        async with private_copy(checkout, tmp_path / "workdir", exclude=(), leave_out=()):
            raise AssertionError("nobody waits for it")

    task = asyncio.create_task(use())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(copied) == 1
    assert not (tmp_path / "workdir").exists()


async def _set(event: asyncio.Event) -> None:
    event.set()
