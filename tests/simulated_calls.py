"""The simulated model without a gateway between: an answer for a request, blocking or awaited."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from agents.conversation import ModelReply, ModelRequest
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer

Twist = Callable[[ModelRequest, str], str]


class SimulatedModel:
    """Answers requests and remembers them. `twist` may change an answer, or raise in its place."""

    def __init__(self, twist: Twist = lambda _, text: text) -> None:
        self.requests: list[ModelRequest] = []
        self._twist = twist

    def __call__(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        messages = [{"role": m.speaker, "content": m.content} for m in request.messages]
        payload = {"model": "llama3.1", "messages": messages}
        if request.answer_format is not None:
            payload["format"] = request.answer_format
        text = answer(CanonicalRequest.from_payload(payload))
        return ModelReply(self._twist(request, text), at="now")

    def asked(self) -> list[str]:
        """Role and module of every request, in order."""
        return [f"{r.role}:{r.module}" if r.module else str(r.role) for r in self.requests]


class SimulatedCalls:
    """`ModelCalls` that a `SimulatedModel` answers."""

    def __init__(self, model: SimulatedModel) -> None:
        self.model = model

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def __call__(self, request: ModelRequest) -> ModelReply:
        return self.model(request)
