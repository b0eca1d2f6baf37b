"""Flags for one run: as the file has them, sticky by name, legacy where nothing can be gone by."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from harness.errors import BadInputError
from harness.flags import START, Action, EngineMode, FlagValues, Installation, pin_flags
from harness.flags.flag_file import rendered
from harness.flags.ladder import next_step


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "flags.json")


def move_to(installation: Installation, engine: str, canary: int = 0) -> None:
    """Climb to a mode of the last phase, at a share of its own."""
    standing = installation.standing()
    values = standing.values
    while (step := next_step(values)) is not None and step.phase.number < 4:
        values = step.after
    after = FlagValues.model_validate({**values.model_dump(), "engine": engine, "canary": canary})
    installation.move(standing, Action.PROMOTE, after)


def served_by_async(installation: Installation, names: list[str]) -> set[str]:
    """The names that the canary holds, by the rule in the file, evaluated by flagd's own evaluator."""
    from openfeature.contrib.tools.flagd.core import FlagdCore
    from openfeature.evaluation_context import EvaluationContext

    core = FlagdCore()
    core.set_flags(installation.flag_file.read_text())
    return {
        name
        for name in names
        if core.resolve_string_value("engine", "", EvaluationContext(targeting_key=name)).value == "canary"
    }


def test_before_the_first_move_all_is_on_legacy(installation: Installation) -> None:
    pinned = pin_flags(installation, "shop", {})
    assert pinned.model_dump(include=set(FlagValues.model_fields)) == START.model_dump()
    assert (pinned.number, pinned.problem, pinned.overridden) == (0, None, ())


def test_flags_are_those_of_the_file(installation: Installation) -> None:
    move_to(installation, "shadow")
    pinned = pin_flags(installation, "shop", {})
    assert (pinned.state_store, pinned.agent_calls, pinned.generation, pinned.engine) == (
        "redis",
        "async",
        "hybrid",
        "shadow",
    )
    assert pinned.number == 1


def test_the_share_of_a_canary_is_as_asked_and_only_ever_takes_names_in(installation: Installation) -> None:
    names = [f"{word}-{number}" for word in ("shop", "clinic") for number in range(5_000)]
    held: set[str] = set()
    for share in (5, 25, 50, 80):
        move_to(installation, "canary", share)
        now = served_by_async(installation, names)
        assert abs(len(now) / len(names) - share / 100) < 0.01
        assert held <= now
        held = now


def test_a_run_is_pinned_to_what_the_evaluator_says_of_its_name(installation: Installation) -> None:
    move_to(installation, "canary", 50)
    names = [f"spec{number}" for number in range(12)]
    held = served_by_async(installation, names)
    assert 0 < len(held) < 12
    for name in names:
        pinned = pin_flags(installation, name, {})
        assert (pinned.engine is EngineMode.CANARY) == (name in held)
        assert pinned.canary == 50


def test_the_environment_overrides_for_one_run_and_says_so(installation: Installation) -> None:
    move_to(installation, "async")
    pinned = pin_flags(installation, "shop", {"HARNESS_FLAG_ENGINE": "legacy", "PATH": "/bin"})
    assert pinned.engine is EngineMode.LEGACY
    assert pinned.overridden == ("HARNESS_FLAG_ENGINE=legacy",)
    assert pin_flags(installation, "shop", {}).engine is EngineMode.ASYNC


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HARNESS_FLAG_ENGIN", "legacy", "there is no such flag; there are HARNESS_FLAG_STATE_STORE"),
        ("HARNESS_FLAG_ENGINE", "Legacy", "engine is one of legacy, shadow, canary, async, not 'Legacy'"),
    ],
)
def test_a_wrong_override_is_bad_input(installation: Installation, name: str, value: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        pin_flags(installation, "shop", {name: value})


def test_a_damaged_file_puts_the_run_on_legacy_and_says_why(installation: Installation) -> None:
    move_to(installation, "async")
    installation.flag_file.write_text("{")
    pinned = pin_flags(installation, "shop", {})
    assert pinned.engine is EngineMode.LEGACY
    assert pinned.state_store == "json"
    assert "is not JSON" in str(pinned.problem)


def test_a_move_between_reading_and_evaluating_is_seen(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill switch that is thrown just then must not be missed."""
    move_to(installation, "async")
    standing = Installation.standing
    turns = itertools.count()

    def moved_after_first(self: Installation) -> object:
        found = standing(self)
        if next(turns) == 0:
            self.move(standing(self), Action.KILL, START)
        return found

    monkeypatch.setattr(Installation, "standing", moved_after_first)
    pinned = pin_flags(installation, "shop", {})
    assert (pinned.engine, pinned.number) == (EngineMode.LEGACY, 2)


def test_the_file_is_one_that_flagd_takes() -> None:
    """Its own JSON schema is checked by the evaluator when it loads the flags."""
    from openfeature.contrib.tools.flagd.core import FlagdCore

    canary = FlagValues(engine=EngineMode.CANARY, canary=25)
    core = FlagdCore()
    core.set_flags(rendered(canary, 7, "f" * 64))
    assert core.get_flag_set_metadata() == {"audit": 7, "seal": "f" * 64}
