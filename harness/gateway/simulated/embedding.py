"""Vectors of the simulated model: texts that share words are near each other, and that is all they mean."""

from __future__ import annotations

import math
import re

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated.mark import digest

__all__ = ["embedding"]

_DIMENSIONS = 384
_WORD = re.compile(r"\w+|[^\w\s]")


def embedding(request: CanonicalRequest) -> list[list[float]]:
    """A vector of length 1 for each text of an embed request, in `dimensions` (384 where it does not say)."""
    asked = request.other.get("dimensions")
    if not isinstance(asked, int) or isinstance(asked, bool) or not 0 < asked <= _DIMENSIONS:
        asked = _DIMENSIONS
    return [_vector(message.content, asked) for message in request.messages]


def _vector(text: str, dimensions: int) -> list[float]:
    """Each word adds 1 or takes it away at the place that its hash says (feature hashing)."""
    vector = [0.0] * dimensions
    for word in _WORD.findall(text.lower()) or [""]:
        place, side = divmod(digest(word), 2)
        vector[place % dimensions] += 1.0 if side else -1.0
    # Words may cancel each other out.
    length = math.hypot(*vector)
    return [value / length for value in vector] if length else [1.0, *vector[1:]]
