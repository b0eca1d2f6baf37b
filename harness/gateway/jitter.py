"""The jitter of the simulated model: how far each call's times lie from what they would be, drawn by hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from harness.gateway.upstream import ModelCall

__all__ = ["STEADY", "Jitter"]

_DIGEST_BYTES = 8
_DIGESTS = 1 << 8 * _DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Jitter:
    """Factors for the times of calls, spread evenly between 1 - `spread` and 1 + `spread`.

    Drawn from `seed` and the request, so that a request takes equally long in every run; without a seed from
    the run's id and the request, so that runs differ, and the record of a run still tells what it drew. The
    order in which calls come makes no difference.
    """

    spread: float = 0.0
    seed: int | None = None

    def factor(self, call: ModelCall) -> float:
        """What the times of `call` are multiplied with; above 0, and exactly 1 without a spread."""
        if not self.spread:
            return 1.0
        drawn_from = f"run {call.run}" if self.seed is None else f"seed {self.seed}"
        digest = hashlib.sha256(f"{drawn_from}, {call.request.hash}".encode()).digest()
        share = (int.from_bytes(digest[:_DIGEST_BYTES]) + 1) / _DIGESTS
        return 1 + self.spread * (2 * share - 1)


STEADY = Jitter()
"""No jitter: every call takes what the model of latency says."""
