"""What the gateway of a build says of itself: whether it is there, and which model hosts it leaves out."""

from __future__ import annotations

from collections.abc import Collection

import aiohttp
from pydantic import TypeAdapter, ValidationError

__all__ = ["gateway_answers", "hosts_left_out"]

_ANSWER_TIMEOUT_S = 2.0
_URLS = TypeAdapter(tuple[str, ...])


async def hosts_left_out(model_url: str) -> Collection[str]:
    """The URLs of the hosts that get no calls now; none where the gateway does not say."""
    return await _left_out(model_url) or ()


async def gateway_answers(model_url: str) -> bool:
    """Whether the gateway of a build is there, with or without a model behind it."""
    return await _left_out(model_url) is not None


async def _left_out(model_url: str) -> Collection[str] | None:
    timeout = aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.get(f"{model_url}/hosts/out") as response,
        ):
            return _URLS.validate_json(await response.read())
    except ValidationError:
        # Something answers there.
        return ()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
