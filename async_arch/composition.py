"""The choices an async engine is composed of: one for each thing the migration moves."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["AgentCalls", "ExecutorKind", "Generation", "Orchestration", "StateStoreKind"]


class AgentCalls(StrEnum):
    """How the model is called."""

    BLOCKING = "blocking"
    """On the event loop, which stands still meanwhile."""
    THREADS = "threads"
    """The blocking client in a thread for each call: the stopgap."""
    ASYNC = "async"
    """Without threads, and answers read in bulk."""


class Orchestration(StrEnum):
    """In what order tasks are done."""

    SEQUENTIAL = "sequential"
    CONCURRENT = "concurrent"


class Generation(StrEnum):
    """What the model is asked for."""

    LLM = "llm"
    """Whole files."""
    HYBRID = "hybrid"
    """The gaps of rendered templates."""


class ExecutorKind(StrEnum):
    """Where tasks are done."""

    LOCAL = "local"
    """In the process of the build."""
    WORKERS = "workers"
    """By any number of worker processes, on any machine."""


class StateStoreKind(StrEnum):
    """Where the blackboard lives."""

    JSON = "json"
    MIRROR = "mirror"
    """In a JSON file, which leads; Redis follows, and is read back."""
    REDIS = "redis"

    @property
    def needs_redis(self) -> bool:
        """Whether it takes a server."""
        return self is not StateStoreKind.JSON
