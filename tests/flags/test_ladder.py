"""The ladder: one step after another, and never one that skips what comes before it."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from harness.flags import PHASES, START, EngineMode, FlagValues
from harness.flags.ladder import (
    begun_phases,
    canary_step,
    disorder,
    next_step,
    phase_of,
    rolled_back,
    step_back,
)


def climbed(unavailable: frozenset[int] = frozenset()) -> list[FlagValues]:
    """The flags after each step from the start to the end."""
    stands = [START]
    while (step := next_step(stands[-1], unavailable)) is not None:
        assert step.before == stands[-1]
        stands.append(step.after)
    return stands


def canary(share: int) -> FlagValues:
    """The flags with a canary of that share."""
    return climbed()[7].model_copy(update={"engine": EngineMode.CANARY, "canary": share})


def test_the_steps_are_those_of_the_plan() -> None:
    assert [str(next_step(before)) for before in climbed()[:-1]] == [
        "phase 1 (foundations): state_store json -> mirror",
        "phase 1 (foundations): state_store mirror -> redis",
        "phase 2 (core): agent_calls blocking -> threads",
        "phase 2 (core): agent_calls threads -> async, orchestration sequential -> concurrent",
        "phase 3 (hybrid): generation llm -> hybrid",
        "phase 4 (cutover): engine legacy -> shadow",
        "phase 4 (cutover): engine shadow -> canary:5",
        "phase 4 (cutover): engine canary:5 -> canary:25",
        "phase 4 (cutover): engine canary:25 -> canary:50",
        "phase 4 (cutover): engine canary:50 -> async",
    ]


@pytest.mark.parametrize("unavailable", [frozenset[int](), frozenset({3})])
def test_the_way_back_is_the_way_there(unavailable: frozenset[int]) -> None:
    there = climbed(unavailable)
    back = [there[-1]]
    while (step := step_back(back[-1])) is not None:
        back.append(step.after)
    assert back == there[::-1]


def test_a_phase_that_is_left_out_is_not_begun_later() -> None:
    shadow = next(values for values in climbed(frozenset({3})) if values.engine is EngineMode.SHADOW)
    step = next_step(shadow)
    assert step is not None
    assert step.phase.number == 4


def test_only_the_optional_phase_can_be_left_out() -> None:
    step = next_step(START, {1, 2, 3, 4})
    assert step is not None
    assert step.phase.number == 1


def test_only_what_steps_can_leave_is_in_order() -> None:
    reachable = {
        values.model_dump_json() for skip in (frozenset[int](), frozenset({3})) for values in climbed(skip)
    }
    for combination in product(*(phase.steps for phase in PHASES)):
        values = FlagValues.model_validate({flag: v for step in combination for flag, v in step.items()})
        assert (disorder(values) is None) == (values.model_dump_json() in reachable), values


def test_what_is_out_of_order_is_named() -> None:
    early = START.model_copy(update={"engine": EngineMode.SHADOW})
    assert disorder(early) == "phase 4 has begun, and phase 1 before it is not through"
    torn = climbed()[-1].model_copy(update={"agent_calls": "blocking"})
    assert disorder(torn) == "no step of phase 2 has agent_calls blocking, orchestration concurrent"


def test_a_share_of_ones_own_lies_between_the_steps() -> None:
    assert disorder(canary(30)) is None
    forward, backward = next_step(canary(30)), step_back(canary(30))
    assert forward is not None
    assert backward is not None
    assert (forward.after.engine_shown, backward.after.engine_shown) == ("canary:50", "canary:25")
    last = next_step(canary(80))
    assert last is not None
    assert last.after.engine is EngineMode.ASYNC


@pytest.mark.parametrize(
    ("values", "share", "allowed"),
    [
        (START, 25, False),
        (climbed()[5], 25, False),
        (climbed()[6], 25, True),
        (canary(25), 30, True),
        (canary(25), 25, False),
        (canary(25), 5, False),
        (climbed()[-1], 50, False),
        (climbed()[6], 0, False),
        (climbed()[6], 100, False),
    ],
)
def test_a_canary_only_grows_and_only_out_of_the_shadow(
    values: FlagValues, share: int, allowed: bool
) -> None:
    step = canary_step(values, share)
    assert (step is not None) == allowed
    if step is not None:
        assert step.after.canary == share


def test_rolling_back_a_phase_takes_the_later_ones_with_it() -> None:
    through = climbed()[-1]
    for phase in PHASES:
        after = rolled_back(through, phase.number)
        assert [other.number for other in begun_phases(after)] == list(range(1, phase.number))
        assert disorder(after) is None


def test_every_flag_is_of_one_phase_and_every_step_moves_only_its_own() -> None:
    flags = [flag for phase in PHASES for flag in phase.flags]
    assert sorted(flags) == sorted(FlagValues.model_fields)
    for before, after in pairwise(climbed()):
        moved = {flag for flag in flags if getattr(before, flag) != getattr(after, flag)}
        assert len({phase_of(flag) for flag in moved}) == 1
