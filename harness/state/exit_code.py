"""The exit code of a command that did something to several projects: the worst of theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

__all__ = ["Coded", "worst_exit_code"]

_ORDER = (0, 3, 1)
"""What is known to have drifted is worse than that of which nothing can be said."""


class Coded(Protocol):
    """What came of one project."""

    @property
    def exit_code(self) -> int:
        """0 done or equal, 1 drift, 3 not possible or nothing can be said."""


def worst_exit_code(results: Iterable[Coded]) -> int:
    """The worst of the codes of `results`."""
    return max((result.exit_code for result in results), key=_ORDER.index, default=3)
