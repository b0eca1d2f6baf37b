"""An installation: the flags as they stand, in the audit log and in the flag file, and the way to move them.

The log is the truth and the file follows it. A move first links its entry into the log, whereby it has
happened, and then writes the file; a process that dies between the two leaves a file that is one entry
behind, which the next one that looks brings up. A file that is anything else is not gone by: then all is on
legacy. So it is while the file is behind and cannot be written: builds are told the flags from the file, as
every other reader of it is, and a kill switch must not wait for a disk.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import BadInputError, SurroundingsError
from harness.flags.audit import NOTHING_BEFORE, Action, AuditEntry, AuditLog, AuditProblem, EntryTaken
from harness.flags.flag_file import FlagFile, FlagFileProblem, read_flag_file, write_flag_file
from harness.flags.flag_values import FlagValues
from harness.flags.ladder import START, disorder

__all__ = ["Installation", "MovedMeanwhile", "Standing"]

# Holding the lock takes milliseconds. Who holds it longer has been stopped, and a rollback waits for nobody.
_LOCK_PATIENCE_S = 2.0
_PAUSE_S = 0.01

# Whoever may not write the file looks, for so long, whether the one who moves the flags is about to.
_WRITER_PATIENCE_S = 0.2


_UNTIL = "make it writable, and the next command brings it up; other readers go by the flags before it"


class MovedMeanwhile(SurroundingsError):
    """Somebody else has moved the flags since they were read; nothing was done."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the flags stand."""

    values: FlagValues
    """What builds go by: all on legacy where `problem` says why the file is not gone by."""
    last: AuditEntry | None
    """The last move; None where nothing has been moved yet."""
    problem: str | None = None
    """Why the file or the log cannot be gone by; None where they agree."""
    log_problem: bool = False
    """Whether it is the log: then nothing can be moved before it is whole again."""
    behind: bool = False
    """Whether the file is as an earlier move left it, and cannot be written; `problem` says why."""

    @property
    def number(self) -> int:
        """The number of the last move, 0 before the first."""
        return self.last.number if self.last else 0

    @property
    def finalized(self) -> bool:
        """Whether the way back has been given up."""
        return self.last is not None and self.last.finalized


class Installation:
    """The flags in `flag_file`, and the log of their moves in the folder `<its name without .json>.audit`."""

    def __init__(self, flag_file: Path) -> None:
        self.flag_file = flag_file
        self.log = AuditLog(flag_file.with_name(f"{flag_file.stem}.audit"))

    def standing(self) -> Standing:
        """How the flags stand now. A move that was cut off after it had happened is completed."""
        try:
            last = next(reversed(self.log.entries()), None)
        except AuditProblem as error:
            return Standing(START, None, str(error), log_problem=True)
        try:
            found = read_flag_file(self.flag_file)
        except FlagFileProblem as error:
            return Standing(START, last, str(error))
        if last is None:
            if found is None:
                return Standing(START, None)
            problem = (
                f"{self.flag_file}: was not written by this installation: {self.log.folder} has no entry"
            )
            return Standing(START, None, problem)
        if found is not None and _written_for(found, last):
            return Standing(last.after, last, disorder(last.after))
        if self._one_behind(found, last):
            unwritten = self._bring_up(last)
            if unwritten is not None:
                return Standing(START, last, unwritten, behind=True)
            return Standing(last.after, last, disorder(last.after))
        return Standing(START, last, self._disagreement(found, last))

    def move(
        self,
        before: Standing,
        action: Action,
        after: FlagValues,
        *,
        about: str = "",
        reason: str = "",
        forced: bool = False,
        evidence: tuple[str, ...] = (),
        finalized: bool = False,
    ) -> AuditEntry:
        """Move the flags from `before`, as it was read, to `after`; the entry that says so.

        Raises `MovedMeanwhile` where they no longer stand so, `BadInputError` where the flag file or the log
        is not what it was left as, and `SurroundingsError` where nothing can be written.
        """
        mends = action in (Action.KILL, Action.ROLLBACK, Action.ADOPT)
        if before.problem is not None and (before.log_problem or not mends):
            raise BadInputError(f"{before.problem}; until that is mended all builds go to legacy")
        last = before.last
        entry = AuditEntry(
            number=before.number + 1,
            at=datetime.now(UTC),
            who=f"{_user()}@{socket.gethostname()}",
            action=action,
            before=last.after if last else START,
            after=after,
            finalized=finalized or before.finalized,
            about=about,
            reason=reason,
            forced=forced,
            evidence=evidence,
            previous=last.seal if last else NOTHING_BEFORE,
        )
        look = "harness phase status says how the flags stand"
        try:
            with _writing(self.log.folder, look), self._locked():
                if before.problem is not None and not before.behind:
                    with _writing(self.flag_file, "nothing was moved"):
                        self._keep_damaged()
                self.log.append(entry)
                with _writing(self.flag_file, f"entry {entry.number} stands in {self.log.folder}; {_UNTIL}"):
                    write_flag_file(self.flag_file, entry)
        except EntryTaken as error:
            raise MovedMeanwhile("the flags were moved meanwhile, by someone else; look again") from error
        return entry

    def _one_behind(self, found: FlagFile | None, last: AuditEntry) -> bool:
        """Whether the file is as the entry before `last` left it, so that only its writing was cut off."""
        if found is None:
            return last.number == 1
        return found.number == last.number - 1 and found.seal == last.previous and found.values == last.before

    def _bring_up(self, last: AuditEntry) -> str | None:
        """Write the file for the last entry, or let the one who moved do it; why neither came to be."""
        try:
            with self._locked():
                write_flag_file(self.flag_file, self.log.entries()[-1])
        except AuditProblem as error:
            return str(error)
        except OSError as error:
            until_s = time.monotonic() + _WRITER_PATIENCE_S
            while time.monotonic() < until_s:
                time.sleep(_PAUSE_S)
                with suppress(FlagFileProblem):
                    found = read_flag_file(self.flag_file)
                    if found is not None and found.number >= last.number:
                        return None
            return (
                f"{self.flag_file}: is behind entry {last.number} of {self.log.folder} and cannot be "
                f"written: {error.strerror}; {_UNTIL}"
            )
        return None

    def _disagreement(self, found: FlagFile | None, last: AuditEntry) -> str:
        if found is None:
            return f"{self.flag_file}: is gone; entry {last.number} of {self.log.folder} had written it"
        if found.number > last.number:
            return (
                f"{self.log.folder}: entries are gone: {self.flag_file} was written for number "
                f"{found.number}, and the last one is {last.number}"
            )
        return (
            f"{self.flag_file}: is not as entry {last.number} of {self.log.folder} left it; it was changed "
            "by hand, or brought back from a copy"
        )

    def _keep_damaged(self) -> None:
        """Set a file aside that is not ours to overwrite."""
        if self.flag_file.exists():
            aside = self.flag_file.with_name(f"{self.flag_file.name}.{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
            self.flag_file.rename(aside)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone with the file, or after two seconds not: a rollback waits for nobody, and the log is safe."""
        self.log.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.log.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            until_s = time.monotonic() + _LOCK_PATIENCE_S
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until_s:
                        break
                    time.sleep(_PAUSE_S)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def _writing(path: Path, then: str) -> Iterator[None]:
    """Name `path` where it cannot be written, and say what `then` is to be known."""
    try:
        yield
    except OSError as error:
        # The name of a temporary file tells nobody anything.
        named = error.filename is not None and not str(error.filename).endswith(".tmp")
        where = error.filename if named else path
        raise SurroundingsError(f"{where}: cannot be written: {error.strerror}; {then}") from error


def _written_for(found: FlagFile, last: AuditEntry) -> bool:
    return (found.number, found.seal, found.values) == (last.number, last.seal, last.after)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
