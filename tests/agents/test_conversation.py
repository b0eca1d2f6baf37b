"""The bounded retry that every agent shares, and the typed failure at its end."""

from __future__ import annotations

import pytest

from agents.conversation import (
    MAX_ATTEMPTS,
    AgentFailure,
    Attempt,
    AttemptStatus,
    Cause,
    Dialogue,
    Message,
    ModelError,
    ModelReply,
    UnusableAnswer,
    ask,
    start_dialogue,
)
from agents.drivers import drive
from agents.roles import Role
from tests.agents.scripted import ScriptedModel, finish


def read(text: str) -> int:
    if not text.isdigit():
        raise UnusableAnswer(f"{text!r} is no number")
    return int(text)


@pytest.fixture
def dialogue() -> Dialogue:
    return start_dialogue(Role.DEVELOPER, "Cart", "\nYou count.\n", "How many?", [])


def test_a_dialogue_opens_with_role_and_instructions_then_the_task(dialogue: Dialogue) -> None:
    system, user = dialogue.messages
    role = "You are the developer of AgentFactory, a team of agents that builds applications in Python."
    assert system == Message("system", f"{role}\nYou count.")
    assert user == Message("user", "How many?")


def test_a_usable_answer_ends_the_asking(dialogue: Dialogue) -> None:
    assert finish(ask(dialogue, read), ModelReply("7", at="t")) == 7
    assert dialogue.journal == [
        Attempt(Role.DEVELOPER, "Cart", 1, "How many?", "7", AttemptStatus.OK, None, "t")
    ]


def test_an_unusable_answer_is_asked_for_again_with_the_reason(dialogue: Dialogue) -> None:
    model = ScriptedModel(["many", "7"])
    assert drive(ask(dialogue, read), model) == 7
    feedback = (
        "This answer cannot be used: 'many' is no number\n\nAnswer again, whole and in the form asked for."
    )
    assert [m.speaker for m in model.requests[1].messages] == ["system", "user", "assistant", "user"]
    assert [m.content for m in model.requests[1].messages[2:]] == ["many", feedback]
    assert [(r.role, r.module, r.attempt) for r in model.requests] == [
        (Role.DEVELOPER, "Cart", 1),
        (Role.DEVELOPER, "Cart", 2),
    ]
    assert [(a.number, a.prompt, a.status, a.error) for a in dialogue.journal] == [
        (1, "How many?", AttemptStatus.REJECTED, "'many' is no number"),
        (2, feedback, AttemptStatus.OK, None),
    ]


def test_after_the_last_retry_the_failure_names_role_module_and_reason(dialogue: Dialogue) -> None:
    with pytest.raises(AgentFailure) as caught:
        finish(ask(dialogue, read), *["many"] * MAX_ATTEMPTS)
    failure = caught.value
    assert (failure.role, failure.module, failure.cause) == (Role.DEVELOPER, "Cart", Cause.ANSWER)
    assert failure.reason == "no usable answer in 3 attempts; the last: 'many' is no number"
    assert str(failure) == f"developer of Cart: {failure.reason}"
    assert [a.status for a in dialogue.journal] == [AttemptStatus.REJECTED] * 3


def test_an_answer_that_the_conversation_already_holds_is_an_attempt(dialogue: Dialogue) -> None:
    """The attempt that a request names is told from its messages by whoever sees only them."""
    dialogue.answered("a draft")
    dialogue.say("Better!")
    model = ScriptedModel(["many", "many"])
    with pytest.raises(AgentFailure):
        drive(ask(dialogue, read), model)
    assert [request.attempt for request in model.requests] == [2, 3]
    for request in model.requests:
        assert request.attempt == 1 + sum(m.speaker == "assistant" for m in request.messages)


def test_the_number_of_attempts_can_be_given(dialogue: Dialogue) -> None:
    with pytest.raises(AgentFailure, match="in 1 attempts"):
        finish(ask(dialogue, read, max_attempts=1), "many")


@pytest.mark.parametrize(
    ("status", "cause"),
    [(None, Cause.MODEL), (504, Cause.MODEL), (400, Cause.REQUEST), (404, Cause.REQUEST)],
)
def test_an_error_that_does_not_pass_fails_the_task_at_once(
    dialogue: Dialogue, status: int | None, cause: Cause
) -> None:
    with pytest.raises(AgentFailure) as caught:
        finish(ask(dialogue, read), "many", ModelError("gone", status=status, at="t2"))
    assert (caught.value.cause, caught.value.reason) == (cause, "gone")
    assert [(a.number, a.answer, a.status, a.error, a.at) for a in dialogue.journal] == [
        (1, "many", AttemptStatus.REJECTED, "'many' is no number", "t1"),
        (2, "", AttemptStatus.ERROR, "gone", "t2"),
    ]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_that_may_pass_is_asked_again_and_noted(dialogue: Dialogue, status: int) -> None:
    model = ScriptedModel(["many", ModelError("gone", status=status, at="t2"), "7"])
    assert drive(ask(dialogue, read), model) == 7
    assert [(request.attempt, request.retry) for request in model.requests] == [(1, 0), (2, 0), (2, 1)]
    assert model.requests[1].messages == model.requests[2].messages
    assert [(a.number, a.status, a.error, a.at) for a in dialogue.journal] == [
        (1, AttemptStatus.REJECTED, "'many' is no number", "t1"),
        (2, AttemptStatus.ERROR, "gone", "t2"),
        (2, AttemptStatus.OK, None, "t3"),
    ]


def test_a_request_is_made_again_three_times_and_no_more(dialogue: Dialogue) -> None:
    with pytest.raises(AgentFailure) as caught:
        finish(ask(dialogue, read), *[ModelError("gone", status=503)] * 4)
    assert (caught.value.cause, caught.value.reason) == (Cause.MODEL, "gone (asked 4 times)")
    assert len(dialogue.journal) == 4


def test_every_request_has_its_retries_to_itself(dialogue: Dialogue) -> None:
    gone = ModelError("gone", passing=True)
    model = ScriptedModel([gone, gone, gone, "many", gone, gone, gone, "7"])
    assert drive(ask(dialogue, read), model) == 7
    assert [request.retry for request in model.requests] == [0, 1, 2, 3, 0, 1, 2, 3]


@pytest.mark.parametrize("content", ["", " \n\t"])
def test_an_empty_answer_is_unusable_whatever_is_read(dialogue: Dialogue, content: str) -> None:
    """An empty answer must never become an empty file."""
    with pytest.raises(AgentFailure, match="the answer is empty"):
        finish(ask(dialogue, str), *[content] * 3)


def test_an_answer_that_was_cut_off_is_unusable_though_it_reads_well(dialogue: Dialogue) -> None:
    assert finish(ask(dialogue, read), ModelReply("12", done_reason="length"), "1234") == 1234
    assert "cut off at the length limit" in (dialogue.journal[0].error or "")


def test_a_reason_is_bounded_however_much_it_quotes(dialogue: Dialogue) -> None:
    """It goes back to a model with a small context, and into events."""
    model = ScriptedModel(["x" * 100_000] * 3)
    with pytest.raises(AgentFailure) as caught:
        drive(ask(dialogue, read), model)
    assert len(caught.value.reason) < 2_200
    assert caught.value.reason.endswith("x' is no number")
    assert len(model.requests[1].messages[-1].content) < 2_200
    assert len(ModelError("<html>" * 50_000).reason) < 2_200


def test_what_is_no_unicode_text_is_kept_in_a_form_that_can_be_stored_and_sent(dialogue: Dialogue) -> None:
    """A lone surrogate would break the next request and the state store, outside of any task."""
    model = ScriptedModel(["a\ud800b", "7"])
    assert drive(ask(dialogue, read), model) == 7
    assert dialogue.journal[0].answer == "a?b"
    for message in model.requests[1].messages:
        message.content.encode()
    ModelError("bad \udfff byte").reason.encode()


def test_the_reader_sees_the_answer_as_it_came(dialogue: Dialogue) -> None:
    seen: list[str] = []
    finish(ask(dialogue, seen.append), " a\ud800b ")
    assert seen == [" a\ud800b "]


def test_requests_do_not_change_when_the_dialogue_goes_on(dialogue: Dialogue) -> None:
    """A recorder keeps them; a list shared with the dialogue would grow under it."""
    model = ScriptedModel(["many", "7"])
    drive(ask(dialogue, read), model)
    assert [len(request.messages) for request in model.requests] == [2, 4]


def test_a_failure_of_the_project_names_no_module() -> None:
    assert str(AgentFailure(Role.ANALYST, None, Cause.MODEL, "gone")) == "analyst: gone"
