"""What tasks take, learnt from earlier runs in the store, for the order in which the next ones begin.

A run is learnt from where it finished, nothing was to go wrong with its model, and the same model answered in
the same way: kind, name, what gave the answers, and generation. Weights order what is ready and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.roles import Role
from async_arch.estimates import RoleWeight, TaskWeights
from harness.record import ModelFacts, OutcomeStatus, RunStore, RunWeights
from harness.record.run_pace import RunPace

__all__ = ["EarlierRuns", "earlier_runs", "learnt_weights"]

_MOST_RUNS = 20
"""How many runs are learnt from, the newest."""
_LEAST_TASKS = 3
"""How many tasks of a role must have been seen."""
_MOST_LOOKED_AT = 200
_LOOKS_FOR_S = 0.25
"""A store on a slow disk is no reason to keep a run waiting."""

_Key = tuple[str, str, str | None, float | None, str]


class _Seen(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Outcome(_Seen):
    status: OutcomeStatus


class _Ended(_Seen):
    """Of the summary of a run, what is wanted here; the rest is not even looked at."""

    id: str
    model: ModelFacts
    composition: dict[str, str]
    outcome: _Outcome
    faults: tuple[str, ...] = ()
    pace: RunPace | None = None


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """The runs that can be learnt from, the newest first, as they were when this was read."""

    runs: tuple[_Ended, ...] = ()

    def weights(self, model: ModelFacts, generation: str) -> RunWeights:
        """What tasks of `generation` will take with `model`: the defaults where too little is known."""
        wanted = _key(model, generation)
        found = [run for run in self.runs if _key(run.model, run.composition["generation"]) == wanted]
        found = found[:_MOST_RUNS]
        paces = [run.pace for run in found if run.pace is not None]
        return RunWeights(learnt_weights(paces), tuple(run.id for run in found)) if paces else RunWeights()


def earlier_runs(store: RunStore) -> EarlierRuns:
    """What the newest runs of `store` tell; one that is damaged tells nothing. Blocks, for a moment."""
    return EarlierRuns(tuple(_usable(store)))


def _usable(store: RunStore) -> Iterator[_Ended]:
    until_s = time.monotonic() + _LOOKS_FOR_S
    for run in store.newest_ids(_MOST_LOOKED_AT):
        if time.monotonic() > until_s:
            return
        try:
            ended = _Ended.model_validate_json((store.folder(run) / "record.json").read_bytes())
        except (OSError, ValidationError):
            continue
        finished = ended.outcome.status is OutcomeStatus.FINISHED
        if finished and not ended.faults and ended.pace and "generation" in ended.composition:
            yield ended


def _key(model: ModelFacts, generation: str) -> _Key:
    # What a cassette answers is as fast as who was recorded, times the scale.
    replayed = model.kind == "replay"
    return (
        model.kind,
        model.name,
        model.source if replayed else None,
        model.time_scale if replayed else None,
        generation,
    )


def learnt_weights(paces: Sequence[RunPace]) -> TaskWeights:
    """What tasks take by at least one earlier run; a role hardly seen writes as much as by default."""
    per_char_s = _middle((pace.per_char_s, 1) for pace in paces)
    first_token_s = _middle((pace.first_token_s, 1) for pace in paces)
    plain = TaskWeights()
    weights: dict[Role, RoleWeight] = {}
    for role, weight in plain.roles.items():
        seen = [of_role for pace in paces for of_role in pace.roles if of_role.role is role]
        if sum(of_role.tasks for of_role in seen) >= _LEAST_TASKS:
            weights[role] = RoleWeight(
                _middle((of_role.task_s, of_role.tasks) for of_role in seen),
                _middle((of_role.answer_size, of_role.tasks) for of_role in seen),
            )
        else:
            written = weight.task_s / plain.per_char_s
            weights[role] = RoleWeight(first_token_s + written * per_char_s, weight.answer_size)
    return TaskWeights(weights, per_char_s, first_token_s)


def _middle(counted: Iterable[tuple[float, int]]) -> float:
    """The median of values that stand for so many each; the lower of two."""
    values = sorted(counted)
    half = sum(count for _, count in values) / 2
    for value, count in values:
        half -= count
        if half <= 0:
            return value
    raise ValueError("the median of nothing")
