"""The whole records of runs that a person names."""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import BadInputError
from harness.record import RunRecord, RunStore
from harness.resume import find_run

__all__ = ["stored_records"]


def stored_records(store: RunStore, wanted: Iterable[str]) -> list[RunRecord]:
    """The records of the runs whose ids begin with `wanted`; `BadInputError` where one is not there whole."""
    ids = list(dict.fromkeys(find_run(store, beginning) for beginning in wanted))
    for run in ids:
        if store.summary(run) is None:
            raise BadInputError(f"run {run} has no record: it has not ended")
    return [store.load(run) for run in ids]
