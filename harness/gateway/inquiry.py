"""The question to an Ollama what it is and has."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from harness.gateway.errors import OllamaUnreachable
from harness.gateway.ollama_facts import OllamaFacts

if TYPE_CHECKING:
    import aiohttp

__all__ = ["ask_ollama"]

_LIST_TIMEOUT_S = 5.0


class _Version(BaseModel):
    version: str


class _Model(BaseModel):
    name: str
    digest: str = ""


class _Tags(BaseModel):
    models: list[_Model] | None


async def ask_ollama(url: str, timeout_s: float) -> OllamaFacts:
    """What the Ollama at `url` says of itself, the first word of it within `timeout_s`.

    Raises `OllamaUnreachable` where nothing answers as an Ollama does.
    """
    # It takes a while, in which what else is to start goes on.
    await asyncio.to_thread(import_module, "aiohttp")
    import aiohttp

    try:
        async with aiohttp.ClientSession(trust_env=False) as session:
            told = await _get(session, f"{url}/api/version", timeout_s)
            version = _Version.model_validate_json(told).version
            tags = _Tags.model_validate_json(await _get(session, f"{url}/api/tags", _LIST_TIMEOUT_S))
    except (aiohttp.ClientError, TimeoutError, OSError, ValidationError) as problem:
        raise OllamaUnreachable(f"no Ollama answers at {url}") from problem
    models = tags.models or ()
    return OllamaFacts(
        version=version,
        models=tuple(model.name for model in models),
        digests=tuple(model.digest for model in models),
    )


async def _get(session: aiohttp.ClientSession, url: str, timeout_s: float) -> bytes:
    import aiohttp

    async with session.get(
        url, timeout=aiohttp.ClientTimeout(total=timeout_s), raise_for_status=True
    ) as response:
        return await response.read()
