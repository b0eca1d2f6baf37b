"""Bisecting: each step changes one choice, and the first that differs is the one that is blamed."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import harness.bisect
from agents.conversation import Cause
from harness.bisect import Bisection, bisect, steps_to
from harness.compare import Status
from harness.engines.composition import parse_engine
from harness.engines.engine import Engine
from harness.errors import BadInputError
from harness.record import RunRecord
from harness.report.bisection import print_bisection
from harness.session import SessionSettings
from harness.spec import Spec
from tests.compare.records import FILES, make_failure, make_record

pytestmark = pytest.mark.usefixtures("forked_processes")

SPEC = Spec.model_validate({"name": "shop", "idea": "a shop"})


@pytest.mark.parametrize(
    "candidate", ["async", "phase:1", "async:state_store=json", "async:agent_calls=threads"]
)
def test_the_steps_change_one_choice_each_and_end_at_the_candidate(candidate: str) -> None:
    compositions = [parse_engine(name) for name in ("legacy", *(step.engine for step in steps_to(candidate)))]
    changes = []
    for before, after in pairwise(compositions):
        flags, flags_after = before.as_flags(), after.as_flags()
        changed = [flag for flag in flags if flags[flag] != flags_after[flag]]
        changes.append([*changed, *(["loop"] if before.family != after.family else [])])
    assert changes == [[step.flag] for step in steps_to(candidate)]
    assert compositions[-1] == parse_engine(candidate)


@pytest.mark.parametrize("candidate", ["legacy", "external:engine.yaml", "nonsense"])
def test_what_has_no_steps_is_bad_input(candidate: str) -> None:
    with pytest.raises(BadInputError):
        steps_to(candidate)


class _Watcher:
    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


async def found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: dict[str, str], **instead: Any
) -> tuple[Bisection, list[str]]:
    """The bisection where engines with the flags `broken` leave `instead`, and what was run."""
    ran: list[str] = []

    class Session:
        def check(self, spec: Spec) -> None:
            pass

        async def run(self, spec: Spec, engine: Engine, *_: object) -> RunRecord:
            ran.append(engine.name)
            hit = broken.items() <= dict(engine.flags).items()
            return make_record(tmp_path / f"run{len(ran)}", engine=engine.name, **(instead if hit else {}))

    @asynccontextmanager
    async def open_session(settings: SessionSettings, *, needs_redis: bool) -> AsyncIterator[Session]:
        assert needs_redis
        yield Session()

    monkeypatch.setattr(harness.bisect, "open_session", open_session)
    return await bisect(SPEC, "async", SessionSettings(), _Watcher()), ran


@pytest.mark.parametrize(
    ("flag", "value", "phase", "runs"),
    [("state_store", "redis", 1, 2), ("agent_calls", "async", 2, 4), ("orchestration", "concurrent", 2, 5)],
)
async def test_the_flag_that_breaks_it_is_blamed_and_nothing_after_it_is_run(
    flag: str, value: str, phase: int, runs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {**FILES, "cart.py": "CART = [1]\n"}
    bisection, ran = await found(tmp_path, monkeypatch, {flag: value}, files=changed)
    assert bisection.blamed is not None
    assert (bisection.blamed.flag, bisection.blamed.phase, len(ran)) == (flag, phase, runs)
    assert {mismatch.phase for mismatch in bisection.steps[-1].mismatches} == {flag}
    assert [walked.status for walked in bisection.steps[:-1]] == [Status.PASS] * (runs - 2)
    out = io.StringIO()
    print_bisection(Console(file=out, width=120), bisection)
    last = out.getvalue().splitlines()[-1]
    assert last.startswith("FAIL shop: the first mismatch appears with " + flag)
    assert "cart.py" in last


async def test_equal_engines_have_nobody_to_blame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bisection, ran = await found(tmp_path, monkeypatch, {"state_store": "none"})
    assert (bisection.blamed, bisection.status, len(ran)) == (None, Status.PASS, 5)


async def test_a_run_that_failed_for_want_of_a_model_blames_no_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = [make_failure(Cause.MODEL)]
    bisection, _ = await found(tmp_path, monkeypatch, {"agent_calls": "async"}, failures=failed)
    assert (bisection.blamed, bisection.status) == (None, Status.ERROR)
    assert "not to be told at agent_calls" in bisection.sentence


async def test_a_step_that_fails_as_the_control_did_is_not_to_blame_for_what_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in what an engine makes of failures shows on no other specs."""
    failed = [make_failure(Cause.ANSWER, "reviewer:Cart", "no usable answer")]
    usual = make_record

    def failing(folder: Path, **instead: Any) -> RunRecord:
        return usual(folder, **{"failures": failed, **instead})

    monkeypatch.setattr("tests.test_bisect.make_record", failing)
    bisection, ran = await found(tmp_path, monkeypatch, {"orchestration": "concurrent"}, failures=[])
    assert bisection.blamed is not None
    assert (bisection.blamed.flag, len(ran)) == ("orchestration", 5)
