"""Finding an engine by the name that a person gives."""

from __future__ import annotations

from pathlib import Path

from harness.engines.composition import parse_engine
from harness.engines.engine import Engine
from harness.engines.external.description import read_description
from harness.engines.external.engine import ExternalEngine
from harness.engines.registry import require_available
from harness.engines.worker_engine import WorkerEngine
from harness.gateway.started_process import StartedProcess

__all__ = ["find_engine"]

_EXTERNAL = "external"


def find_engine(name: str, worker: StartedProcess | None = None) -> Engine:
    """The engine called `name`; `BadInputError` where there is none.

    `worker` is a process that loads for it already, and in which its first run then is.
    """
    kind, colon, file = name.partition(":")
    if kind == _EXTERNAL and colon and file:
        return ExternalEngine(read_description(Path(file)))
    composition = parse_engine(name)
    require_available(composition.family)
    return WorkerEngine(name, composition, worker)
