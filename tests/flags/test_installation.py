"""An installation: whatever happens to process or files, flags and log agree, or all is on legacy."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from harness.errors import BadInputError, SurroundingsError
from harness.flags import START, Action, FlagValues, Installation, MovedMeanwhile
from harness.flags.audit import AuditLog, AuditProblem
from harness.flags.ladder import next_step, step_back


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "flags.json")


def promote(installation: Installation, steps: int = 1) -> FlagValues:
    """Take so many steps; where the flags stand then."""
    for _ in range(steps):
        standing = installation.standing()
        step = next_step(standing.values)
        assert step is not None
        installation.move(standing, Action.PROMOTE, step.after, reason="evidence", evidence=("e1",))
    return installation.standing().values


def test_nothing_moved_yet_is_all_on_legacy_and_writes_nothing(installation: Installation) -> None:
    standing = installation.standing()
    assert (standing.values, standing.number, standing.problem) == (START, 0, None)
    assert not installation.flag_file.exists()
    assert not installation.log.folder.exists()


def test_a_move_is_in_the_file_and_in_the_log(installation: Installation) -> None:
    promote(installation, 3)
    standing = installation.standing()
    assert standing.problem is None
    assert standing.values.agent_calls == "threads"
    entries = installation.log.entries()
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert entries[2].before == entries[1].after
    assert entries[2].evidence == ("e1",)
    written = json.loads(installation.flag_file.read_text())
    assert written["flags"]["agent_calls"]["defaultVariant"] == "threads"
    assert written["metadata"] == {"audit": 3, "seal": entries[2].seal}


def test_of_two_who_move_at_once_one_wins_and_the_other_is_told(installation: Installation) -> None:
    promote(installation, 2)
    standing = installation.standing()
    step = next_step(standing.values)
    assert step is not None
    told: list[str] = []
    start = threading.Barrier(8)

    def move() -> None:
        start.wait()
        try:
            installation.move(standing, Action.PROMOTE, step.after)
            told.append("moved")
        except MovedMeanwhile:
            told.append("told")

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["moved"] + ["told"] * 7
    assert installation.standing().number == 3
    assert installation.standing().problem is None


def test_a_rollback_waits_for_nobody(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody was stopped while holding the lock."""
    promote(installation, 2)
    monkeypatch.setattr("harness.flags.installation._LOCK_PATIENCE_S", 0.05)
    with installation._locked():
        installation.move(installation.standing(), Action.ROLLBACK, START)
    assert installation.standing().values == START
    assert installation.standing().number == 3


def killed_at(line: int, installation: Installation, back: bool) -> bool:
    """Move in a process that is killed at its so many'th line; whether it came to its end before."""
    child = os.fork()
    if not child:
        seen = 0

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal seen
            if "harness/flags" not in frame.f_code.co_filename:
                return None
            seen += event == "line"
            if seen == line:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            standing = installation.standing()
            step = (step_back if back else next_step)(standing.values)
            assert step is not None
            sys.settrace(trace)
            installation.move(standing, Action.ROLLBACK if back else Action.PROMOTE, step.after)
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_killed_at_any_moment_of_a_move_leaves_the_old_or_the_new_state(
    tmp_path: Path,
) -> None:
    rng = random.Random(7)  # noqa: S311 (where to die is no secret)
    outcomes = set()
    for number in range(60):
        # A new one now and then, as the time a move takes grows with the log.
        installation = Installation(tmp_path / f"flags{number // 10}.json")
        if number % 10 == 0:
            promote(installation, 4)
        before = installation.standing()
        onward, backward = next_step(before.values), step_back(before.values)
        back = onward is None or (backward is not None and rng.random() < 0.5)
        step = backward if back else onward
        assert step is not None
        ended = killed_at(rng.randrange(1, 150), installation, back)
        after = installation.standing()
        assert after.problem is None
        assert (after.number, after.values) in (
            (before.number, before.values),
            (before.number + 1, step.after),
        )
        assert (installation.log.entries() or [None])[-1] == after.last
        assert json.loads(installation.flag_file.read_text())["metadata"]["audit"] == after.number
        outcomes.add((ended, after.number - before.number))
    assert outcomes == {(True, 1), (False, 1), (False, 0)}


def damaged(kind: str, installation: Installation) -> None:
    """Do something to the files that a move does not do."""
    file, folder = installation.flag_file, installation.log.folder
    text = file.read_text()
    match kind:
        case "not JSON":
            file.write_text(text[: len(text) // 2])
        case "by hand":
            file.write_text(text.replace('"defaultVariant": "redis"', '"defaultVariant": "json"'))
        case "a flag more":
            document = json.loads(text)
            document["flags"]["colour"] = {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"}
            file.write_text(json.dumps(document))
        case "gone":
            file.unlink()
        case "a copy of before":
            old = Installation(file.with_name("old.json"))
            promote(old)
            file.write_text(old.flag_file.read_text())
        case "a folder":
            file.unlink()
            file.mkdir()
        case "entries gone":
            (folder / "000003.json").unlink()
        case "an entry in the middle gone":
            (folder / "000002.json").unlink()
        case "an entry changed":
            entry = folder / "000002.json"
            entry.write_text(entry.read_text().replace('"reason": "evidence"', '"reason": "better"'))
        case "an entry replaced":
            other = Installation(file.with_name("other.json"))
            promote(other, 3)
            (folder / "000002.json").write_text((other.log.folder / "000002.json").read_text())
        case "an entry half":
            (folder / "000003.json").write_text("{")


FILE_DAMAGES = {
    "not JSON": "is not JSON",
    "by hand": "was changed by hand",
    "a flag more": "holds more or other",
    "gone": "is gone",
    "a copy of before": "was changed by hand, or brought back from a copy",
    "a folder": "cannot be read",
    "entries gone": "entries are gone",
}
LOG_DAMAGES = {
    "an entry in the middle gone": "is missing",
    "an entry changed": "was changed after it was written",
    "an entry replaced": "is not sealed with the entry before it",
    "an entry half": "is no entry of an audit log",
}


@pytest.mark.parametrize(("kind", "words"), [*FILE_DAMAGES.items(), *LOG_DAMAGES.items()])
def test_what_is_damaged_is_said_and_all_is_on_legacy_and_nothing_is_overwritten(
    kind: str, words: str, installation: Installation
) -> None:
    promote(installation, 3)
    damaged(kind, installation)
    before = {
        path: path.read_bytes() for path in installation.flag_file.parent.rglob("*.json") if path.is_file()
    }
    standing = installation.standing()
    assert standing.values == START
    assert standing.problem is not None
    assert words in standing.problem
    with pytest.raises(BadInputError, match="all builds go to legacy"):
        installation.move(standing, Action.PROMOTE, START)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("kind", FILE_DAMAGES)
def test_a_rollback_mends_a_damaged_file_and_keeps_what_was_there(
    kind: str, installation: Installation
) -> None:
    promote(installation, 3)
    damaged(kind, installation)
    there = installation.flag_file.is_file() and installation.flag_file.read_bytes()
    installation.move(installation.standing(), Action.ROLLBACK, START, reason="damaged")
    standing = installation.standing()
    assert (standing.values, standing.problem) == (START, None)
    if there:
        kept = [path.read_bytes() for path in installation.flag_file.parent.glob("flags.json.*")]
        assert kept == [there]


def test_a_file_from_elsewhere_is_not_taken_for_ours(installation: Installation) -> None:
    installation.flag_file.write_text('{"flags": {}}')
    assert "is no flag file of the migration: 'metadata' is missing" in str(installation.standing().problem)


def test_a_place_that_cannot_be_written_is_named_and_nothing_has_moved(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(installation)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr("harness.flags.audit.os.link", full)
    with pytest.raises(SurroundingsError, match="somewhere: cannot be written: No space left on device"):
        promote(installation)
    assert installation.standing().number == 1
    assert [path.name for path in installation.log.folder.iterdir() if path.suffix == ".tmp"] == []


def test_the_whole_log_is_verified(installation: Installation) -> None:
    promote(installation, 3)
    assert len(AuditLog(installation.log.folder).entries()) == 3
    (installation.log.folder / "000001.json").unlink()
    with pytest.raises(AuditProblem, match=r"000001\.json: is missing, and 000002\.json is there"):
        AuditLog(installation.log.folder).entries()


def test_the_way_back_stays_given_up(installation: Installation) -> None:
    promote(installation, 2)
    standing = installation.standing()
    installation.move(standing, Action.FINALIZE, standing.values, finalized=True)
    promote(installation)
    assert installation.standing().finalized
