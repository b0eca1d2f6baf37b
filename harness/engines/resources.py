"""What the own process uses: processor time, memory, and the descriptors that it opens."""

from __future__ import annotations

import os
import re
import resource
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from harness.record.engine_resources import EngineResources

__all__ = ["ResourceMeter"]

# Linux has both, macOS and the BSDs the second.
_DESCRIPTORS = (Path("/proc/self/fd"), Path("/dev/fd"))
_SCHEDULED = Path("/proc/self/schedstat")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class _Descriptors:
    """Open descriptors, each with what it leads to: a number is given again when it is free."""

    sockets: frozenset[tuple[int, int, int]]
    others: frozenset[tuple[int, int, int]]


class ResourceMeter:
    """What this process uses from `begin` to `end`; what was open when the meter was made is no leak."""

    def __init__(self) -> None:
        self._before = _open_descriptors()
        self._cpu_s = 0.0
        self._starved_s: float | None = None
        self._peak = 0

    def begin(self) -> None:
        """Take note that the work begins."""
        self._cpu_s = time.process_time()
        self._starved_s = _starved_s()

    def sample(self) -> None:
        """Look at what is open now: what is closed in the end is seen only in between."""
        self._peak = max(self._peak, len(_open_descriptors().sockets - self._before.sockets))

    def end(self) -> EngineResources:
        """What was used since `begin`, and what was opened and is still open."""
        cpu_s, starved_s = time.process_time() - self._cpu_s, _starved_s()
        left = _open_descriptors()
        return EngineResources(
            cpu_s=cpu_s,
            starved_s=None if starved_s is None or self._starved_s is None else starved_s - self._starved_s,
            peak_rss=_peak_rss(),
            open_sockets=len(left.sockets - self._before.sockets),
            open_files=len(left.others - self._before.others),
            peak_sockets=self._peak,
        )


def _open_descriptors() -> _Descriptors:
    sockets: set[tuple[int, int, int]] = set()
    others: set[tuple[int, int, int]] = set()
    folder = next((folder for folder in _DESCRIPTORS if folder.is_dir()), None)
    for number in [int(entry.name) for entry in folder.iterdir()] if folder else []:
        try:
            found = os.fstat(number)
        except OSError:
            # The one through which the folder was read.
            continue
        (sockets if stat.S_ISSOCK(found.st_mode) else others).add((number, found.st_dev, found.st_ino))
    return _Descriptors(frozenset(sockets), frozenset(others))


def _starved_s() -> float | None:
    """How long the main thread could have run and had no processor, since it began; Linux alone says so."""
    try:
        return int(_SCHEDULED.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None


def _peak_rss() -> int:
    try:
        # Not `ru_maxrss`, which a process on Linux inherits from the one that started it.
        kilobytes = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        kilobytes = None
    if kilobytes:
        return int(kilobytes[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
