"""The store of runs, a folder `runs/<id>/` for each::

run.json         the manifest: what the run was begun with; it is written first
record.json      the summary; it is written last, so a run without it never ended
calls.jsonl      every call to the model, whole; until the run has ended those that are over, as they ended
events.jsonl     what the engine said it did; until the run has ended what it said so far
timeline.json    the calls as spans of time
blackboard.json  the project's state as the engine left it
behaviour.json   what its application did, where it was executed
files/           the generated project
engine.log       what the engine printed; of an external engine what it printed as errors
stdout.log       what an external engine printed
"""

from __future__ import annotations

import heapq
import json
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from agents.build import TaskEvent
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.calls import CallRecord
from harness.record.behaviour import BehaviourRecord
from harness.record.run_manifest import RunManifest
from harness.record.run_record import RunRecord, RunSummary
from harness.whole_file import write_whole

__all__ = ["RunStore", "read_blackboard"]

T = TypeVar("T")

_EVENT = TypeAdapter(TaskEvent)
_OF_ITS_END = ("record.json", "timeline.json", "events.jsonl", "blackboard.json", "behaviour.json")


class RunStore:
    """The runs in `root`, usually `.harness`."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._runs = self.root / "runs"

    def new_run(self, spec: str, engine: str, now: datetime) -> tuple[str, Path]:
        """The id of a new run and its folder, which holds an empty `files/`."""
        label = "".join(letter if letter.isalnum() or letter in "_.-" else "-" for letter in engine)[:40]
        run = f"{now.strftime('%Y%m%d-%H%M%S')}-{spec}-{label}-{secrets.token_hex(3)}"
        folder = self._runs / run
        try:
            (folder / "files").mkdir(parents=True)
        except OSError as error:
            raise SurroundingsError(f"{folder}: cannot be made: {error.strerror}") from error
        return run, folder

    def folder(self, run: str) -> Path:
        """The folder of a run."""
        return self._runs / run

    def begin(self, manifest: RunManifest) -> None:
        """Write down with what a run is begun."""
        path = self.folder(manifest.id) / "run.json"
        try:
            write_whole(path, manifest.model_dump_json(indent=2))
        except OSError as error:
            raise SurroundingsError(f"{path}: cannot be written: {error.strerror}") from error

    def begin_again(self, manifest: RunManifest) -> None:
        """Write down that a run is taken up again; what its end had left, it has not ended, is taken away."""
        for name in _OF_ITS_END:
            (self.folder(manifest.id) / name).unlink(missing_ok=True)
        self.begin(manifest)

    def save(self, record: RunRecord) -> None:
        """Write `record` into its folder, the summary last."""
        try:
            _write_lines(record.folder / "calls.jsonl", [call.model_dump_json() for call in record.calls])
            _write_lines(
                record.folder / "events.jsonl",
                [_EVENT.dump_json(event).decode() for event in record.events],
            )
            spans = [span.model_dump() for span in record.timeline]
            write_whole(record.folder / "timeline.json", json.dumps(spans, indent=1))
            write_whole(record.folder / "record.json", record.summary.model_dump_json(indent=2))
        except OSError as error:
            raise SurroundingsError(f"{record.folder}: cannot be written: {error.strerror}") from error

    def save_behaviour(self, record: RunRecord) -> None:
        """Write what the application of `record` did into its folder, and the outcome that this changed."""
        if record.behaviour is None:
            raise ValueError(f"run {record.summary.id} was not executed")
        try:
            write_whole(record.folder / "behaviour.json", record.behaviour.model_dump_json(indent=1))
            write_whole(record.folder / "record.json", record.summary.model_dump_json(indent=2))
        except OSError as error:
            raise SurroundingsError(f"{record.folder}: cannot be written: {error.strerror}") from error

    def run_ids(self) -> list[str]:
        """The ids of the runs that ended, the oldest first."""
        return sorted(path.parent.name for path in self._runs.glob("*/record.json"))

    def begun_ids(self) -> list[str]:
        """The ids of all runs that were begun, the oldest first, whether they ended or not."""
        return sorted(path.name for path in self._runs.glob("*") if path.is_dir())

    def newest_ids(self, most: int) -> list[str]:
        """The ids of the runs begun last, ended or not, the newest first."""
        try:
            return heapq.nlargest(most, (path.name for path in self._runs.iterdir()))
        except OSError:
            return []

    def manifest(self, run: str) -> RunManifest:
        """With what a run was begun; `BadInputError` where that is not written down."""
        return _parsed(self.folder(run) / "run.json", RunManifest.model_validate_json)

    def summary(self, run: str) -> RunSummary | None:
        """The summary of a run, or None where it has not ended; `BadInputError` where it cannot be read."""
        path = self.folder(run) / "record.json"
        return _parsed(path, RunSummary.model_validate_json) if path.exists() else None

    def load(self, run: str) -> RunRecord:
        """The record of a run that ended; `BadInputError` where there is none."""
        folder = self.folder(run)
        summary = _parsed(folder / "record.json", RunSummary.model_validate_json)
        calls = _parsed_lines(folder / "calls.jsonl", CallRecord.model_validate_json)
        events = _parsed_lines(folder / "events.jsonl", _EVENT.validate_json)
        board = read_blackboard(folder / "blackboard.json")
        executed = folder / "behaviour.json"
        behaviour = _parsed(executed, BehaviourRecord.model_validate_json) if executed.exists() else None
        return RunRecord(summary, calls, events, board, folder, behaviour)


def read_blackboard(path: Path) -> dict[str, object] | None:
    """The blackboard at `path`, or None where there is none that can be read."""
    try:
        board = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return board if isinstance(board, dict) else None


def _parsed(path: Path, parse: Callable[[str], T]) -> T:
    try:
        return parse(_read(path))
    except ValueError as error:
        raise BadInputError(f"{path}: cannot be read as part of a run: {_first_problem(error)}") from error


def _parsed_lines(path: Path, parse: Callable[[str], T]) -> tuple[T, ...]:
    # By newline only: a call's text may hold other characters that Python takes for line ends.
    lines = _read(path).split("\n")
    parsed = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            parsed.append(parse(line))
        except ValueError as error:
            problem = f"{path}:{number}: cannot be read as part of a run: {_first_problem(error)}"
            raise BadInputError(problem) from error
    if lines[-1]:
        raise BadInputError(f"{path}:{len(lines)}: the line was never finished")
    return tuple(parsed)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError as error:
        raise BadInputError(f"{path.parent}: holds no whole run: {path.name} is missing") from error
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: cannot be read as part of a run: it is not UTF-8 text") from error


def _first_problem(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    return f"{key}: {first['msg']}" if key else first["msg"]


def _write_lines(path: Path, lines: list[str]) -> None:
    write_whole(path, "".join(f"{line}\n" for line in lines))
