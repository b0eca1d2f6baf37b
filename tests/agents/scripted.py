"""A scripted model: it gives the answers it was made with, one after the other, and keeps the requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from agents.conversation import ModelError, ModelReply, ModelRequest, Steps
from agents.drivers import drive

T = TypeVar("T")

Answer = str | ModelReply | ModelError


class ScriptedModel:
    """Answers each request with the next of `answers`; a `ModelError` among them is raised."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.requests: list[ModelRequest] = []
        self.left = list(answers)

    def __call__(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        assert self.left, f"one request more than answers: {request.messages[-1].content}"
        answer = self.left.pop(0)
        if isinstance(answer, ModelError):
            raise answer
        return answer if isinstance(answer, ModelReply) else ModelReply(answer, at=f"t{len(self.requests)}")

    async def answer(self, request: ModelRequest) -> ModelReply:
        """The same, awaited."""
        return self(request)


def finish(steps: Steps[T], *answers: Answer) -> T:
    """The result of an agent that is given `answers`, each of which it must ask for."""
    model = ScriptedModel(answers)
    result = drive(steps, model)
    assert not model.left
    return result


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What an agent made of one answer: its result, or the reason it gave the model for asking again."""

    result: T | None = None
    reason: str = ""


def reading(steps: Steps[T], answer: str) -> Reading[T]:
    """What an agent makes of `answer`."""
    next(steps)
    try:
        again = steps.send(ModelReply(answer))
    except StopIteration as finished:
        return Reading(result=finished.value)
    reason = again.messages[-1].content.removeprefix("This answer cannot be used: ").partition("\n\n")[0]
    steps.close()
    return Reading(reason=reason)
