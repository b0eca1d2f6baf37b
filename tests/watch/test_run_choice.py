"""Which run is watched where none is named, and how one is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import BadInputError
from harness.record import RunStore
from harness.record.run_lock import locked_run
from harness.watch import choose_run
from tests.watch.runs import begun, end_run


def _store(tmp_path: Path, *runs: str) -> RunStore:
    for number, run in enumerate(runs):
        begun(tmp_path, run)
        _touched(tmp_path, run, "run.json", 1000 + number)
    return RunStore(tmp_path)


def _touched(root: Path, run: str, name: str, at_s: float) -> None:
    os.utime(RunStore(root).folder(run) / name, (at_s, at_s))


async def test_the_newest_under_way_is_watched_and_the_others_are_named(tmp_path: Path) -> None:
    store = _store(tmp_path, "a", "b", "c", "d")
    end_run(tmp_path, "d")
    async with locked_run(store.folder("a")), locked_run(store.folder("b")):
        choice = choose_run(store)
    assert (choice.run, choice.others) == ("b", ("a",))


async def test_a_run_that_has_just_ended_is_not_under_way(tmp_path: Path) -> None:
    """Its owner lets go of it a moment after it has written the end."""
    store = _store(tmp_path, "a", "b")
    end_run(tmp_path, "b")
    async with locked_run(store.folder("a")), locked_run(store.folder("b")):
        assert choose_run(store).run == "a"


def test_else_the_one_that_ended_last(tmp_path: Path) -> None:
    store = _store(tmp_path, "a", "b", "c")
    for run, at_s in (("a", 5000), ("b", 4000)):
        end_run(tmp_path, run)
        _touched(tmp_path, run, "record.json", at_s)
    assert choose_run(store).run == "a"


def test_or_that_was_cut_off_since(tmp_path: Path) -> None:
    store = _store(tmp_path, "a", "b")
    end_run(tmp_path, "a")
    _touched(tmp_path, "a", "record.json", 1000.5)
    assert choose_run(store).run == "b"


def test_a_run_can_be_named_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    store = _store(tmp_path, "2024-x", "2024-y")
    assert choose_run(store, "2024-x").run == "2024-x"
    _store(tmp_path, "2025-x")
    assert choose_run(store, "2025").run == "2025-x"
    with pytest.raises(BadInputError, match="several runs"):
        choose_run(store, "2024")
    with pytest.raises(BadInputError, match="no run '2023'"):
        choose_run(store, "2023")


def test_where_none_was_begun_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "runs" / "half").mkdir(parents=True)
    with pytest.raises(BadInputError, match="no run was begun here"):
        choose_run(RunStore(tmp_path))
