"""A model over HTTP that answers for the whole team, and can be watched and held up task by task."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agents.roles import role_of
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer
from harness.gateway.simulated.assignment import read_assignment
from harness.gateway.simulated.chat import read_chat
from tests.gateway.scripted_ollama import LAST, Exchange, line, scripted_ollama

__all__ = ["Asked", "TeamModel", "team_model"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the task that made it, its prompt, and the path before `/api/chat`."""

    task: str
    prompt: str
    host: str


@dataclass
class TeamModel:
    """The simulated model. `held` says which tasks wait for `go`, `refused` which get a 400."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    """Of the tasks that were held up, how often each did not wait for its answer."""
    most_at_once: Counter[str] = field(default_factory=Counter)
    """How many requests each host had at once."""
    held: Callable[[str], bool] = lambda task: False
    refused: Callable[[str], bool] = lambda task: False
    takes_s: float = 0.0
    numbers: bool = False
    """Whether the summary of every plan is another."""
    go: asyncio.Event = field(default_factory=asyncio.Event)
    _number: int = 0
    _under_way: Counter[str] = field(default_factory=Counter)

    @property
    def tasks(self) -> list[str]:
        """The tasks that have asked, one for each request."""
        return [each.task for each in self.asked]

    async def until_asked(self, task: str, times: int = 1) -> None:
        """Return when `task` has asked so often."""
        await until(lambda: self.tasks.count(task) >= times, f"{task} asks the model {times} times")

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = CanonicalRequest.from_payload(json.loads(exchange.body))
        host = exchange.target.removesuffix("/api/chat")
        asked = Asked(_task(request), request.messages[-1].content, host)
        self.asked.append(asked)
        self._under_way[host] += 1
        self.most_at_once[host] = max(self.most_at_once[host], self._under_way[host])
        try:
            await self._answer(exchange, asked.task, request)
        finally:
            self._under_way[host] -= 1

    async def _answer(self, exchange: Exchange, task: str, request: CanonicalRequest) -> None:
        if self.refused(task):
            await exchange.whole(400, {"error": "this is refused"})
            return
        if self.held(task) and not self.go.is_set():
            going = asyncio.ensure_future(self.go.wait())
            leaving = asyncio.ensure_future(exchange.client_gone())
            try:
                await asyncio.wait((going, leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                going.cancel()
                leaving.cancel()
            if not self.go.is_set():
                self.gone[task] += 1
                return
        await asyncio.sleep(self.takes_s)
        await exchange.head()
        text = answer(request)
        if self.numbers:
            self._number += 1
            text = text.replace("summary: ", f"summary: Take {self._number} of ")
        await exchange.chunk(line(text) + LAST)
        await exchange.end()
        self.answered[task] += 1


async def until(holds: Callable[[], bool], what: str, timeout_s: float = 35.0) -> None:
    """Return when `holds` does; fail where it does not come to that."""
    try:
        async with asyncio.timeout(timeout_s):
            while not holds():  # noqa: ASYNC110  nobody is told of it
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"in vain waited that {what}") from None


@asynccontextmanager
async def team_model() -> AsyncIterator[TeamModel]:
    """A `TeamModel` on a free port."""
    async with scripted_ollama() as ollama:
        model = TeamModel(ollama.url)
        ollama.script = model.serve
        yield model
        model.go.set()


def _task(request: CanonicalRequest) -> str:
    chat = read_chat(request)
    role = role_of(request.messages[0].content)
    assert role is not None
    try:
        module = read_assignment(chat.task).module.name
    except Exception:
        return role.value
    return f"{role.value}:{module}"
