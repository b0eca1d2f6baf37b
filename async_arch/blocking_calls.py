"""Calls through the blocking `ollama` client: on the event loop, or each in a thread: the stopgap."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx
import ollama
import pydantic

from agents.chat_protocol import ModelSettings, StreamReader, chat_messages, model_error
from agents.conversation import ModelError, ModelReply, ModelRequest
from agents.retries import backoff_s

__all__ = ["BlockingCalls", "ThreadCalls"]

_CONNECT_TIMEOUT_S = 10.0
_CLIENT_ERRORS = (
    ollama.ResponseError,
    OSError,
    httpx.HTTPError,
    json.JSONDecodeError,
    pydantic.ValidationError,
)


class BlockingCalls:
    """The blocking client called from the event loop, which stands still until the answer is there."""

    def __init__(self, settings: ModelSettings, now: Callable[[], str], host: str | None = None) -> None:
        self._settings = settings
        self._now = now
        # As many connections as there are threads; how many that are is the orchestrator's business.
        limits = httpx.Limits(max_connections=None)
        self._client = ollama.Client(host, timeout=_timeout(settings), limits=limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    async def __call__(self, request: ModelRequest) -> ModelReply:
        """Ask the model and wait for the whole answer; raises `ModelError`."""
        return self._ask(request)

    def _ask(self, request: ModelRequest) -> ModelReply:
        time.sleep(_pause_s(request))
        deadline = time.monotonic() + self._settings.call_timeout_s
        reader = StreamReader()
        try:
            stream = self._client.chat(
                self._settings.model,
                chat_messages(request),
                options=self._settings.options or None,
                format=_format(request),
                stream=True,
            )
            for chunk in stream:
                reader.feed(chunk)
                if time.monotonic() > deadline:
                    raise _too_late(self._settings, self._now())
        except httpx.TimeoutException:
            raise _too_late(self._settings, self._now()) from None
        except _CLIENT_ERRORS as error:
            raise _failed(error, self._now()) from error
        return reader.reply(self._now())


class ThreadCalls(BlockingCalls):
    """The blocking client, each call in a thread of its own."""

    async def __call__(self, request: ModelRequest) -> ModelReply:
        """Ask the model and wait for the whole answer; raises `ModelError`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[ModelReply] = loop.create_future()

        def settle(reply: ModelReply | None, error: BaseException | None) -> None:
            if answer.done():
                return
            if error is not None:
                answer.set_exception(error)
            elif reply is not None:
                answer.set_result(reply)

        def work() -> None:
            reply: ModelReply | None = None
            failure: BaseException | None = None
            try:
                reply = self._ask(request)
            except BaseException as error:
                failure = error
            # The loop may be gone by the time a model answers that nobody waits for any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, reply, failure)

        # No executor: the interpreter joins its threads at exit, and a model that hangs would hold it there.
        threading.Thread(target=work, name=f"model call of {request.role}", daemon=True).start()
        return await answer


def _format(request: ModelRequest) -> dict[str, Any] | None:
    return dict(request.answer_format) if request.answer_format is not None else None


def _timeout(settings: ModelSettings) -> httpx.Timeout:
    return httpx.Timeout(settings.call_timeout_s, connect=_CONNECT_TIMEOUT_S)


def _pause_s(request: ModelRequest) -> float:
    return backoff_s(request.retry, random.random())  # noqa: S311 (nothing to guess)


def _failed(error: Exception, at: str) -> ModelError:
    return model_error(error, at, broken_connection=isinstance(error, OSError | httpx.TransportError))


def _too_late(settings: ModelSettings, at: str) -> ModelError:
    return ModelError(f"no whole answer within {settings.call_timeout_s:g} s", at=at)
