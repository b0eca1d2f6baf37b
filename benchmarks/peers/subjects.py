"""Who is measured in the scenario "Peers", and in which process each runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec

from benchmarks.peers.peer import Opened, Run
from benchmarks.peers.peer_process import peer_process

__all__ = ["ENGINE", "FLOOR", "INSTALL", "PEERS", "SEQUENTIAL", "Subject"]

INSTALL = "uv run --group peers pytest --benchmark benchmarks/test_peers.py"
"""What installs the peers and measures them."""


@dataclass(frozen=True)
class Subject:
    """A scheduler to measure: the name in the results, and what opens it."""

    name: str
    opened: Opened
    package: str | None = None
    """What has to be installed for it, where that is not always so."""
    slow: bool = False
    """Whether it takes many times the lower bound: measured alone, and large graphs only once."""

    @property
    def missing(self) -> str | None:
        """Why it cannot be measured here, with what installs it; None where it can."""
        if self.package is None or find_spec(self.package):
            return None
        return f"the dependency group of the peers is not installed: {INSTALL}"


@dataclass(frozen=True)
class _Process:
    """Opens a peer in a process of its own."""

    module: str
    environment: Mapping[str, str] = field(default_factory=dict)
    loop: str | None = None

    def __call__(self) -> AbstractAsyncContextManager[Run]:
        return peer_process(f"benchmarks.peers.{self.module}", environment=self.environment, loop=self.loop)


_LANGGRAPH = partial(Subject, package="langgraph")
_UNTRACED = {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
_ALONE = {
    "PREFECT_API_URL": "",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "60",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
}

FLOOR = (
    Subject("the floor: futures", _Process("gathered")),
    Subject("the floor: critical path first", _Process("critical_path")),
)
"""What plain asyncio takes, with nothing stored and nobody told."""

ENGINE = Subject("async", _Process("our_engine"))
"""Our own: the only one that stores what was done, and tells of it."""

SEQUENTIAL = Subject("sequential", _Process("sequential"), slow=True)

PEERS = (
    Subject("the floor: futures, uvloop", _Process("gathered", loop="uvloop"), package="uvloop"),
    _LANGGRAPH("LangGraph: edges", _Process("langgraph_edges", _UNTRACED)),
    _LANGGRAPH("LangGraph: edges, chains", _Process("langgraph_edges:with_chains", _UNTRACED)),
    _LANGGRAPH("LangGraph: Send", _Process("langgraph_send", _UNTRACED)),
    _LANGGRAPH("LangGraph: tasks", _Process("langgraph_tasks", _UNTRACED)),
    _LANGGRAPH("LangGraph: tasks, chains", _Process("langgraph_tasks:with_chains", _UNTRACED)),
    Subject("Prefect", _Process("prefect_flow", _ALONE), package="prefect", slow=True),
    Subject("Dask", _Process("dask_futures"), package="distributed", slow=True),
    Subject("taskiq: default poll", _Process("taskiq_queue"), package="taskiq_redis", slow=True),
    Subject("taskiq: fastest poll", _Process("taskiq_queue:fast"), package="taskiq_redis", slow=True),
)
"""What is in the dependency group `peers`."""
