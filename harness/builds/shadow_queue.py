"""The shadow queue: builds that the other engine is still to do over, so that the two can be compared.

A build is served at the speed of the engine that serves it. What is compared behind it waits here, a file
for each, until a process works it off; one that dies while doing so leaves it for the next.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import SurroundingsError
from harness.evidence import EvidenceKind
from harness.whole_file import write_whole

__all__ = ["ShadowJob", "ShadowQueue"]


class ShadowJob(BaseModel):
    """One build that is to be done over by the other engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    """The run that was served."""
    engine: str
    """The engine that is to do it over, by the name that `harness compare` takes."""
    kind: EvidenceKind
    model: str
    """What gives the same answers again, in the words of `--model`."""
    attempts: int = 0
    """How often it was begun and not brought to its end."""


class ShadowQueue:
    """The folder `shadow` of a store."""

    def __init__(self, store: Path) -> None:
        self.folder = store / "shadow"

    def add(self, job: ShadowJob) -> None:
        """Put `job` at the end; `SurroundingsError` where it cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(job.run), job.model_dump_json(indent=1) + "\n", lasting=True)
        except OSError as error:
            raise SurroundingsError(f"{self.folder}: cannot be written: {error.strerror}") from error

    def waiting(self) -> tuple[ShadowJob, ...]:
        """The jobs that are not done, the oldest first, those under way included."""
        return tuple(job for path in self._paths() if (job := _read(path)) is not None)

    @contextmanager
    def next_job(self) -> Iterator[ShadowJob | None]:
        """The newest job that nobody works on, held while the block lasts; None where there is none.

        It is gone when the block ends without an exception. The newest, as it tells of the flags as they
        stand; where builds come faster than they can be done over, those that wait longest say least.
        """
        for path in reversed(self._paths()):
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    # Looked at again under the lock: whoever held it may have brought it to its end.
                    if not _taken(descriptor) or not path.exists() or (job := _read(path)) is None:
                        continue
                    yield job
                    path.unlink(missing_ok=True)
                    return
                finally:
                    os.close(descriptor)
        yield None

    def begun(self, job: ShadowJob) -> ShadowJob:
        """Note in the file of `job` that it was begun once more."""
        again = job.model_copy(update={"attempts": job.attempts + 1})
        # In place: a file that is put in the place of this one would not be locked.
        with self._path(job.run).open("r+", encoding="utf-8") as file:
            file.write(again.model_dump_json(indent=1) + "\n")
            file.truncate()
        return again

    def _path(self, run: str) -> Path:
        return self.folder / f"{run}.json"

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []


def _read(path: Path) -> ShadowJob | None:
    """The job in `path`; None where it is gone or damaged, so that one bad file stops nobody."""
    try:
        return ShadowJob.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
