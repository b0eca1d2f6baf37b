"""Putting a seeded fault into the workers that engines run in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["seed", "seed_workers"]

_NAME = "SEEDED_FAULT"
_ROOT = Path(__file__).parents[2]
_AT_START = """\
# Python runs this as it starts.
import os

if os.environ.get("SEEDED_FAULT"):
    from tests.seeded.in_worker import seed

    seed(os.environ["SEEDED_FAULT"])
"""


class _ForGood:
    def setattr(self, target: object, name: str, value: object) -> None:
        setattr(target, name, value)


def seed_workers(name: str, patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have every process of Python that is started from now on begin with the fault `name`."""
    (folder / "sitecustomize.py").write_text(_AT_START, encoding="utf-8")
    patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(_ROOT)]))
    patch.setenv(_NAME, name)


def seed(name: str) -> None:
    """Put the fault `name` into this process."""
    from tests.seeded.catalogue import FAULTS

    FAULTS[name].install(_ForGood())
