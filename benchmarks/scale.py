"""How much is measured in this run of the benchmarks."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Scale"]


class Scale(StrEnum):
    """How much is measured: a benchmark chooses its sizes and rounds by it."""

    ONCE = "once"
    """Without an option: each benchmark once and small, as a test that it works. Nothing is judged."""
    QUICK = "quick"
    """`--benchmark`: all benchmarks together end in five minutes on two cores."""
    FULL = "full"
    """`--benchmark-full`: all sizes, and as many rounds as it takes."""
