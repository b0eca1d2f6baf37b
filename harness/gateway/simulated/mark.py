"""The mark that an answer carries, and the choices that depend on nothing but the request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Mark", "digest"]

_CHATTER_EVERY = 4


def digest(text: str) -> int:
    """A number that depends on `text` alone, and is the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")


@dataclass(frozen=True, slots=True)
class Mark:
    """The revision of an answer, eight digits of the hash of its request: no two requests share one."""

    revision: str
    chance: int

    @classmethod
    def of(cls, request_hash: str) -> Mark:
        """The mark of the answer to the request with this hash (hexadecimal)."""
        return cls(request_hash[:8], int(request_hash[8:16], 16))

    def around(self, answer: str, before: Sequence[str], after: Sequence[str]) -> str:
        """`answer`, now and then with a line of chatter as models have it."""
        match self.chance % _CHATTER_EVERY:
            case 0:
                return f"{before[self.chance // 4 % len(before)]}\n\n{answer}"
            case 1:
                return f"{answer}\n\n{after[self.chance // 4 % len(after)]}"
        return answer
