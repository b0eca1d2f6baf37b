"""The flag file, in flagd's format: what any OpenFeature provider, or a flagd, can serve as it is.

It is written by the harness alone. Its metadata name the entry of the audit log that it was written for, so
that a file which somebody changed by hand, or brought back from a copy, is told from one that was moved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from async_arch.composition import AgentCalls, Generation, Orchestration, StateStoreKind
from harness.flags.audit import AuditEntry
from harness.flags.flag_values import EngineMode, FlagValues
from harness.whole_file import write_whole

__all__ = ["FlagFile", "FlagFileProblem", "loose_values", "read_flag_file", "rendered", "write_flag_file"]

_SCHEMA = "https://flagd.dev/schema/v0/flags.json"
_VARIANTS = {
    "state_store": StateStoreKind,
    "agent_calls": AgentCalls,
    "orchestration": Orchestration,
    "generation": Generation,
    "engine": EngineMode,
}


class FlagFileProblem(Exception):
    """The file cannot be gone by; says why, and where."""


@dataclass(frozen=True, slots=True)
class FlagFile:
    """What a flag file says, and which entry of the audit log it says it was written for."""

    values: FlagValues
    number: int
    seal: str


def rendered(values: FlagValues, number: int, seal: str) -> str:
    """The text of the file for `values`, written for the audit entry of that number and seal."""
    flags: dict[str, Any] = {
        flag: {
            "state": "ENABLED",
            "variants": {str(value): str(value) for value in kind},
            "defaultVariant": str(getattr(values, flag)),
        }
        for flag, kind in _VARIANTS.items()
    }
    if values.engine is EngineMode.CANARY:
        # The canary's part of the hashes comes first: a larger share holds all of a smaller one.
        flags["engine"]["defaultVariant"] = str(EngineMode.LEGACY)
        flags["engine"]["targeting"] = {
            "fractional": [
                {"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]},
                [str(EngineMode.CANARY), values.canary],
                [str(EngineMode.LEGACY), 100 - values.canary],
            ]
        }
    document = {"$schema": _SCHEMA, "flags": flags, "metadata": {"audit": number, "seal": seal}}
    return json.dumps(document, indent=2) + "\n"


def read_flag_file(path: Path) -> FlagFile | None:
    """What the file at `path` says, None without one; `FlagFileProblem` where it is not one of ours."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FlagFileProblem(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise FlagFileProblem(f"{path}: is not JSON: {error}") from error
    try:
        flags, metadata = document["flags"], document["metadata"]
        values = _values(flags)
        found = FlagFile(values, int(metadata["audit"]), str(metadata["seal"]))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise FlagFileProblem(f"{path}: is no flag file of the migration: {_what(error)}") from error
    if json.loads(rendered(values, found.number, found.seal)) != document:
        raise FlagFileProblem(f"{path}: holds more or other than the migration's flags as they are written")
    return found


def write_flag_file(path: Path, entry: AuditEntry) -> None:
    """Write the file for what `entry` moved the flags to, whole or not at all. When it returns, it lasts."""
    write_whole(path, rendered(entry.after, entry.number, entry.seal), lasting=True)


def loose_values(path: Path) -> FlagValues:
    """The flags that a file says, whoever wrote it; `FlagFileProblem` where it does not say them all."""
    try:
        return _values(json.loads(path.read_bytes())["flags"])
    except OSError as error:
        raise FlagFileProblem(f"{path}: cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise FlagFileProblem(f"{path}: does not say all flags of the migration: {_what(error)}") from error


def _values(flags: dict[str, Any]) -> FlagValues:
    values: dict[str, Any] = {flag: flags[flag]["defaultVariant"] for flag in _VARIANTS}
    if "targeting" in flags["engine"]:
        values["engine"], values["canary"] = flags["engine"]["targeting"]["fractional"][1]
    return FlagValues.model_validate(values)


def _what(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{error} is missing" if isinstance(error, KeyError) else "it has another shape"
