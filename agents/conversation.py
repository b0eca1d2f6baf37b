"""What passes between an agent and the model, and the bounded retry that every agent shares.

Errors::

    Exception
    ├── UnusableAnswer   an answer came and cannot be used; asked again with the reason
    ├── ModelError       no whole answer came (refused, error status, cut, timed out)
    └── AgentFailure     a task has failed for good; names role, module, cause and reason
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from agents.retries import MAX_RETRIES, PASSING_STATUSES
from agents.roles import Role, opening

__all__ = [
    "MAX_ATTEMPTS",
    "AgentFailure",
    "Attempt",
    "AttemptStatus",
    "Cause",
    "Dialogue",
    "Message",
    "ModelError",
    "ModelReply",
    "ModelRequest",
    "Steps",
    "UnusableAnswer",
    "ask",
    "start_dialogue",
]

T = TypeVar("T")

_BAD_REQUEST = 400

MAX_ATTEMPTS = 3
"""How often one agent is asked for one piece of work before its task fails."""

# Reasons quote what a model or a server wrote; a small model's context has no room for all of it.
_MOST_OF_A_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat; `speaker` is `system`, `user` or `assistant`."""

    speaker: str
    content: str


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call to the model, and the lane it belongs to (role, module, attempt counted from 1).

    `retry` is how often this very request has failed already for a reason that may pass; whoever makes the
    call pauses first, for `agents.retries.backoff_s`.
    """

    role: Role
    module: str | None
    attempt: int
    messages: tuple[Message, ...]
    retry: int = 0
    answer_format: Mapping[str, Any] | None = None
    """The JSON schema that the answer is to follow, for a model that can be held to one."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The whole answer to one request; token counts are the model's own, 0 where it gave none.

    `at` is when it was there, as a timestamp of the caller's clock.
    """

    content: str
    at: str = ""
    done_reason: str = "stop"
    prompt_tokens: int = 0
    output_tokens: int = 0


Steps = Generator[ModelRequest, ModelReply, T]
"""An agent at work: yields requests, is sent replies, returns its result."""


class Cause(StrEnum):
    """Where the fault behind a failed task lies."""

    ANSWER = "answer"
    """The model answered, but not with anything usable, up to the last retry."""
    REQUEST = "request"
    """The model refused the request itself (HTTP 4xx)."""
    MODEL = "model"
    """The model gave no whole answer: refused connection, HTTP 5xx, cut stream, time-out."""
    STATE = "state"
    """The state store could not be reached."""
    ENGINE = "engine"
    """The engine itself broke."""
    DEADLINE = "deadline"
    """The whole build took longer than it may."""


class UnusableAnswer(Exception):
    """An answer that cannot be used; the message tells the model what to change."""


class ModelError(Exception):
    """No whole answer came. `status` is the HTTP status where there was one, `cause` MODEL or REQUEST.

    `passing` says that the same request can succeed when it is made again. Where it is not given, the status
    decides.
    """

    def __init__(
        self, reason: str, *, status: int | None = None, at: str = "", passing: bool | None = None
    ) -> None:
        self.reason = _brief(reason)
        super().__init__(self.reason)
        self.status = status
        self.at = at
        self.passing = status in PASSING_STATUSES if passing is None else passing
        refused = status is not None and 400 <= status < 500
        self.cause = Cause.REQUEST if refused else Cause.MODEL


class AttemptStatus(StrEnum):
    """How one attempt of an agent ended."""

    OK = "ok"
    REJECTED = "rejected"
    """The answer could not be used."""
    ERROR = "error"
    """No whole answer came."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of an agent and what became of it; `at` is when the answer (or the error) was there.

    Token counts are the model's own, 0 where it gave none.
    """

    role: Role
    module: str | None
    number: int
    prompt: str
    answer: str
    status: AttemptStatus
    error: str | None
    at: str
    prompt_tokens: int = 0
    output_tokens: int = 0


class AgentFailure(Exception):
    """A task that has failed for good."""

    def __init__(self, role: Role, module: str | None, cause: Cause, reason: str) -> None:
        super().__init__(f"{role.value}{f' of {module}' if module else ''}: {reason}")
        self.role = role
        self.module = module
        self.cause = cause
        self.reason = reason


@dataclass(slots=True)
class Dialogue:
    """A conversation of one agent about one piece of work, grown by each attempt.

    `journal` is the list that every attempt is noted in; agents that work on one task share it.
    """

    role: Role
    module: str | None
    messages: list[Message]
    journal: list[Attempt]

    @property
    def answers(self) -> int:
        """How many answers were given in this conversation so far."""
        return sum(message.speaker == "assistant" for message in self.messages)

    def say(self, text: str) -> None:
        """Add a message of ours."""
        self.messages.append(Message("user", text))

    def answered(self, text: str) -> None:
        """Add a message of the agent's, as when an earlier conversation is taken up again."""
        self.messages.append(Message("assistant", text))


def start_dialogue(
    role: Role, module: str | None, instructions: str, task: str, journal: list[Attempt]
) -> Dialogue:
    """A dialogue that opens with `instructions` (system) and `task` (user)."""
    system = f"{opening(role)}, a team of agents that builds applications in Python.\n{instructions.strip()}"
    return Dialogue(role, module, [Message("system", system), Message("user", task)], journal)


def ask(
    dialogue: Dialogue,
    read: Callable[[str], T],
    *,
    max_attempts: int = MAX_ATTEMPTS,
    answer_format: Mapping[str, Any] | None = None,
) -> Steps[T]:
    """Ask until `read` accepts an answer, until the conversation holds `max_attempts` answers.

    `read` gets the text of an answer and returns what was asked for, or raises `UnusableAnswer`, whose
    message goes back to the model. A call that fails for a reason which may pass is made again, at most
    `MAX_RETRIES` times. Raises `AgentFailure` after the last attempt or on a `ModelError` that is final.
    """
    retry = 0
    while True:
        number = dialogue.answers + 1
        prompt = dialogue.messages[-1].content

        def note(
            reply: ModelReply,
            answer: str,
            status: AttemptStatus,
            error: str | None = None,
            number: int = number,
            prompt: str = prompt,
        ) -> None:
            dialogue.journal.append(
                Attempt(
                    dialogue.role,
                    dialogue.module,
                    number,
                    prompt,
                    answer,
                    status,
                    error,
                    reply.at,
                    reply.prompt_tokens,
                    reply.output_tokens,
                )
            )

        try:
            reply = yield ModelRequest(
                dialogue.role, dialogue.module, number, tuple(dialogue.messages), retry, answer_format
            )
        except ModelError as error:
            note(ModelReply("", error.at), "", AttemptStatus.ERROR, error.reason)
            if answer_format is not None and error.status == _BAD_REQUEST:
                # A server that holds no answer to a schema is asked without; the prompt says the form too.
                answer_format, retry = None, 0
                continue
            if error.passing and retry < MAX_RETRIES:
                retry += 1
                continue
            reason = f"{error.reason} (asked {retry + 1} times)" if retry else error.reason
            raise AgentFailure(dialogue.role, dialogue.module, error.cause, reason) from error
        retry = 0
        answer = _encodable(reply.content)
        dialogue.answered(answer)
        try:
            result = read(_whole(reply))
        except UnusableAnswer as problem:
            reason = _brief(str(problem))
            note(reply, answer, AttemptStatus.REJECTED, reason)
            if number >= max_attempts:
                last = f"no usable answer in {number} attempts; the last: {reason}"
                raise AgentFailure(dialogue.role, dialogue.module, Cause.ANSWER, last) from problem
            dialogue.say(
                f"This answer cannot be used: {reason}\n\nAnswer again, whole and in the form asked for."
            )
        else:
            note(reply, answer, AttemptStatus.OK)
            return result


def _whole(reply: ModelReply) -> str:
    if reply.done_reason == "length":
        raise UnusableAnswer("the answer was cut off at the length limit; answer more briefly")
    if not reply.content.strip():
        raise UnusableAnswer("the answer is empty")
    return reply.content


def _encodable(text: str) -> str:
    """`text` with lone surrogates replaced: neither a request nor a state store could carry them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _brief(reason: str) -> str:
    if len(reason) > _MOST_OF_A_REASON:
        # What is quoted stands first, what is wrong with it last.
        reason = f"{reason[: _MOST_OF_A_REASON // 2]} … {reason[-_MOST_OF_A_REASON // 2 :]}"
    return _encodable(reason)
