"""Engine names: what they stand for, and what is said of those that stand for nothing."""

from __future__ import annotations

import pytest

from harness.engines.composition import parse_engine
from harness.errors import BadInputError


@pytest.mark.parametrize(
    ("name", "flags", "concurrent", "needs_redis"),
    [
        ("legacy", "json blocking sequential", False, False),
        ("phase:1", "redis blocking sequential", False, True),
        ("phase:2", "redis async concurrent", True, True),
        ("legacy:state_store=json", "json blocking sequential", False, False),
        ("legacy:state_store=mirror", "mirror blocking sequential", False, True),
        ("legacy:state_store=redis", "redis blocking sequential", False, True),
        ("async", "redis async concurrent", True, True),
        ("async:state_store=mirror", "mirror async concurrent", True, True),
        ("async:agent_calls=threads", "redis threads concurrent", True, True),
        ("async:agent_calls=blocking", "redis blocking concurrent", False, True),
        ("async:state_store=json,orchestration=sequential", "json async sequential", False, False),
    ],
)
def test_a_name_stands_for_a_composition(name: str, flags: str, concurrent: bool, needs_redis: bool) -> None:
    composition = parse_engine(name)
    assert list(composition.as_flags().values()) == [*flags.split(), "llm"]
    assert (composition.concurrent, composition.needs_redis) == (concurrent, needs_redis)


@pytest.mark.parametrize("name", ["phase:3", "phase:4", "async:generation=hybrid"])
def test_from_phase_3_on_the_model_fills_gaps_and_nothing_else_changes(name: str) -> None:
    assert parse_engine(name).as_flags() == {**parse_engine("phase:2").as_flags(), "generation": "hybrid"}


def test_phase_1_changes_where_the_state_is_and_nothing_else() -> None:
    legacy, phase_1 = parse_engine("legacy"), parse_engine("phase:1")
    assert phase_1.family == "legacy"
    changed = {flag for flag, value in legacy.as_flags().items() if phase_1.as_flags()[flag] != value}
    assert changed == {"state_store"}
    assert parse_engine("legacy:state_store=redis") == phase_1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "is not an engine; known are legacy, async, phase:1 to phase:4, async:workers, external"),
        ("phase:5", "is not an engine"),
        ("async:", "is not an engine"),
        ("legacy:", "is not an engine"),
        ("legacy:state_store=cloud", "state_store is json, mirror, redis, not 'cloud'"),
        (
            "legacy:agent_calls=threads",
            "of legacy only the state_store can be chosen; for agent_calls=threads take async:agent",
        ),
        ("async:speed=high", "'speed' is not a flag; there are state_store"),
        ("async:state_store=files", "state_store is json, mirror, redis, not 'files'"),
        ("async:state_store=json,", "'' is not a flag"),
        ("async:generation=whole", "generation is llm, hybrid, not 'whole'"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused_with_what_would_be_right(name: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        parse_engine(name)
