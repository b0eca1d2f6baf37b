"""A running local model in tests: its URL, and real clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import ollama

__all__ = ["ENDLESS", "asking", "client_of"]

ENDLESS = {"type": "string", "minLength": 100_000}
"""A form that no answer fills before the context is full, which takes minutes."""


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[ollama.AsyncClient]:
    """A client that ignores what the environment says of proxies."""
    async with ollama.AsyncClient(url, trust_env=False, timeout=50) as client:
        yield client


def asking(text: str) -> list[Mapping[str, str]]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]
