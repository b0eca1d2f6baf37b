"""Where the benchmarks ran: ratios of two machines are not the same, and neither are those of a busy one."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel, ConfigDict

__all__ = ["Load", "Surroundings", "load", "surroundings"]

_GIT_TIMEOUT_S = 10.0
_CPUINFO = Path("/proc/cpuinfo")

Load = tuple[float, float, float]
"""The mean number of processes that ran or waited for a processor, over 1, 5 and 15 minutes."""


class Surroundings(BaseModel):
    """The machine, the interpreter and the code of one session."""

    model_config = ConfigDict(frozen=True)

    python: str
    platform: str
    processors: int
    """How many this process may use."""
    processor: str
    uvloop: str | None
    """The version that is installed; None where none is."""
    commit: str | None
    """None where there is no git or no repository."""
    changed: bool | None
    """Whether files differed from the commit."""
    load_before: Load | None
    load_after: Load | None


def load() -> Load | None:
    """The load of now; None where the system does not say."""
    try:
        return os.getloadavg()
    except OSError:
        return None


def surroundings(root: Path, load_before: Load | None) -> Surroundings:
    """Those of now; `root` is where the code is."""
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return Surroundings(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        processor=_processor(),
        uvloop=_version("uvloop"),
        commit=_git(root, "rev-parse", "HEAD"),
        changed=None if changes is None else bool(changes),
        load_before=load_before,
        load_after=load(),
    )


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
