from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from harness.record import RunRecord
from tests.compare.rehearsal import Parts, rehearse_candidate, rehearse_control

Rehearse = Callable[..., RunRecord]


@pytest.fixture(scope="session")
def control(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """What the legacy engine did with the shop."""
    return rehearse_control(tmp_path_factory.mktemp("rehearsal") / "control")


@pytest.fixture
def rehearse(tmp_path: Path) -> Rehearse:
    """A maker of candidates: what the async engine does with the shop when it has the given parts."""
    numbers = count()

    def made(parts: Parts | None = None, *, slots: int = 4, seed: int = 0) -> RunRecord:
        return rehearse_candidate(
            tmp_path / f"candidate-{next(numbers)}", parts=parts, slots=slots, seed=seed
        )

    return made
