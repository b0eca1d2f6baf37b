"""llama.cpp with the weights in this process: generates in native threads, asked through a socket of its own.

It is asked through its HTTP endpoints and not through its Python calls, because only those can be given up
before a token has come: it stops when nobody listens any more.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import xllamacpp

from harness.gateway.errors import GatewayStartError, Refusal
from harness.gateway.local_model.weights import Weights
from harness.gateway.settings import LOOPBACK

__all__ = ["CONTEXT", "Ended", "Runtime", "Token"]

CONTEXT = 8192
"""Tokens of prompt and answer together, in each slot: as many as these weights were trained for."""

# A call is given up between two batches of its prompt; so many tokens take about a second.
_BATCH = 256
_CONNECT_TIMEOUT_S = 5.0
_START_TIMEOUT_S = 30.0
_SILENCE_TIMEOUT_S = 600.0
_ERRORS_ONLY = 1
_PREFIX = b"data: "
_LONGEST_LINE = 2**24
# No JSON begins with it.
_NOT_JSON = "@"
_OVERWHELMING = 1000


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer, most often one token."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an answer. Seconds are llama.cpp's own account."""

    whole: bool
    """Whether the model ended it; else the limit of tokens did, or the context was full."""
    prompt_tokens: int
    prompt_s: float
    tokens: int
    tokens_s: float


class Runtime:
    """The running model."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    @classmethod
    @asynccontextmanager
    async def loaded(cls, weights: Weights, slots: int) -> AsyncIterator[Runtime]:
        """The weights, loaded for `slots` answers at a time; raises `GatewayStartError`."""
        key = secrets.token_urlsafe(24)
        server = _server(weights, slots, key)
        try:
            async with aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {key}"},
                # A connection for each request: the server closes those it has answered on.
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_TIMEOUT_S
                ),
                read_bufsize=_LONGEST_LINE,
                trust_env=False,
            ) as session:
                await _until_at_work(session, server.listening_address)
                yield cls(session, server.listening_address)
        finally:
            # The last reference: its threads end here.
            del server

    async def prompt(self, messages: Sequence[Mapping[str, str]]) -> str:
        """`messages` in the form in which the weights learned conversations."""
        async with self._asked("/apply-template", {"messages": list(messages)}) as response:
            prompt: str = (await response.json())["prompt"]
        return prompt

    async def can_hold_to(self, schema: object) -> bool:
        """Whether answers can be held to `schema`.

        One that is not understood is ignored without a word, so it is tried out: something that no JSON
        begins with is made overwhelmingly probable, and must not come.
        """
        one_token = {"prompt": " ", "n_predict": 1, "temperature": 0, "cache_prompt": False}
        bias = {"logit_bias": [[_NOT_JSON, _OVERWHELMING]]}
        async with self._asked("/completion", {**one_token, **bias, "json_schema": schema}) as response:
            return bool((await response.json())["content"] != _NOT_JSON)

    async def generate(
        self, prompt: str, options: Mapping[str, object], schema: object = None
    ) -> AsyncGenerator[Token | Ended, None]:
        """The answer to `prompt` as it comes, held to `schema` where one is given; raises `Refusal`.

        Closing the generator gives it up.
        """
        held = {} if schema is None else {"json_schema": schema}
        asked = {**options, **held, "prompt": prompt, "stream": True}
        async with self._asked("/completion", asked) as response:
            async for line in response.content:
                if not line.startswith(_PREFIX):
                    continue
                told = json.loads(line.removeprefix(_PREFIX))
                if "error" in told:
                    raise _refusal(told["error"])
                if told["content"]:
                    yield Token(told["content"])
                if told["stop"]:
                    yield _ended(told)
                    return
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the local model broke off")

    @asynccontextmanager
    async def _asked(self, path: str, body: object) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.post(self._url + path, json=body) as response:
                if response.status != HTTPStatus.OK:
                    raise _refusal((await response.json())["error"])
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise Refusal(
                HTTPStatus.INTERNAL_SERVER_ERROR, f"the local model broke off: {problem!r}"
            ) from problem


async def _until_at_work(session: aiohttp.ClientSession, url: str) -> None:
    """Return when the loop that works on requests has begun: a server that is let go before never ends.

    It listens earlier than that; the state of its slots is what only the loop can tell.
    """
    try:
        async with asyncio.timeout(_START_TIMEOUT_S), session.get(f"{url}/slots") as response:
            response.raise_for_status()
            await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        raise GatewayStartError(f"the local model did not begin to work: {problem!r}") from problem


def _server(weights: Weights, slots: int, key: str) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(weights.path)
    params.n_parallel = slots
    params.n_ctx = slots * CONTEXT
    params.n_batch = params.n_ubatch = _BATCH
    # Threads spin while they wait for each other: on cores that others use too, more of them were a seventh
    # as fast.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 1) // 2)
    params.hostnames = [LOOPBACK]
    params.port = 0
    params.api_keys = [key]
    params.ui = False
    params.fit_params = False
    params.warmup = False
    params.cache_ram_mib = 0
    params.verbosity = _ERRORS_ONLY
    try:
        return xllamacpp.Server(params)
    except RuntimeError as problem:
        raise GatewayStartError(f"{weights.path.name} could not be loaded: {problem}") from problem


def _refusal(error: Mapping[str, Any]) -> Refusal:
    if error.get("type") == "exceed_context_size_error":
        return Refusal(
            HTTPStatus.BAD_REQUEST,
            f"the prompt is {error['n_prompt_tokens']} tokens long and the local model has room for "
            f"{error['n_ctx']}; nothing is cut",
        )
    return Refusal(int(error.get("code", 500)), f"the local model: {error.get('message', error)}")


def _ended(told: Mapping[str, Any]) -> Ended:
    times = told["timings"]
    return Ended(
        whole=told["stop_type"] != "limit",
        prompt_tokens=told["tokens_evaluated"],
        prompt_s=times["prompt_ms"] / 1000,
        tokens=told["tokens_predicted"],
        tokens_s=times["predicted_ms"] / 1000,
    )
