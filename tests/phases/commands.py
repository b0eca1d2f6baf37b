"""The command line of the migration as tests run it: in this process, in the folder they stand in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from harness.cli import app
from harness.evidence import Evidence, EvidenceKind, EvidenceStore
from harness.flags import Action, Installation
from harness.flags.ladder import next_step
from harness.gates import engines_of
from harness.phases.migration import unavailable_phases
from harness.record.fingerprint import source_digests
from tests.gates.pieces import piece

EASY = "".join(f"[gates.{phase}]\nspecs = 1\nruns = 1\n" for phase in (1, 2, 3, 4))
FORCE = ("--force", "--reason", "test")
LAST = 10 - len(unavailable_phases())
"""How many steps there are from legacy to async, with the canary at 5, 25 and 50 percent."""
TO_SHADOW = LAST - 4


def harness(*words: str, columns: int = 80, **environment: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, words, env={"COLUMNS": str(columns), **environment})


def phase(*words: str, columns: int = 80, **environment: str) -> Result:
    """Run `harness phase`."""
    return harness("phase", *words, columns=columns, **environment)


def ran(*words: str, code: int = 0) -> str:
    """What `harness phase` prints, where it ends with `code`; not an unexpected exception."""
    result = phase(*words)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def facts(*words: str, code: int = 0) -> Any:
    """What `harness phase --json` prints."""
    result = phase(*words, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def climb(steps: int) -> None:
    """Take so many steps, whatever their gates say."""
    installation = Installation(Path("flags.json"))
    for _ in range(steps):
        standing = installation.standing()
        step = next_step(standing.values, unavailable_phases())
        assert step is not None
        installation.move(standing, Action.PROMOTE, step.after, reason="test", forced=True)


def show(kind: EvidenceKind = EvidenceKind.COMPARE, **more: Any) -> Evidence:
    """Keep good evidence for the next step, made now and by this code."""
    standing = Installation(Path("flags.json")).standing()
    step = next_step(standing.values, unavailable_phases())
    assert step is not None
    parts = {"drifted": False, "caught_up": True, "candidate": engines_of(step).candidate, **more}
    found = piece(kind=kind, sources=dict(source_digests()), flags_number=standing.number, **parts)
    found = found.model_copy(update={"at": datetime.now(UTC)})
    EvidenceStore(Path(".harness")).add(found)
    return found
