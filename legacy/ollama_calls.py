"""Blocking calls to the model through the `ollama` client."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from types import TracebackType

import httpx
import ollama
import pydantic

from agents.chat_protocol import ModelSettings, StreamReader, chat_messages, model_error
from agents.conversation import ModelError, ModelReply, ModelRequest
from agents.retries import backoff_s

__all__ = ["OllamaCalls"]


class OllamaCalls:
    """One `ollama.Client` at `OLLAMA_HOST`, closed at the end of its `with` block."""

    def __init__(self, settings: ModelSettings, now: Callable[[], str]) -> None:
        self._settings = settings
        self._now = now
        self._client = ollama.Client(timeout=httpx.Timeout(settings.call_timeout_s, connect=10.0))

    def __enter__(self) -> OllamaCalls:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def __call__(self, request: ModelRequest) -> ModelReply:
        """Ask the model and wait for the whole answer; raises `ModelError`."""
        time.sleep(backoff_s(request.retry, random.random()))  # noqa: S311 (nothing to guess)
        limit_s = self._settings.call_timeout_s
        deadline = time.monotonic() + limit_s
        reader = StreamReader()
        try:
            stream = self._client.chat(
                self._settings.model,
                chat_messages(request),
                options=self._settings.options or None,
                stream=True,
            )
            for chunk in stream:
                reader.feed(chunk)
                if time.monotonic() > deadline:
                    raise ModelError(f"no whole answer within {limit_s:g} s", at=self._now())
        except httpx.TimeoutException:
            raise ModelError(f"no whole answer within {limit_s:g} s", at=self._now()) from None
        except (
            ollama.ResponseError,
            OSError,
            httpx.HTTPError,
            json.JSONDecodeError,
            pydantic.ValidationError,
        ) as error:
            broken = isinstance(error, OSError | httpx.TransportError)
            raise model_error(error, self._now(), broken_connection=broken) from error
        return reader.reply(self._now())
