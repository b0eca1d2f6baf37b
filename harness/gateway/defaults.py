"""Settings where nobody gives others, for those who show them and are to load little for it."""

from __future__ import annotations

__all__ = ["LOOPBACK", "QUEUE", "TOKENS_PER_S", "TTFT_S", "WORKERS_WAIT_S"]

TTFT_S = 0.1
TOKENS_PER_S = 800.0
"""How fast the simulated model is."""
LOOPBACK = "127.0.0.1"
"""The address a gateway listens on unless it is told another."""
QUEUE = "default"
"""Which workers do the tasks of a build."""
WORKERS_WAIT_S = 60.0
"""For how long a build waits for workers where there are none."""
