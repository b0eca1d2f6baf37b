"""Where the data of a run are that an embedded Redis keeps: in `<store>/redis/<session>/`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["RUNS_FILE", "data_of_run"]

RUNS_FILE = "runs"
"""The file in a folder of data that names the runs whose state is in it, a line each."""


def data_of_run(store: Path, run: str) -> Path | None:
    """The folder with the data of `run`; None where no session of this store has kept any."""
    for names in sorted((store.absolute() / "redis").glob(f"*/{RUNS_FILE}")):
        with suppress(OSError, UnicodeDecodeError):
            if run in names.read_text(encoding="utf-8").splitlines():
                return names.parent
    return None
