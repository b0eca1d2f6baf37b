"""A regression in the real engine processes, at every step of the migration: no gate opens, no step stays.

A sample of the campaign `python -m tests.campaigns.regressions_per_step`, which tries every regression at
every step.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.evidence import EvidenceStore
from harness.flags import EngineMode
from harness.gates import engines_of
from harness.phases import promote
from harness.phases.budgets import Budgets
from harness.phases.watching import take_back
from tests.campaigns.regressions_per_step import STEPS, Later, Trials, judged
from tests.end_to_end.regressions import MIRROR, OF_ASYNC, REDIS
from tests.end_to_end.site import shared_surroundings

pytestmark = pytest.mark.usefixtures("forked_processes")

REGRESSIONS = MIRROR | REDIS | OF_ASYNC
TO_MIRROR, TO_REDIS, TO_THREADS, TO_ASYNC = range(4)
TO_HYBRID = next(number for number, step in enumerate(STEPS) if step.phase.number == 3)
TO_SHADOW = next(number for number, step in enumerate(STEPS) if step.after.engine is EngineMode.SHADOW)
TO_CANARY, TO_ALL = TO_SHADOW + 1, len(STEPS) - 1
BROUGHT = {
    (TO_MIRROR, "mirror drops a section"): ("mismatches", "drift"),
    (TO_REDIS, "entries lost"): ("mismatches",),
    (TO_THREADS, "prompt changed"): ("mismatches",),
    (TO_ASYNC, "process dies"): ("mismatches", "errors"),
    (TO_ASYNC, "calls serialised"): ("mismatches",),
    (TO_HYBRID, "file missing"): ("mismatches",),
}
"""By step and regression the criteria that fail. What is brought for hybrid speaks of the shadow as well."""


@pytest.mark.timeout(240)
async def test_no_gate_opens_on_evidence_of_a_regression(tmp_path: Path) -> None:
    found: dict[tuple[int, str], tuple[str, ...]] = {}
    async with shared_surroundings() as redis:
        trials = Trials(tmp_path, redis)
        for number, name in BROUGHT:
            regression = REGRESSIONS[name]
            evidence = await trials.evidence(engines_of(STEPS[number]).candidate, regression)
            for step in (TO_HYBRID, TO_SHADOW) if number == TO_HYBRID else (number,):
                gate = await trials.at_the_gate(step, regression, evidence)
                assert gate.stopped, str(gate)
                found[step, name] = gate.failed
    shadow = {(TO_SHADOW, name): failed for (step, name), failed in BROUGHT.items() if step == TO_HYBRID}
    assert found == BROUGHT | shadow


async def test_the_same_evidence_without_a_regression_opens_the_gates(tmp_path: Path) -> None:
    async with shared_surroundings() as redis:
        trials = Trials(tmp_path, redis)
        for number in (TO_MIRROR, TO_ASYNC, TO_HYBRID, TO_SHADOW):
            site = trials.site(number)
            EvidenceStore(site.store).add(await trials.sound(engines_of(STEPS[number]).candidate))
            assert promote(site.migration).entry is not None


@pytest.mark.timeout(180)
async def test_while_legacy_serves_what_comes_later_is_taken_back_and_no_caller_notices(
    tmp_path: Path,
) -> None:
    async with shared_surroundings() as redis:
        trials = Trials(tmp_path, redis)
        drift = await trials.later(TO_MIRROR, MIRROR["mirror drops a section"])
        shadow = await trials.later(TO_SHADOW, OF_ASYNC["file missing"])
    for later in (drift, shadow):
        assert later.stopped, str(later)
        assert [built.described for built in later.builds] == ["finished"]
        assert all(built.engine.startswith("legacy") for built in later.builds)
        assert all(later.as_legacy)
    assert (drift.now, shadow.now) == ("state_store json", "state_store redis")
    assert drift.reasons == ("1 build left something else in Redis than was written, and 0 are borne",)
    assert shadow.reasons[0].startswith("1 pair differed, and 0 are borne")
    assert drift.gate is not None
    assert drift.gate.failed == ("watermark",)
    assert shadow.gate is not None
    assert shadow.gate.failed == ("mismatches",)


@pytest.mark.timeout(180)
async def test_while_async_serves_some_or_all_what_comes_later_is_taken_back(tmp_path: Path) -> None:
    async with shared_surroundings() as redis:
        trials = Trials(tmp_path, redis)
        # Legacy keeps its state in Redis as well by now, and would double the same.
        differs = await trials.later(TO_CANARY, REDIS["attempts written twice"])
        fails = await trials.later(TO_ALL, OF_ASYNC["engine raises"])
    assert (differs.stopped, differs.now) == (True, "shadow"), str(differs)
    assert differs.reasons[0].startswith("1 pair differed, and 0 are borne")
    assert differs.gate is not None
    assert differs.gate.failed == ("mismatches",)
    assert [built.engine.partition(":")[0] for built in differs.builds] == ["async"]
    assert differs.as_legacy == (False,)
    # Not before the budget is spent, and whoever builds until then gets what legacy builds.
    assert (fails.stopped, fails.now) == (True, "canary:50"), str(fails)
    assert len(fails.builds) == Budgets().consecutive_errors
    assert fails.reasons[0].startswith("3 builds in a row failed in async only")
    assert all(fails.as_legacy)
    assert all(built.fell_back_from and built.engine.startswith("legacy") for built in fails.builds)
    _holds_for_every_share(trials, differs)


def _holds_for_every_share(trials: Trials, seen: Later) -> None:
    """What was seen at one share of the canary, as seen at the others, and at async."""
    for number in range(TO_CANARY, len(STEPS)):
        site = trials.site(number + 1)
        stood = site.migration.installation.standing()
        for one in seen.evidence:
            EvidenceStore(site.store).add(one.model_copy(update={"flags_number": stood.number}))
        if number < TO_ALL:
            gate = judged(site, STEPS[number + 1], REGRESSIONS[seen.regression])
            assert gate.failed == ("mismatches",), str(gate)
        taken = take_back(site.migration, Budgets())
        assert taken is not None
        assert taken.reasons == seen.reasons
        assert site.values == STEPS[number].before
