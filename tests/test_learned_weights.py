"""What tasks take, learnt from earlier runs: from which of them, how, and that a damaged one does no harm."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from agents.roles import Role
from async_arch.estimates import TaskWeights
from harness.learned_weights import earlier_runs, learnt_weights
from harness.record import ModelFacts, RunStore, RunWeights
from harness.record.run_pace import RolePace, RunPace
from tests.compare.records import make_failure, make_record

NOW = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
MODEL = ModelFacts(kind="ollama", name="llama3.1", url="http://here:11434")


def _pace(*, reviewer_s: float = 9.0, tasks: int = 3, per_char_s: float = 0.01) -> RunPace:
    reviews = RolePace(role=Role.REVIEWER, tasks=tasks, task_s=reviewer_s, answer_size=500)
    return RunPace(roles=(reviews,), per_char_s=per_char_s, first_token_s=0.5)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def _keep(
    store: RunStore,
    number: int = 0,
    pace: RunPace | None = None,
    generation: str = "llm",
    *,
    failed: bool = False,
    **facts: Any,
) -> str:
    """The id of a run that began `number` seconds after the others."""
    run, folder = store.new_run("shop", "async", NOW + timedelta(seconds=number))
    record = make_record(folder, failures=[make_failure(Cause.ANSWER)] if failed else [])
    told = {"model": MODEL, "composition": {"generation": generation}, "pace": pace or _pace()} | facts
    store.save(replace(record, summary=record.summary.model_copy(update=told)))
    return run


def _learnt(store: RunStore, model: ModelFacts = MODEL, generation: str = "llm") -> RunWeights:
    return earlier_runs(store).weights(model, generation)


def _reviewer_s(weights: RunWeights) -> float:
    return weights.weights.roles[Role.REVIEWER].task_s


def test_an_empty_store_teaches_nothing(store: RunStore) -> None:
    assert _learnt(store) == RunWeights(TaskWeights(), ())


def test_a_run_with_the_same_model_and_generation_is_learnt_from(store: RunStore) -> None:
    run = _keep(store)
    learnt = _learnt(store)
    assert learnt.learnt_from == (run,)
    assert (learnt.weights.per_char_s, learnt.weights.first_token_s) == (0.01, 0.5)
    assert _reviewer_s(learnt) == 9.0
    # Never seen: as much as by default, at the pace that was measured.
    assert learnt.weights.roles[Role.ARCHITECT].task_s == pytest.approx(0.5 + 1000 * 0.01)


@pytest.mark.parametrize(
    "other",
    [
        {"model": ModelFacts(kind="simulated", name="llama3.1")},
        {"model": ModelFacts(kind="ollama", name="qwen3")},
        {"generation": "hybrid"},
        {"failed": True},
        {"faults": ("500:developer",)},
        {"composition": {}},
    ],
    ids=str,
)
def test_a_run_of_another_kind_is_not_learnt_from(store: RunStore, other: dict[str, Any]) -> None:
    _keep(store, **other)
    assert _learnt(store).learnt_from == ()


def test_the_url_of_the_model_makes_no_difference(store: RunStore) -> None:
    run = _keep(store)
    assert _learnt(store, MODEL.model_copy(update={"url": "http://there:11434"})).learnt_from == (run,)


def test_replays_are_told_apart_by_who_was_recorded_and_how_fast_they_go(store: RunStore) -> None:
    real = ModelFacts(kind="replay", name="llama3.1", source="ollama 0.12", time_scale=1.0)
    run = _keep(store, model=real)
    assert _learnt(store, real).learnt_from == (run,)
    for change in ({"source": "simulated"}, {"time_scale": 0.1}):
        assert _learnt(store, real.model_copy(update=change)).learnt_from == ()


def test_a_record_from_before_paces_or_damaged_is_passed_over(store: RunStore) -> None:
    old = _keep(store, 1)
    path = store.folder(old) / "record.json"
    summary = store.summary(old)
    assert summary is not None
    path.write_text(summary.model_dump_json(exclude={"pace"}), encoding="utf-8")
    again = store.summary(old)
    assert again is not None
    assert again.pace is None
    (store.folder(_keep(store, 2)) / "record.json").write_text('{"id": "half', encoding="utf-8")
    (store.folder(_keep(store, 3)) / "record.json").unlink()
    (store.folder(_keep(store, 4)) / "record.json").write_bytes(b"\xff\x00")
    (store.root / "runs" / "zzz").write_text("no run")
    good = _keep(store, 0)
    assert _learnt(store).learnt_from == (good,)


def test_the_newest_twenty_are_learnt_from(store: RunStore) -> None:
    runs = [_keep(store, number, _pace(reviewer_s=number)) for number in range(23)]
    learnt = _learnt(store)
    assert list(learnt.learnt_from) == runs[:2:-1]
    assert _reviewer_s(learnt) == 12.0


def test_a_slow_store_keeps_nobody_waiting(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    _keep(store)
    moments = iter([0.0, 10.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    assert earlier_runs(store).runs == ()


def test_what_was_read_stays_as_it_was(store: RunStore) -> None:
    """So all runs of one comparison are ordered alike, however many have ended by then."""
    first = _keep(store, 0, _pace(reviewer_s=1.0))
    earlier = earlier_runs(store)
    _keep(store, 1, _pace(reviewer_s=50.0))
    assert earlier.weights(MODEL, "llm").learnt_from == (first,)


def test_a_median_counts_tasks_and_not_runs() -> None:
    paces = [_pace(reviewer_s=1.0, tasks=1), _pace(reviewer_s=2.0, tasks=1), _pace(reviewer_s=30.0, tasks=7)]
    assert learnt_weights(paces).roles[Role.REVIEWER].task_s == 30.0


def test_two_tasks_of_a_role_are_too_few_and_three_are_enough() -> None:
    plain = learnt_weights([_pace(reviewer_s=99.0, tasks=2)])
    assert plain.roles[Role.REVIEWER].task_s == pytest.approx(0.5 + 600 * 0.01)
    assert learnt_weights([_pace(tasks=2), _pace(tasks=1)]).roles[Role.REVIEWER].task_s == 9.0
