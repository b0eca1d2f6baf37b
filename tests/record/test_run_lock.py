"""The lock of a run: one process at a time, and it dies with its owner."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from pathlib import Path

import pytest

from harness.record.run_lock import RunLocked, is_locked, locked_run
from tests.python_process import python

HOLD = """
import asyncio, sys, time
from pathlib import Path
from harness.record.run_lock import locked_run

async def hold():
    async with locked_run(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)

asyncio.run(hold())
"""


async def test_one_at_a_time_holds_a_run(tmp_path: Path) -> None:
    async with locked_run(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(RunLocked):
            async with locked_run(tmp_path):
                pass
        assert is_locked(tmp_path), "who is turned away takes nothing from the holder"
    assert not is_locked(tmp_path)
    async with locked_run(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


async def test_a_lock_dies_with_its_owner(tmp_path: Path) -> None:
    async with python("-c", HOLD, str(tmp_path)) as owner:
        assert owner.stdout is not None
        assert await owner.stdout.readline() == b"held\n"
        assert is_locked(tmp_path)
        os.kill(owner.pid, signal.SIGKILL)
        await owner.wait()
        async with locked_run(tmp_path):
            pass


async def test_who_only_looks_keeps_nobody_from_it(tmp_path: Path) -> None:
    """Whoever looks holds it for a moment, beside others that look."""
    looking = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not is_locked(tmp_path)
    asyncio.get_running_loop().call_later(0.02, os.close, looking)
    async with locked_run(tmp_path):
        pass
