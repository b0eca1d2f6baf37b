"""A probe: one small call to a model over streaming HTTP, and when its tokens came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["Answer", "Probe", "Refused", "open_probe"]

_CONNECT_TIMEOUT_S = 5.0
_LONGEST_REASON = 200
_NS_PER_S = 1_000_000_000
_FACTS = 40
"""How many sentences make a prompt long: about five hundred tokens."""

Option = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that came whole; moments are seconds on the clock of the event loop."""

    sent_s: float
    first_s: float
    """When its first token came."""
    last_s: float
    """When its last token came."""
    end_s: float
    tokens: int
    prompt_tokens: int
    pieces: int
    """In how many pieces its text came."""
    load_s: float = 0.0
    """How long the model was loaded for it, by its own account."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that got no whole answer: the status (0: no answer at all) and the reason."""

    status: int
    reason: str


class _Message(BaseModel):
    content: str = ""
    thinking: str | None = None


class _Line(BaseModel):
    """What is read of a line of a streamed answer."""

    model_config = ConfigDict(frozen=True)

    message: _Message = _Message()
    done: bool = False
    error: str | None = None
    eval_count: int | None = None
    prompt_eval_count: int | None = None
    load_duration: int = 0


@dataclass(frozen=True, slots=True)
class Probe:
    """The means to call `model` of the Ollama API at `url`.

    `options` are those of a spec: another `num_ctx` than that of the builds would have the model loaded anew.
    `mark` stands at the begin of each prompt, so that no cache knows it from before.
    """

    session: aiohttp.ClientSession
    url: str
    model: str
    options: Mapping[str, Option]
    mark: str

    async def ask(self, number: int, tokens: int) -> Answer | Refused:
        """The answer to a short prompt, of so many `tokens` where the model does not stop before."""
        text = (
            f"{self.mark} {number}. Tell a very long story about the number {number}, with many details, "
            "and do not stop."
        )
        return await self._call(text, tokens)

    async def ask_at_length(self, number: int) -> Answer | Refused:
        """The answer, of a few tokens, to a prompt that is long."""
        facts = " ".join(f"House {at} has {at * 7 % 13} windows and {at % 3} doors." for at in range(_FACTS))
        return await self._call(f"{self.mark} {number}. {facts} Tell a story about these houses.", 8)

    async def _call(self, text: str, tokens: int) -> Answer | Refused:
        asked = {
            "model": self.model,
            "messages": [{"role": "user", "content": text}],
            "stream": True,
            "options": {**self.options, "temperature": 0, "num_predict": tokens},
        }
        now = asyncio.get_running_loop().time
        sent_s = now()
        try:
            async with self.session.post(f"{self.url}/api/chat", json=asked) as response:
                if response.status != HTTPStatus.OK:
                    return Refused(response.status, _reason(await response.read()))
                return await _read(response, sent_s)
        except (aiohttp.ClientError, OSError, ValidationError, ValueError) as problem:
            return Refused(0, _shortened(str(problem) or type(problem).__name__))


async def _read(response: aiohttp.ClientResponse, sent_s: float) -> Answer | Refused:
    now = asyncio.get_running_loop().time
    moments: list[float] = []
    async for raw in response.content:
        if not raw.strip():
            continue
        line = _Line.model_validate_json(raw)
        if line.error is not None:
            return Refused(response.status, _shortened(line.error))
        if line.message.content or line.message.thinking:
            moments.append(now())
        if line.done:
            end_s = now()
            moments = moments or [end_s]
            tokens = line.eval_count if line.eval_count is not None else len(moments)
            return Answer(
                sent_s,
                moments[0],
                moments[-1],
                end_s,
                tokens,
                line.prompt_eval_count or 0,
                len(moments),
                line.load_duration / _NS_PER_S,
            )
    return Refused(response.status, "the answer broke off")


def _reason(body: bytes) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict) and isinstance(told.get("error"), str):
        return _shortened(told["error"])
    return _shortened(body.decode(errors="replace"))


def _shortened(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_REASON] or "no reason given"


@asynccontextmanager
async def open_probe(url: str, model: str, options: Mapping[str, Option], mark: str) -> AsyncIterator[Probe]:
    """A probe with the client session it needs. Nothing but the connection has a time limit of its own."""
    # A connection per call and no limit to them: what queues must queue at the server.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
        yield Probe(session, url, model, options, mark)
