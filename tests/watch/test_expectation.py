"""How long a run should take is told by the runs that were like it, and by no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.gateway.settings import SimulateSettings
from harness.record import ModelFacts, OutcomeStatus, RunOutcome, RunStore
from harness.spec import Spec
from harness.watch import Expectation, expectation
from tests.record.manifests import make_manifest
from tests.watch.runs import begun, end_run

SETTINGS = make_manifest().settings
MODEL = make_manifest().model


def _earlier(root: Path, number: int, wall_s: float, **parts: Any) -> str:
    run = f"2024-shop-async-{number:02}"
    begun(root, run, **parts)
    end_run(root, run, wall_s=wall_s)
    return run


def _expected(root: Path) -> Expectation | None:
    return expectation(RunStore(root), make_manifest("2024-shop-async-99"))


def test_the_median_of_the_runs_like_it(tmp_path: Path) -> None:
    for number, wall_s in enumerate((30.0, 10.0, 11.0)):
        _earlier(tmp_path, number, wall_s)
    assert _expected(tmp_path) == Expectation(11.0, 3)


def test_of_many_the_newest_count(tmp_path: Path) -> None:
    for number in range(12):
        _earlier(tmp_path, number, 100.0 if number < 3 else 5.0)
    assert _expected(tmp_path) == Expectation(5.0, 9)


@pytest.mark.parametrize(
    "parts",
    [
        {"spec": Spec(name="shop", idea="another shop")},
        {"engine": "legacy"},
        {"composition": {"state_store": "mirror"}},
        {"settings": SETTINGS.model_copy(update={"slots": 1})},
        {"settings": SETTINGS.model_copy(update={"faults": ("role=developer:500",)})},
        {"settings": SETTINGS.model_copy(update={"simulated": SimulateSettings(ttft_s=9)})},
        {"model": ModelFacts(kind="ollama", name="m")},
        {"model": MODEL.model_copy(update={"name": "other"})},
    ],
    ids=str,
)
def test_a_run_of_another_kind_does_not_count(parts: dict[str, Any], tmp_path: Path) -> None:
    _earlier(tmp_path, 1, 10.0, **parts)
    assert _expected(tmp_path) is None


@pytest.mark.parametrize(
    "parts",
    [
        {"outcome": RunOutcome(status=OutcomeStatus.BROKEN, defects=("main.py is missing",))},
        {"sittings": 2},
    ],
    ids=["broken", "resumed"],
)
def test_a_run_that_was_broken_or_cut_off_does_not_count(parts: dict[str, Any], tmp_path: Path) -> None:
    run = _earlier(tmp_path, 1, 10.0)
    end_run(tmp_path, run, **parts)
    assert _expected(tmp_path) is None


def test_what_cannot_be_read_does_not_count(tmp_path: Path) -> None:
    _earlier(tmp_path, 1, 10.0)
    (RunStore(tmp_path).folder(_earlier(tmp_path, 2, 20.0)) / "run.json").write_text("{")
    assert _expected(tmp_path) == Expectation(10.0, 1)
