"""A spec as a test of its own: control and candidate are compared on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from harness.compare import Comparison, Status
from harness.errors import HarnessError
from harness.pytest_plugin.comparing import Compare, assert_pass
from harness.pytest_plugin.options import GivenSpec
from harness.spec import Spec

__all__ = ["SpecItem", "items_of"]

# What could not be judged is an error of the test, as it is where a fixture breaks, and never a failure.
_NOT_JUDGED = frozenset({Status.ERROR, Status.INCONCLUSIVE})


class SpecFile(pytest.File):
    """The file or folder with the specs."""

    def collect(self) -> Iterable[pytest.Item]:
        return ()


class SpecItem(pytest.Item):
    """The comparison on one spec."""

    def __init__(self, *, spec: Spec, name: str, parent: SpecFile) -> None:
        super().__init__(name, parent)
        self._spec = spec
        self._comparison: Comparison | None = None

    def setup(self) -> None:
        try:
            self._comparison = Compare(self, self._spec)()
        except HarnessError as error:
            # Alone: of what went before it the message says all there is.
            raise pytest.fail.Exception(f"harness: {error}", pytrace=False) from None
        if self._comparison.verdict.status in _NOT_JUDGED:
            assert_pass(self._comparison)

    def runtest(self) -> None:
        if self._comparison is not None:
            assert_pass(self._comparison)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"harness compare {self.name}"


def items_of(session: pytest.Session, given: Iterable[GivenSpec]) -> Iterator[SpecItem]:
    """A test for each spec."""
    for one in given:
        file = SpecFile.from_parent(session, path=one.path.absolute())
        yield SpecItem.from_parent(file, name=one.spec.name, spec=one.spec)
