"""Files that are corrupt, missing, read-only or edited by hand: said in a line, legacy, nothing lost.

Root may write whatever the modes say, so a test of a read-only place makes the call fail that would write
there, with the error that a read-only place gives. Entries and harness.toml are never written a second time,
so that it makes no difference whether they can be.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from async_arch.composition import AgentCalls, Orchestration, StateStoreKind
from harness.flags import START, Action, EngineMode, FlagValues, Installation, pin_flags
from harness.flags.flag_file import write_flag_file
from tests.phases.commands import FORCE, facts, harness, phase, ran

pytestmark = pytest.mark.usefixtures("forked_processes")

FLAGS, ENTRY, LOG, CONFIG = "flags.json", "flags.audit/000001.json", "flags.audit", "harness.toml"
CANARY = FlagValues(
    state_store=StateStoreKind.REDIS,
    agent_calls=AgentCalls.ASYNC,
    orchestration=Orchestration.CONCURRENT,
    engine=EngineMode.CANARY,
    canary=25,
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where a canary runs, with settings of its own."""
    monkeypatch.chdir(tmp_path)
    installation = Installation(Path(FLAGS))
    redis = FlagValues(state_store=StateStoreKind.REDIS)
    for after in (redis, CANARY):
        installation.move(installation.standing(), Action.PROMOTE, after, reason="test")
    Path(CONFIG).write_text("[gates.4]\nruns = 7\n")
    return tmp_path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])


def binary(path: Path) -> None:
    path.write_bytes(b"\x00\xff\xfe\x80" * 20)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def written(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


def replaced(old: str, new: str) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return replace


def no_log(path: Path) -> None:
    for entry in path.iterdir():
        entry.unlink()
    path.rmdir()


def file_for_log(path: Path) -> None:
    no_log(path)
    path.write_text("mine")


@dataclass(frozen=True)
class Damage:
    """What is done to which file, what is said of it, and the exit codes."""

    file: str
    how: str
    do: Callable[[Path], object]
    words: str
    """What status says of it; nothing where it is none of its business."""
    status: int = 0
    promote: int = 2
    back: int = 0
    """Of rollback and of kill."""
    legacy: bool = True
    """Whether builds go to legacy."""

    def __str__(self) -> str:
        return f"{self.file}-{self.how}"


BY_HAND = replaced('"reason": "test"', '"reason": "mine"')
SEQUENTIAL = replaced('"defaultVariant": "concurrent"', '"defaultVariant": "sequential"')
DAMAGES = (
    Damage(FLAGS, "cut", cut, "is not JSON"),
    Damage(FLAGS, "binary", binary, "is not JSON"),
    Damage(FLAGS, "a list", written("[]"), "is no flag file of the migration"),
    Damage(FLAGS, "wrong types", replaced('"defaultVariant": "redis"', '"defaultVariant": 5'), "state_store"),
    Damage(FLAGS, "missing", Path.unlink, "is gone; entry 2 of flags.audit had written it"),
    Damage(FLAGS, "a folder", folder, "cannot be read: Is a directory"),
    Damage(FLAGS, "by hand", replaced("      25\n", "      99\n"), "holds more or other"),
    Damage(FLAGS, "by hand, whole", SEQUENTIAL, "is not as entry 2 of flags.audit left it"),
    Damage(ENTRY, "cut", cut, "is no entry of an audit log", back=2),
    Damage(ENTRY, "binary", binary, "is no entry of an audit log", back=2),
    Damage(ENTRY, "a list", written("[]"), "is no entry of an audit log", back=2),
    Damage(ENTRY, "wrong types", replaced('"number": 1', '"number": "x"'), "is no entry", back=2),
    Damage(ENTRY, "missing", Path.unlink, "is missing, and 000002.json is there", back=2),
    Damage(ENTRY, "a folder", folder, "cannot be read: Is a directory", back=2),
    Damage(ENTRY, "by hand", BY_HAND, "was changed after it was written", back=2),
    Damage(LOG, "missing", no_log, "was not written by this installation"),
    Damage(LOG, "a file", file_for_log, "cannot be read: Not a directory", back=2),
    Damage(CONFIG, "cut", written("[gates.4]\nruns ="), "not valid TOML", status=2, legacy=False),
    Damage(CONFIG, "binary", binary, "it is not UTF-8 text", status=2, legacy=False),
    Damage(CONFIG, "wrong types", written('[gates.4]\nruns = "x"\n'), "runs", status=2, legacy=False),
    Damage(CONFIG, "a folder", folder, "cannot be read: Is a directory", status=2, legacy=False),
    Damage(CONFIG, "missing", Path.unlink, "", promote=1, legacy=False),
    Damage(CONFIG, "by hand", written("[gates.4]\nruns = 99\n"), "", promote=1, legacy=False),
)


def contents(root: Path) -> dict[Path, bytes]:
    """Every file that there is to lose."""
    paths = [path for path in root.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path.relative_to(root): path.read_bytes() for path in paths}


def names(file: str, line: str) -> bool:
    """Whether it is one line, and names the file."""
    return line.count("\n") == 1 and file in line


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_what_is_damaged_is_said_in_a_line_and_builds_are_safe_and_nothing_is_overwritten(
    here: Path, damage: Damage, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage.do(Path(damage.file))
    before = contents(here)

    said = ran("status", code=damage.status)
    if damage.words:
        line = said.splitlines(keepends=True)[0]
        assert line.startswith("harness: " if damage.status else "all builds go to legacy: ")
        assert names(damage.file, line)
        assert damage.words in line
    pinned = pin_flags(Installation(Path(FLAGS)), "shop", {})
    if damage.legacy:
        assert (pinned.engine, pinned.state_store, pinned.canary) == ("legacy", "json", 0)
        assert pinned.problem is not None
        assert damage.words in pinned.problem
    else:
        assert (pinned.problem, pinned.state_store, pinned.canary) == (None, "redis", 25)
    refused = ran("promote", code=damage.promote)
    assert damage.promote == 1 or names(damage.file, refused)
    assert contents(here) == before

    for words in (("rollback",), ("kill", "--reason", "fire")):
        copy = tmp_path_factory.mktemp("copy") / "here"
        shutil.copytree(here, copy)
        monkeypatch.chdir(copy)
        moved = ran(*words, code=damage.back)
        if damage.back:
            assert names(damage.file, moved)
            assert contents(copy) == before
            continue
        after = contents(copy)
        assert Installation(Path(FLAGS)).standing().problem is None
        # The flag file is the one that is written anew; what a person made of it is set aside.
        assert {path: text for path, text in before.items() if path.name != FLAGS}.items() <= after.items()
        if damage.file == FLAGS and Path(FLAGS) in before:
            assert before[Path(FLAGS)] in [after[path] for path in after if path.name.startswith(f"{FLAGS}.")]


def test_a_setting_that_was_edited_by_hand_is_gone_by(here: Path) -> None:
    (here / CONFIG).write_text("[gates.4]\nruns = 99\n")
    limits = {line["name"]: line["limit"] for line in facts("status")["gate"]["lines"]}
    assert limits["runs"] == "at least 99"


def test_a_link_that_leads_nowhere_is_no_missing_settings_file(here: Path) -> None:
    (here / CONFIG).unlink()
    (here / CONFIG).symlink_to(here / "elsewhere.toml")
    assert ran("status", code=2) == "harness: harness.toml: cannot be read: No such file or directory\n"


def forbidden(path: str) -> Callable[..., None]:
    def fail(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", path)

    return fail


MOVES = (("promote", *FORCE), ("rollback",), ("rollback", "--all"), ("kill", "--reason", "fire"))


@pytest.mark.parametrize("words", MOVES, ids=" ".join)
def test_a_log_that_cannot_be_written_moves_nothing_and_is_named(
    here: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    before = contents(here)
    monkeypatch.setattr("harness.flags.audit.os.link", forbidden("flags.audit/.1234.tmp"))
    assert ran(*words, code=3) == (
        "harness: flags.audit: cannot be written: Permission denied; harness phase status says how the flags "
        "stand\n"
    )
    assert contents(here) == before
    assert pin_flags(Installation(Path(FLAGS)), "shop", {}).number == 2


BEHIND = "cannot be written: Permission denied"


@pytest.mark.parametrize("words", MOVES, ids=" ".join)
def test_a_flag_file_that_cannot_be_written_is_behind_and_nothing_goes_by_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """A kill must be one, though the file still says that async serves."""
    stale = (here / FLAGS).read_bytes()
    with monkeypatch.context() as read_only:
        read_only.setattr("harness.flags.installation.write_flag_file", forbidden(FLAGS))
        said = ran(*words, code=3)
        assert said.startswith(f"harness: {FLAGS}: {BEHIND}; entry 3 stands in {LOG}; make it writable")
        assert said.count("\n") == 1
        standing = Installation(Path(FLAGS)).standing()
        assert (standing.values, standing.number, standing.behind) == (START, 3, True)
        line = ran("status").splitlines()[0]
        assert line.startswith(f"all builds go to legacy: {FLAGS}: is behind entry 3 of {LOG} and {BEHIND};")
        pinned = pin_flags(Installation(Path(FLAGS)), "shop", {})
        assert (pinned.engine, pinned.state_store, pinned.canary) == ("legacy", "json", 0)
        assert BEHIND in ran("promote", *FORCE, code=2)
        assert (here / FLAGS).read_bytes() == stale
    ran("status")
    assert json.loads((here / FLAGS).read_text())["metadata"]["audit"] == 3
    assert Installation(Path(FLAGS)).standing().problem is None
    assert sorted(path.name for path in here.glob("flags.json*")) == [FLAGS]


def test_who_may_not_write_goes_by_what_the_one_who_moves_writes_a_moment_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the log and the file of a move, somebody looks who may only read."""
    installation = Installation(Path(FLAGS))
    before = installation.standing()
    with monkeypatch.context() as cut_off:
        cut_off.setattr("harness.flags.installation.write_flag_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            installation.move(before, Action.ROLLBACK, START)
    last = installation.log.entries()[-1]

    monkeypatch.setattr("harness.flags.installation.write_flag_file", forbidden(FLAGS))
    monkeypatch.setattr("harness.flags.installation.time.sleep", lambda _: write_flag_file(Path(FLAGS), last))
    standing = installation.standing()
    assert (standing.values, standing.problem, standing.number) == (START, None, 3)


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_build_says_why_it_goes_to_legacy_and_what_the_environment_sets(here: Path) -> None:
    binary(here / FLAGS)
    (here / "notes.yaml").write_text(
        "name: notes\nidea: Notes.\nmodules:\n"
        "  - {name: Notes, module_type: data, description: Notes with a title}\n"
    )
    result = harness(
        *("build", "notes.yaml", "--model", "simulated", "--ttft", "0.001", "--tokens-per-second", "50000"),
        HARNESS_FLAG_AGENT_CALLS="threads",
    )
    assert result.exit_code == 0, result.output
    assert "note: flags.json: is not JSON" in result.stdout
    assert "; built by legacy\n" in result.stdout
    assert "note: HARNESS_FLAG_AGENT_CALLS=threads in the environment, for this build" in result.stdout
    assert "notes: finished by legacy:state_store=json in" in result.stdout
    assert (here / "notes" / "main.py").is_file()
    wrong = phase("status", HARNESS_FLAG_ENGINE="async").output
    assert "set here: HARNESS_FLAG_ENGINE=async" in wrong
    assert harness("build", "notes.yaml", HARNESS_FLAG_ENGINE="fast").exit_code == 2
