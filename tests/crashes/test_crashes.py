"""Killed anywhere and resumed, a build comes to what an undisturbed one does, and nothing is paid twice.

A sample; `benchmarks/test_crashes.py` kills 200 times.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crashes.builder import TASKS
from tests.crashes.rig import Crash, Victim, crash_rig, random_crashes

BOUNDARIES = ["report:1", "filed:3", "reported:12", f"reported:{TASKS}"]


@pytest.mark.timeout(120)
async def test_a_killed_build_that_is_resumed_equals_an_undisturbed_one(tmp_path: Path) -> None:
    crashes = [Crash(Victim.ENGINE, boundary) for boundary in BOUNDARIES] + random_crashes(1, 3)
    async with crash_rig(tmp_path) as rig:
        assert rig.undisturbed is not None
        assert rig.undisturbed.problems(rig.undisturbed) == []
        assert len(rig.undisturbed.ended) == TASKS
        results = {str(crash): await rig.crash(crash) for crash in crashes}
        problems = {crash: result.problems(rig.undisturbed) for crash, result in results.items()}
    assert {crash: found for crash, found in problems.items() if found} == {}
    assert sum(result.crashed for result in results.values()) >= len(BOUNDARIES)
