"""The folders of embedded servers: kept while a run needs them, and not longer."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.conversation import Cause
from async_arch.embedded_redis import embedded_redis
from harness.record import RunStore
from harness.record.redis_folders import RedisFolders
from tests.compare.records import make_failure, make_record

NOW = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
DAY_S = 24 * 3600


class Kept:
    """A store with the folder of one session that is over."""

    def __init__(self, root: Path) -> None:
        self.store = RunStore(root)
        self.folders = RedisFolders(self.store)
        self.folder = self.folders.new(NOW)
        (self.folder / "appendonlydir").mkdir(parents=True)
        self.aged(120)

    def run(self) -> Path:
        """A run that was begun with its state in the folder."""
        run, folder = self.store.new_run("shop", "async", NOW)
        self.folders.enter(self.folder, run)
        self.aged(120)
        return folder

    def aged(self, seconds: float) -> None:
        then = time.time() - seconds
        for path in (self.folder, *self.folder.rglob("*")):
            os.utime(path, (then, then))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_two_sessions_of_one_second_have_folders_of_their_own(kept: Kept) -> None:
    names = {kept.folders.new(NOW).name for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("20240501-103000-") for name in names)


def test_a_folder_is_kept_until_every_run_has_ended(kept: Kept) -> None:
    first, second = kept.run(), kept.run()
    kept.store.save(make_record(first))
    kept.folders.sweep()
    kept.folders.drop(kept.folder)
    assert kept.folder.is_dir()
    kept.store.save(make_record(second))
    kept.folders.sweep()
    assert not kept.folder.exists()


@pytest.mark.parametrize("resumable", [True, False])
def test_a_folder_is_kept_for_a_run_that_was_cut_off_and_is_on_record(kept: Kept, resumable: bool) -> None:
    """Of one that cannot be resumed, what it had written can be exported."""
    folder = kept.run()
    for failed_task, stays in (("engine", True), ("developer:Cart", False)):
        record = make_record(folder, failures=[make_failure(Cause.ENGINE, failed_task)])
        summary = record.summary.model_copy(update={"resumable": resumable})
        (folder / "record.json").write_text(summary.model_dump_json())
        kept.folders.drop(kept.folder)
        assert kept.folder.exists() is stays


def test_a_folder_is_kept_for_a_run_whose_record_cannot_be_read(kept: Kept) -> None:
    (kept.run() / "record.json").write_text("{")
    kept.folders.sweep()
    assert kept.folder.is_dir()


def test_a_run_whose_folder_somebody_removed_needs_nothing(kept: Kept) -> None:
    folder = kept.run()
    (folder / "files").rmdir()
    folder.rmdir()
    kept.folders.sweep()
    assert not kept.folder.exists()


def test_a_session_that_was_killed_before_it_began_a_run_leaves_nothing_for_long(kept: Kept) -> None:
    kept.aged(10)
    kept.folders.sweep()
    assert kept.folder.is_dir(), "its server may be starting"
    kept.aged(120)
    kept.folders.sweep()
    assert not kept.folder.exists()


def test_a_folder_is_dropped_when_the_keys_in_it_have_lapsed(kept: Kept) -> None:
    kept.run()
    kept.aged(6.9 * DAY_S)
    kept.folders.sweep()
    assert kept.folder.is_dir()
    kept.aged(7.1 * DAY_S)
    kept.folders.sweep()
    assert not kept.folder.exists()


async def test_a_folder_with_a_server_on_it_is_left_alone(kept: Kept) -> None:
    async with embedded_redis(data_dir=kept.folder):
        kept.aged(8 * DAY_S)
        kept.folders.sweep()
        assert kept.folder.is_dir()
    kept.aged(8 * DAY_S)
    kept.folders.sweep()
    assert not kept.folder.exists()


def test_without_any_folder_there_is_nothing_to_sweep(tmp_path: Path) -> None:
    RedisFolders(RunStore(tmp_path / "none")).sweep()
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_no_sessions_is_left_alone(kept: Kept) -> None:
    """The mirror of other engines has its data beside them."""
    mirror = kept.folder.parent / "mirror"
    kept.folder.rename(mirror)
    kept.folders.sweep()
    assert mirror.is_dir()
