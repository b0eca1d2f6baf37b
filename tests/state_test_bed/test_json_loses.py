"""The test bed and the JSON file: updates of concurrent writers are lost, readers catch half a document.

What is asserted holds however the processes are scheduled; most runs lose far more.
"""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest

from tests.python_process import python
from tests.state_test_bed.eight_writers import WRITERS
from tests.state_test_bed.json_writers import UPDATES
from tests.state_test_bed.update import updates_in

_MODULE = "tests.state_test_bed.json_writers"


async def _kept(path: Path, way: str) -> str:
    """What is in the file after all writers have made their updates."""
    async with python("-m", _MODULE, way, str(path)) as writers:
        _, errors = await writers.communicate()
    assert writers.returncode == 0, errors.decode()
    return path.read_text(encoding="utf-8")


async def test_of_eight_boards_on_one_file_one_is_left(tmp_path: Path) -> None:
    """Each writes what it knows; the last one wins, or several leave a mixture that is no longer than one."""
    kept = updates_in(await _kept(tmp_path / "blackboard.json", "keep_own_board"))
    assert 0 < len(kept) <= UPDATES // WRITERS


async def test_reading_before_writing_loses_what_was_written_in_between(tmp_path: Path) -> None:
    """Every document descends from the first of some writer, so the first updates of all others are gone."""
    kept = updates_in(await _kept(tmp_path / "blackboard.json", "read_modify_write"))
    assert len([update for update in kept if update.number == 0]) == 1
    assert len(kept) <= UPDATES - (WRITERS - 1)


async def test_a_reader_catches_half_a_document_of_a_single_writer(tmp_path: Path) -> None:
    path = tmp_path / "blackboard.json"
    async with python("-m", _MODULE, "save_for_ever", str(path)) as writer:
        assert writer.stdout is not None
        await writer.stdout.readline()
        with pytest.raises(json.JSONDecodeError):
            await _read_for_ever(path)


async def _read_for_ever(path: Path) -> None:
    while True:
        json.loads(path.read_text(encoding="utf-8"))
        # Drawn, so that reading and saving never fall into step.
        await asyncio.sleep(random.random() * 0.003)  # noqa: S311
