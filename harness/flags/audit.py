"""The audit log: who moved the flags, when, from where to where and why, each entry sealed by the one before.

An entry is a file of its own, `000012.json`, that is linked into its place whole or not at all: of two that
move at once one wins, and a process that dies leaves no half of an entry.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.flags.flag_values import FlagValues

__all__ = ["NOTHING_BEFORE", "Action", "AuditEntry", "AuditLog", "AuditProblem", "EntryTaken"]

NOTHING_BEFORE = "0" * 64
"""What the first entry is sealed with."""


class AuditProblem(Exception):
    """The log is not what it was when it was written; says which entry, and how that shows."""


class EntryTaken(Exception):
    """Somebody else has written the entry of that number."""


class Action(StrEnum):
    """What was done."""

    BEGIN = "begin"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    KILL = "kill"
    APPROVE = "approve"
    """A person let the next step be taken; the flags stay where they are."""
    ADOPT = "adopt"
    """Flags that a person had written into the file by hand were taken over."""
    FINALIZE = "finalize"
    """The way back was given up."""


class AuditEntry(BaseModel):
    """One move of the flags."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    number: int
    """From 1."""
    at: datetime
    who: str
    """User and host."""
    action: Action
    before: FlagValues
    after: FlagValues
    finalized: bool = False
    """Whether the way back has been given up, by this entry or one before it."""
    about: str = ""
    """The step that was approved."""
    reason: str = ""
    forced: bool = False
    """Whether the gate was not open."""
    evidence: tuple[str, ...] = ()
    """The ids of the evidence that the gate went by."""
    previous: str = NOTHING_BEFORE
    """The seal of the entry before."""

    @property
    def seal(self) -> str:
        """The hash of everything in the entry, the seal of the entry before it included."""
        return hashlib.sha256(_canonical(self.model_dump(mode="json"))).hexdigest()


class AuditLog:
    """The entries in `folder`, the oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> tuple[AuditEntry, ...]:
        """All entries; `AuditProblem` where one is missing, cannot be read, or is not as it was sealed."""
        entries: list[AuditEntry] = []
        for path in self._paths():
            number = len(entries) + 1
            if path.name != _name(number):
                raise AuditProblem(f"{self.folder / _name(number)}: is missing, and {path.name} is there")
            previous = entries[-1].seal if entries else NOTHING_BEFORE
            entries.append(_read(path, number, previous))
        return tuple(entries)

    def append(self, entry: AuditEntry) -> None:
        """Write `entry`; `EntryTaken` where its number is used. When this returns, it lasts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{secrets.token_hex(8)}.tmp"
        try:
            with temporary.open("xb") as file:
                sealed = {**entry.model_dump(mode="json"), "seal": entry.seal}
                file.write(json.dumps(sealed, indent=1, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, self.folder / _name(entry.number))
            except FileExistsError:
                raise EntryTaken(f"entry {entry.number} is written already") from None
            _sync_folder(self.folder)
        finally:
            temporary.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AuditProblem(f"{self.folder}: cannot be read: {error.strerror}") from error


def _read(path: Path, number: int, previous: str) -> AuditEntry:
    try:
        written = json.loads(path.read_bytes())
        seal = written.pop("seal")
        entry = AuditEntry.model_validate(written)
    except OSError as error:
        raise AuditProblem(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise AuditProblem(f"{path}: is no entry of an audit log: {_first_line(error)}") from error
    if entry.number != number or entry.seal != seal:
        raise AuditProblem(f"{path}: was changed after it was written: its seal does not fit what it says")
    if entry.previous != previous:
        raise AuditProblem(f"{path}: is not sealed with the entry before it: one of the two was replaced")
    return entry


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"it has no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]


def _name(number: int) -> str:
    return f"{number:06}.json"


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
