"""The conversation layer: what differs in the chains of calls, and what of it follows from what."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.compare import Kind, Mismatch
from harness.compare.conversation import ConversationResult, compare_conversations
from harness.gateway.calls import CallRecord
from tests.compare.records import make_call, make_record

Calls = list[CallRecord]


def compared(tmp_path: Path, ours: Calls, theirs: Calls, failed: tuple[str, ...] = ()) -> ConversationResult:
    control = make_record(tmp_path / "control", calls=ours)
    candidate = make_record(tmp_path / "candidate", calls=theirs)
    return compare_conversations(control, candidate, failed)


def only(result: ConversationResult) -> Mismatch:
    (mismatch,) = result.mismatches
    assert not mismatch.follows
    return mismatch


def test_a_module_that_only_one_asked_for_is_one_mismatch(tmp_path: Path) -> None:
    """Not one for each of its calls: those would hide everything else."""
    users = [make_call("architect", "Users"), make_call("developer", "Users"), make_call("reviewer", "Users")]
    cart = [make_call("architect", "Cart")]
    missing = only(compared(tmp_path, users + cart, cart))
    assert (missing.kind, missing.path) == (Kind.MISSING, "Users")
    assert missing.sentence == "the candidate asked nothing for module Users (control: 3 calls)"
    extra = only(compared(tmp_path, cart, users + cart))
    assert extra.sentence == "only the candidate asked for module Users (3 calls)"


def test_an_answer_that_only_the_control_had_streamed_is_told(tmp_path: Path) -> None:
    # Red where how an answer is sent is left out with what the request says.
    call = make_call()
    whole = call.model_copy(update={"stream": False})
    mismatch = only(compared(tmp_path, [call], [whole]))
    assert (
        mismatch.sentence == "the answer of the developer of Cart was not streamed; that to the control was"
    )
    assert compared(tmp_path, [whole], [whole]).mismatches == ()


def test_what_needs_a_chain_that_differs_follows_and_what_does_not_is_a_cause(tmp_path: Path) -> None:
    """Cart needs Users; the page of Pages needs Cart; Users needs neither."""

    def calls(word: str) -> Calls:
        return [
            make_call("analyst", None),
            make_call("architect", "Users"),
            make_call("developer", "Users", content=word),
            make_call("architect", "Cart", content=word),
            make_call("developer", "Cart", content=word),
            make_call("architect", "Pages", content=word),
            make_call("frontend_developer", "Pages", content=word),
            make_call("integrator", None, content=word),
        ]

    found = compared(tmp_path, calls("one"), calls("two")).mismatches
    assert {m.path for m in found if not m.follows} == {"developer:Users#1", "architect:Cart#1"}
    assert len(found) == 6


def test_other_words_in_planning_explain_all_that_differs(tmp_path: Path) -> None:
    def calls(word: str) -> Calls:
        return [make_call("auditor", None, content=word), make_call("developer", "Users", content=word)]

    found = compared(tmp_path, calls("one"), calls("two")).mismatches
    assert [m.follows for m in found] == [False, True]


def test_calls_that_a_failed_task_kept_from_being_made_follow(tmp_path: Path) -> None:
    """The failure is told by the outcome; but other words are other words, failed or not."""
    ours = [
        make_call("architect"),
        make_call("developer"),
        make_call("reviewer"),
        make_call("integrator", None),
    ]
    failed = compared(tmp_path, ours, ours[:1], ("developer:Cart",))
    assert [(m.kind, m.follows) for m in failed.mismatches] == [(Kind.MISSING, True)] * 3
    elsewhere = compared(tmp_path, ours, ours[:1], ("developer:Users",))
    assert [m.follows for m in elsewhere.mismatches] == [False, True, True]
    everything = compared(tmp_path, ours, [], ("engine",))
    assert all(m.follows for m in everything.mismatches)
    other = compared(tmp_path, ours, [make_call("architect", content="x")], ("architect:Cart",))
    assert not other.mismatches[0].follows


@pytest.mark.parametrize(
    ("theirs", "explained", "by_words"),
    [
        ([make_call("architect", content="x"), make_call("developer")], False, True),
        ([make_call("developer")], True, True),
        ([make_call("architect"), make_call("developer")], False, False),
    ],
    ids=["other words", "a call left out", "nothing"],
)
def test_a_failure_is_explained_by_what_differs_before_it(
    theirs: Calls, explained: bool, by_words: bool, tmp_path: Path
) -> None:
    """A call left out explains any failure after it; other words explain an answer that cannot be used."""
    ours = [make_call("architect"), make_call("developer")]
    result = compared(tmp_path, ours, theirs)
    assert result.explains("developer:Cart", by_words=False) is explained
    assert result.explains("developer:Cart", by_words=True) is by_words
    assert not result.explains("developer:Users", by_words=True)
    assert not result.explains("engine", by_words=True)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_concurrent_calls_makes_no_difference(seed: int, tmp_path: Path) -> None:
    """Chains of different modules are mixed as they come; a chain keeps its own order."""
    chains = [
        [make_call(role, module) for role in ("architect", "developer", "reviewer", "optimizer")]
        for module in ("Users", "Cart", "Pages")
    ]
    chains.append([make_call("frontend_developer", "Pages")])
    dice = random.Random(seed)  # noqa: S311 (no secret)
    mixed: Calls = []
    left = [list(chain) for chain in chains]
    while any(left):
        mixed.append(dice.choice([chain for chain in left if chain]).pop(0))
    assert compared(tmp_path, [call for chain in chains for call in chain], mixed).mismatches == ()


def test_calls_of_an_unknown_role_are_told_apart_by_what_they_ask(tmp_path: Path) -> None:
    """A foreign engine's calls all lie in one lane, and may come in any order."""
    calls = [make_call("unknown", None, content=f"task {i}") for i in range(6)]
    assert compared(tmp_path, calls, calls[::-1]).mismatches == ()
    other = make_call("unknown", None, content="something else")
    mismatch = only(compared(tmp_path, calls, [*calls[3:], other, *calls[:2]]))
    assert mismatch.kind is Kind.PROMPT_DRIFT
    assert "“something else” instead of “task 2”" in mismatch.sentence


def test_words_that_belong_to_another_module_are_traced_to_it(tmp_path: Path) -> None:
    ours = [
        make_call("reviewer", "Users", content="Source:\ndef find_user(): ..."),
        make_call("reviewer", "Cart", content="Source:\ndef add_item(): ..."),
    ]
    theirs = [ours[0], make_call("reviewer", "Cart", content="Source:\ndef find_user(): ...")]
    assert only(compared(tmp_path, ours, theirs)).sentence.endswith(
        "is “def find_user(): ...” instead of “def add_item(): ...”; "
        "the control says this to the reviewer of Users"
    )


def test_words_that_stand_in_many_prompts_are_traced_nowhere(tmp_path: Path) -> None:
    ours = [
        make_call("reviewer", "Users", content="return the total"),
        make_call("reviewer", "Pages", content="return the total"),
        make_call("reviewer", "Cart", content="return nothing"),
    ]
    theirs = [*ours[:2], make_call("reviewer", "Cart", content="return the total")]
    assert "the control says this" not in only(compared(tmp_path, ours, theirs)).sentence
