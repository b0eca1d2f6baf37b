"""The store of runs, a folder `runs/<id>/` for each::

record.json      the summary; it is written last, so a run without it never ended
calls.jsonl      every call to the model, whole
events.jsonl     what the engine said it did
timeline.json    the calls as spans of time
blackboard.json  the project's state as the engine left it
files/           the generated project
engine.log       what the engine printed
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from agents.build import EventKind, TaskEvent
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.calls import CallRecord
from harness.record.run_record import RunRecord, RunSummary

__all__ = ["RunStore"]


class RunStore:
    """The runs in `root`, usually `.harness`."""

    def __init__(self, root: Path) -> None:
        self._runs = root / "runs"

    def new_run(self, spec: str, engine: str, now: datetime) -> tuple[str, Path]:
        """The id of a new run and its folder, which holds an empty `files/`."""
        label = "".join(letter if letter.isalnum() or letter in "_.-" else "-" for letter in engine)[:40]
        run = f"{now.strftime('%Y%m%d-%H%M%S')}-{spec}-{label}-{secrets.token_hex(3)}"
        folder = self._runs / run
        try:
            (folder / "files").mkdir(parents=True)
        except OSError as error:
            raise SurroundingsError(f"{folder}: cannot be made: {error.strerror}") from error
        return run, folder.absolute()

    def save(self, record: RunRecord) -> None:
        """Write `record` into its folder, the summary last."""
        try:
            _write_lines(record.folder / "calls.jsonl", [call.model_dump_json() for call in record.calls])
            _write_lines(
                record.folder / "events.jsonl",
                [json.dumps(asdict(event), ensure_ascii=False) for event in record.events],
            )
            spans = [span.model_dump() for span in record.timeline]
            _write(record.folder / "timeline.json", json.dumps(spans, indent=1))
            _write(record.folder / "record.json", record.summary.model_dump_json(indent=2))
        except OSError as error:
            raise SurroundingsError(f"{record.folder}: cannot be written: {error.strerror}") from error

    def load(self, run: str) -> RunRecord:
        """The record of a run that ended; `BadInputError` where there is none."""
        folder = self._runs / run
        try:
            summary = RunSummary.model_validate_json((folder / "record.json").read_bytes())
            calls = tuple(CallRecord.model_validate_json(line) for line in _lines(folder / "calls.jsonl"))
            events = tuple(_event(line) for line in _lines(folder / "events.jsonl"))
        except FileNotFoundError as error:
            raise BadInputError(
                f"{folder}: holds no whole run: {Path(error.filename).name} is missing"
            ) from error
        except (OSError, ValueError) as error:
            raise BadInputError(f"{folder}: cannot be read as a run: {error}") from error
        return RunRecord(summary, calls, events, read_blackboard(folder / "blackboard.json"), folder)


def read_blackboard(path: Path) -> dict[str, object] | None:
    """The blackboard at `path`, or None where there is none that can be read."""
    try:
        board = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return board if isinstance(board, dict) else None


def _event(line: str) -> TaskEvent:
    data = json.loads(line)
    return TaskEvent(EventKind(data["kind"]), data["at"], data["task"], data["detail"])


def _lines(path: Path) -> list[str]:
    # By newline only: a call's text may hold other characters that Python takes for line ends.
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]


def _write_lines(path: Path, lines: list[str]) -> None:
    _write(path, "".join(f"{line}\n" for line in lines))


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
