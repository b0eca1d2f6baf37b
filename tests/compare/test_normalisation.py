"""Rules for the blackboard: each hides what it may, and nothing that lies beyond its bound."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.normalisation import BUILT_IN, Normaliser, RuleFired, Side
from harness.compare.normalisation.rule import KeyedListRule
from tests.compare.normalised import (
    CANDIDATE_ID,
    CANDIDATE_PLACE,
    CONTROL_ID,
    CONTROL_PLACE,
    candidate,
    control,
    found,
    rules,
)

NOTHING = "<nothing>"


def made_at(value: object) -> dict[str, Any]:
    return {"project_info": {} if value is NOTHING else {"created_at": value}}


OWN_TIMES = [
    ("2024-05-01T10:00:00.000+00:00", "2024-05-03T08:00:00.000+00:00"),
    ("2024-05-01T10:00:03.123+00:00", "2024-05-03T08:00:10.400+00:00"),
    # Read in whole seconds, just before; and late, as not all of a run is timed.
    ("2024-05-01T09:59:59.001+00:00", "2024-05-03T08:01:10.499+00:00"),
    # The same moment elsewhere.
    ("2024-05-01T10:00:03.123+00:00", "2024-05-03T13:30:03.123+05:30"),
    ("2024-05-01T10:00:03Z", "2024-05-03T08:00:09Z"),
    ("2024-05-01 10:00:03", "2024-05-03 08:00:09"),
]

# Of a control that says 2024-05-01T10:00:03.123+00:00.
OTHER_TIMES = {
    "a day later": "2024-05-04T08:00:03.123+00:00",
    "a day earlier": "2024-05-02T08:00:03.123+00:00",
    "the control's": "2024-05-01T10:00:03.123+00:00",
    "with a blank": "2024-05-03T08:00:03.123+00:00 ",
    "just before the run": "2024-05-03T07:59:59.000+00:00",
    "just after the run": "2024-05-03T08:01:10.501+00:00",
    "in another zone": "2024-05-03T08:00:03.123+01:00",
    "without its zone": "2024-05-03T08:00:03.123",
    "with another zone's name": "2024-05-03T08:00:03.123Z",
    "more precise": "2024-05-03T08:00:03.123456+00:00",
    "less precise": "2024-05-03T08:00:03+00:00",
    "with a space": "2024-05-03 08:00:03.123+00:00",
    "a day only": "2024-05-03",
    "no seconds": "2024-05-03T08:00+00:00",
    "basic": "20240503T080003.123+0000",
    "no day of the calendar": "2024-02-30T08:00:03.123+00:00",
    "no time": "yesterday",
    "nothing in it": "",
    "in a sentence": "at 2024-05-03T08:00:03.123+00:00",
    "seconds": 1714723203,
    "null": None,
    "a list": ["2024-05-03T08:00:03.123+00:00"],
    "missing": NOTHING,
    "the first day": "0001-01-01T00:00:00.000+23:59",
    "the last day": "9999-12-31T23:59:59.999-23:59",
}


@pytest.mark.parametrize(("ours", "theirs"), OWN_TIMES)
def test_a_time_within_its_own_run_is_put_aside(ours: str, theirs: str) -> None:
    assert found(control(made_at(ours)), candidate(made_at(theirs))) == []


@pytest.mark.parametrize("what", OTHER_TIMES)
def test_any_other_time_is_seen(what: str) -> None:
    """In either run: the control may be wrong, too."""
    ours, theirs = made_at("2024-05-01T10:00:03.123+00:00"), made_at(OTHER_TIMES[what])
    assert found(control(ours), candidate(theirs))
    assert found(candidate(theirs), control(ours))


def test_a_time_that_was_not_put_aside_is_shown_as_it_is() -> None:
    ours, theirs = made_at("2024-05-01T10:00:03+00:00"), made_at("2024-05-04T08:00:03+00:00")
    (mismatch,) = found(control(ours), candidate(theirs))
    assert mismatch.candidate == "2024-05-04T08:00:03+00:00"
    assert mismatch.control == "<time of its run: ####-##-##T##:##:##+##:##>"


@given(st.integers(-200_000, 200_000))
def test_a_time_is_seen_just_where_it_lies_beyond_the_run(ms: int) -> None:
    stamp = datetime(2024, 5, 3, 8, tzinfo=UTC) + timedelta(milliseconds=ms)
    theirs = made_at(stamp.isoformat(timespec="milliseconds"))
    beyond = not -1000 < ms <= 70_500
    assert bool(found(control(made_at("2024-05-01T10:00:00.000+00:00")), candidate(theirs))) == beyond


SUMMER = {"began_at": "2024-05-03T10:00:00.000+02:00"}


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [
        ("2024-05-01T10:00:03", "2024-05-03T10:00:03", False),
        ("2024-05-01T10:00:03", "2024-05-03T08:00:03", True),
        ("2024-05-01T10:00:03", "2024-05-03T09:00:03", True),
        ("2024-05-01T10:00:03", "2024-05-03T12:00:03", True),
    ],
    ids=["local", "in UTC", "an hour early", "the zone the wrong way"],
)
def test_a_time_without_a_zone_is_read_by_the_clock_of_the_run(ours: str, theirs: str, differ: bool) -> None:
    """Local time and UTC are two ways to write it, so one beside the other is a mismatch."""
    assert bool(found(control(made_at(ours)), candidate(made_at(theirs), **SUMMER))) == differ


def test_two_that_both_write_utc_without_saying_so_are_equal() -> None:
    before = {"began_at": "2024-05-01T12:00:00.000+02:00"}
    ours, theirs = made_at("2024-05-01T10:00:03"), made_at("2024-05-03T08:00:03")
    assert found(control(ours, **before), candidate(theirs, **SUMMER)) == []


def test_of_a_resumed_run_only_the_begin_is_known() -> None:
    ours = control(made_at("2024-05-01T10:00:03+00:00"))
    later, before = made_at("2024-05-13T08:00:03+00:00"), made_at("2024-05-03T07:59:00+00:00")
    assert found(ours, candidate(later, sittings=2)) == []
    assert found(ours, candidate(before, sittings=2))


def test_a_run_that_does_not_say_when_it_began_hides_no_time() -> None:
    one = candidate(made_at("2024-05-03T08:00:03+00:00"), began_at="some day")
    other = candidate(made_at("2024-05-03T08:00:04+00:00"), began_at="some day")
    assert found(one, other)
    assert found(one, one) == []


def said(message: object) -> dict[str, Any]:
    return {"logs": [{"level": "info", "message": message}]}


def test_the_runs_own_id_is_put_aside() -> None:
    ours, theirs = (said(f"no model at http://host/run/{run}/api") for run in (CONTROL_ID, CANDIDATE_ID))
    assert found(control(ours), candidate(theirs)) == []


@pytest.mark.parametrize(
    "message",
    [
        f"run/{CONTROL_ID}",
        f"run/{CANDIDATE_ID}0",
        f"run/{CANDIDATE_ID}-2",
        f"run/x{CANDIDATE_ID}",
        f"run/{CANDIDATE_ID[:-1]}",
        f"run/{CANDIDATE_ID.upper()}",
        f"run/{CANDIDATE_ID} {CANDIDATE_ID}",
        "run/20240503-080000-shop-async-cccccc",
        "run/<id>",
        None,
    ],
)
def test_another_runs_id_is_seen(message: object) -> None:
    assert found(control(said(f"run/{CONTROL_ID}")), candidate(said(message)))


@pytest.mark.parametrize("more", ["0", "-2", "_b", "x"])
def test_an_id_that_only_begins_like_the_runs_own_is_seen(more: str) -> None:
    """In both runs: what goes on is the id of yet another."""
    assert found(control(said(f"run/{CONTROL_ID}{more}")), candidate(said(f"run/{CANDIDATE_ID}{more}")))


def test_an_id_that_may_be_any_word_is_not_put_aside() -> None:
    assert found(control(said("developer"), id="developer"), candidate(said("reviewer"), id="reviewer"))


def test_the_id_is_seen_where_no_rule_says_it_may_be() -> None:
    ours, theirs = ({"modules": {"Cart": {"code": run}}} for run in (CONTROL_ID, CANDIDATE_ID))
    assert found(control(ours), candidate(theirs))


def written(text: str) -> dict[str, Any]:
    return {"anything": [{text: f"in {text}/main.py"}]}


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [
        (CONTROL_PLACE.workdir, CANDIDATE_PLACE.workdir, False),
        (CONTROL_PLACE.output, CANDIDATE_PLACE.output, False),
        ("app-20240501-100000", "app-20240503-080000", False),
        (CONTROL_PLACE.workdir, CONTROL_PLACE.workdir, True),
        (CONTROL_PLACE.workdir, CANDIDATE_PLACE.workdir + "2", True),
        (CONTROL_PLACE.workdir, "/srv/runs/candidate", True),
        (CONTROL_PLACE.workdir, CANDIDATE_PLACE.output, True),
        ("app-20240501-100000", "app-20240503-080001", True),
        (CONTROL_PLACE.workdir + "2", CANDIDATE_PLACE.workdir + "2", True),
        (CONTROL_PLACE.workdir + "/2", CANDIDATE_PLACE.workdir + "/2", False),
    ],
)
def test_only_a_runs_own_folder_is_put_aside(ours: str, theirs: str, differ: bool) -> None:
    one = control(written(ours), external=CONTROL_PLACE)
    other = candidate(written(theirs), external=CANDIDATE_PLACE)
    assert bool(found(one, other)) == differ


def test_two_keys_that_would_become_one_stay_two() -> None:
    one = control({"a": {CONTROL_PLACE.workdir: 1, "<its folder>": 2}}, external=CONTROL_PLACE)
    assert found(one, control({"a": {"<its folder>": 2}}, external=CONTROL_PLACE))


def attempt(
    status: str = "ok", *, number: int = 1, text: str = "done", module: str = "Cart"
) -> dict[str, Any]:
    return {
        "agent": "developer",
        "module": module,
        "attempt_number": number,
        "status": status,
        "output": text,
    }


ERROR = attempt("error")


@pytest.mark.parametrize(
    ("attempts", "differ"),
    [
        ([ERROR, attempt()], False),
        ([ERROR, ERROR, ERROR, attempt()], False),
        ([ERROR, ERROR, ERROR, ERROR, attempt()], True),
        ([attempt(), ERROR], True),
        ([ERROR], True),
        ([attempt("rejected"), attempt()], True),
        ([attempt("error", number=2), attempt()], True),
        ([attempt("error", module="Users"), attempt()], True),
        ([ERROR, attempt(text="something else")], True),
    ],
    ids=[
        "made again",
        "three times",
        "four times",
        "not made again",
        "nothing else",
        "no failure in passing",
        "of another number",
        "of another module",
        "and came to something else",
    ],
)
def test_only_attempts_that_failed_in_passing_are_left_out(
    attempts: list[dict[str, Any]], differ: bool
) -> None:
    ours = control({"agent_attempts": [attempt()]})
    assert bool(found(ours, candidate({"agent_attempts": attempts}))) == differ


def test_failures_are_counted_anew_after_one_that_did_not_fail() -> None:
    ours = [attempt(), attempt(text="more")]
    theirs = [ERROR, ERROR, ours[0], ERROR, ERROR, ours[1]]
    assert found(control({"agent_attempts": ours}), candidate({"agent_attempts": theirs})) == []


def took(value: object, more: object = 0) -> dict[str, Any]:
    return {"agent_attempts": [{**attempt(), "took": value}], "logs": [{"message": more}]}


TOOK = rules(
    {"id": "took", "kind": "duration", "where": ["agent_attempts.*.took"], "max_difference_s": 2.5},
    {
        "id": "said",
        "kind": "duration",
        "where": ["logs.*.message"],
        "pattern": r"took ([\d.]+) ms",
        "unit": "ms",
        "max_difference_s": 0.5,
    },
)


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [
        (1.0, 3.5, False),
        (1, 3, False),
        ("1.0", "3.5", False),
        (1.0, 3.6, True),
        (100.0, 97.4, True),
        (1.0, -0.5, True),
        (1.0, "1.5", True),
        (1.0, None, True),
        (1.0, True, True),
        (1.0, [1.5], True),
        (1.0, float("nan"), True),
        (1.0, 10**400, True),
        ("1.0", "1.5 s", True),
        ("1.0", "", True),
    ],
)
def test_durations_that_are_close_are_put_aside(ours: object, theirs: object, differ: bool) -> None:
    assert bool(found(control(took(ours)), candidate(took(theirs)), TOOK)) == differ
    assert bool(found(candidate(took(theirs)), control(took(ours)), TOOK)) == differ


@pytest.mark.parametrize(
    ("theirs", "differ"),
    [
        ("Cart took 1400 ms", False),
        ("Cart took 1600 ms", True),
        ("Users took 1000 ms", True),
        ("Cart took 1000 s", True),
        ("Cart took 1000 ms, Cart took 1000 ms", True),
        ("Cart took 1.2.3 ms", True),
    ],
)
def test_durations_within_a_sentence_are_put_aside_and_nothing_else_of_it(theirs: str, differ: bool) -> None:
    """Though the sentence is what tells one line of the log from another."""
    one, other = control(took(1, "Cart took 1000 ms")), candidate(took(1, theirs))
    assert bool(found(one, other, TOOK)) == differ


def test_durations_of_the_same_attempt_are_held_against_each_other() -> None:
    """One that was left out in the middle does not shift the others."""
    slow, fast = {**attempt(number=2), "took": 90.0}, {**attempt(number=3), "took": 1.0}
    ours = {"agent_attempts": [{**attempt(), "took": 1.0}, slow, fast]}
    failed = {**attempt("error", number=3), "took": 9.0}
    theirs = {"agent_attempts": [{**attempt(), "took": 1.5}, failed, fast]}
    (missing,) = found(control(ours), candidate(theirs), TOOK)
    assert missing.path == "agent_attempts[developer Cart 2]"


@given(st.floats(0, 6), st.floats(0, 6))
def test_a_duration_is_seen_just_where_it_differs_by_more_than_it_may(ours: float, theirs: float) -> None:
    assert bool(found(control(took(ours)), candidate(took(theirs)), TOOK)) == (abs(ours - theirs) > 2.5)


UNORDERED = rules(
    {"id": "any-order", "kind": "keyed-list", "where": ["logs"], "keys": ["message"], "order": "ignored"}
)
LINES = st.lists(
    st.fixed_dictionaries({"message": st.sampled_from("ab"), "level": st.sampled_from(["x", 1, None])})
    | st.sampled_from(["a", 3, None]),
    max_size=4,
)


@given(LINES, LINES | st.none(), st.randoms(use_true_random=False))
def test_a_list_whose_order_is_ignored_differs_just_where_its_members_do(
    ours: list[Any], theirs: list[Any] | None, random: Any
) -> None:
    """Each as often as there."""
    if theirs is None:
        theirs = random.sample(ours, len(ours))
    differ = Counter(map(json.dumps, ours)) != Counter(map(json.dumps, theirs))
    assert bool(found(control({"logs": ours}), candidate({"logs": theirs}), UNORDERED)) == differ


def test_another_order_is_seen_where_no_rule_ignores_it() -> None:
    lines = [{"message": text} for text in "ab"]
    assert found(control({"logs": lines}), candidate({"logs": lines[::-1]}))


def fired(one: Any, other: Any, of: Any = BUILT_IN) -> tuple[RuleFired, ...]:
    normaliser = Normaliser(one, other, of)
    for side, record in zip(Side, (one, other), strict=True):
        normaliser.document(side, record.blackboard)
    return normaliser.fired


def test_every_value_that_was_put_aside_is_counted_on_its_side() -> None:
    line = {
        "level": "info",
        "message": f"{CONTROL_ID}, {CONTROL_ID}",
        "timestamp": "2024-05-01T10:00:03+00:00",
    }
    ours = {
        "project_info": {"created_at": "2024-05-01T10:00:03+00:00"},
        "agent_attempts": [ERROR, {**attempt(), "timestamp": "2024-05-01T10:00:03+00:00"}],
        "logs": [line, {**line, "timestamp": "2020-05-01T10:00:03+00:00"}],
    }
    theirs = made_at("2024-05-03T08:00:03+00:00")
    assert fired(control(ours), candidate(theirs)) == (
        RuleFired(rule="retried-attempts", control=1, candidate=0),
        RuleFired(rule="own-run-id", control=4, candidate=0),
        RuleFired(rule="timestamps", control=3, candidate=1),
    )


def test_own_folders_are_counted_wherever_they_stand() -> None:
    one = control(written(CONTROL_PLACE.workdir), external=CONTROL_PLACE)
    assert fired(one, candidate()) == (RuleFired(rule="own-folders", control=2, candidate=0),)


def test_a_list_is_counted_only_where_its_order_was_put_aside() -> None:
    def board(*messages: str) -> dict[str, Any]:
        return {"logs": [{"message": text} for text in messages]}

    once = (RuleFired(rule="any-order", control=1, candidate=1),)
    assert fired(control(board("b", "a")), candidate(board("a", "b")), UNORDERED) == once
    # In another order than the rule's own, and alike.
    assert fired(control(board("b", "a")), candidate(board("b", "a")), UNORDERED) == ()
    # One is missing, and the rest stands as it stood.
    assert fired(control(board("c", "b", "a")), candidate(board("c", "a")), UNORDERED) == ()


def test_where_no_rule_fires_nothing_is_copied() -> None:
    """A blackboard of a thousand modules is not walked through for the sake of a few times."""
    board = {"modules": {"Cart": {"code": "x"}}, "logs": [{"message": "a", "timestamp": "never"}]}
    one = control(board)
    assert Normaliser(one, one).document(Side.CONTROL, board) is board
    timed = {**board, **made_at("2024-05-01T10:00:03+00:00")}
    new = Normaliser(one, one).document(Side.CONTROL, timed)
    assert new is not timed
    assert all(new[section] is timed[section] for section in board)
    assert timed["project_info"] == {"created_at": "2024-05-01T10:00:03+00:00"}


def test_the_lists_that_are_told_apart_by_keys() -> None:
    keys_of = Normaliser(control(), candidate()).keys_of
    assert keys_of(("architecture", "modules")) == ("name",)
    assert keys_of(("api_registry", "Cart", "routes")) == ("method", "path")
    assert keys_of(("files_created",)) == ()
    for path in (("modules",), ("logs", 0), ("api_registry", "routes"), ("architecture", "modules", "Cart")):
        assert keys_of(path) is None


def test_a_rule_that_is_switched_off_hides_nothing() -> None:
    ours, theirs = made_at("2024-05-01T10:00:03+00:00"), made_at("2024-05-03T08:00:03+00:00")
    without = BUILT_IN.with_project(off=["timestamps"])
    assert found(control(ours), candidate(theirs), without)


def test_every_rule_that_holds_everywhere_has_an_id_of_its_own_and_a_reason() -> None:
    assert len({*BUILT_IN.ids}) == len(BUILT_IN.ids)
    assert all(rule.why.endswith(".") for rule in BUILT_IN.rule)
    # Engines write their lists in one order, so another order is news.
    assert {rule.order for rule in BUILT_IN.rule if isinstance(rule, KeyedListRule)} == {"compared"}
