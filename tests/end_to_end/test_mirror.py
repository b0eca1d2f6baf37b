"""`harness mirror` as a user starts it: what it says, with what code it ends, and that nothing is left."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from harness.state.board import board_text
from tests.end_to_end.harness_command import run_command
from tests.end_to_end.harness_process import STEADY, harness, run_harness
from tests.state.projects import BOARD, board, with_status, write

pytestmark = pytest.mark.usefixtures("forked_processes")


def state(number: int, *, end: bool = False) -> dict[str, object]:
    """A state of a build, of which each is longer than the one before."""
    info = with_status("complete" if end else "building")["project_info"]
    return board(project_info=info, agent_attempts=BOARD["agent_attempts"] * number)


def in_halves(path: Path, document: dict[str, object]) -> None:
    """Write as engines do, with a pause in the middle."""
    text = board_text(document)
    with path.open("wb", buffering=0) as file:
        file.write(text[: len(text) // 2])
        time.sleep(0.02)
        file.write(text[len(text) // 2 :])


def test_a_build_is_followed_to_its_end_while_another_command_looks(tmp_path: Path) -> None:
    path = write(tmp_path / "shop")
    with harness(tmp_path, "mirror", "follow", "shop", "--until-finished", "--json") as running:
        running.wait_for("mirrored", "shop")
        for number in range(1, 6):
            in_halves(path, state(number))
            time.sleep(0.05)
        code, output, errors = run_harness(tmp_path, "mirror", "verify", "shop", "--json")
        assert code == 0, errors
        assert [found["standing"] for found in json.loads(output)] == ["equal"]
        in_halves(path, state(6, end=True))
        assert running.finish() == 0, running.errors
        running.assert_nothing_left()
        running.assert_no_temporary_files()
        [summary] = json.loads(running.output)
    assert summary["caught_up"]
    assert summary["mirrored"] >= 3
    assert summary["lag_median_ms"] > 0
    code, output, errors = run_command(tmp_path, "mirror", "export", "shop", "--output", "exported.json")
    assert code == 0, errors
    assert (tmp_path / "exported.json").read_bytes() == path.read_bytes() == board_text(state(6, end=True))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_stopped_catches_up_and_sums_up(tmp_path: Path, number: signal.Signals) -> None:
    path = write(tmp_path / "shop")
    with harness(tmp_path, "mirror", "follow", "shop", "--as", "my-shop") as running:
        running.wait_for("mirrored", "shop")
        in_halves(path, state(2))
        running.process.send_signal(number)
        assert running.finish() == 0, running.errors
        running.assert_nothing_left()
        running.assert_no_temporary_files()
    assert "in Redis as my-shop" in running.output
    # Under its name without being told it again.
    code, output, errors = run_command(tmp_path, "mirror", "verify", "shop")
    assert code == 0, errors
    assert "equal (my-shop)" in output


def test_a_server_outlives_the_command_that_started_it_for_those_that_joined(tmp_path: Path) -> None:
    write(tmp_path / "one")
    path = write(tmp_path / "other")
    with harness(tmp_path, "mirror", "follow", "one") as first:
        first.wait_for("mirrored", "one")
        with harness(tmp_path, "mirror", "follow", "other") as second:
            second.wait_for("mirrored", "other")
            first.process.send_signal(signal.SIGKILL)
            first.finish()
            in_halves(path, state(3))
            second.wait_for("mirrored", "other", "ms after")
            second.process.send_signal(signal.SIGTERM)
            assert second.finish() == 0, second.errors
            second.assert_nothing_left()
        first.assert_nothing_left()
    code, output, _ = run_command(tmp_path, "mirror", "verify")
    assert code == 0, output
    assert "2 projects: 2 equal" in output


SPEC = """
name: shop
idea: A shop.
modules: [{name: Users, module_type: data, description: Users with a name}]
"""


def test_what_a_legacy_loop_on_redis_had_written_when_it_was_killed_is_exported(tmp_path: Path) -> None:
    """The way back from phase 1 loses nothing that was written on the way there."""
    (tmp_path / "shop.yaml").write_text(SPEC)
    arguments = ("shop.yaml", "--control", "phase:1", "--model", "simulated", *STEADY)
    with harness(tmp_path, "compare", *arguments) as running:
        running.wait_for("phase:1 (control)", "developer:Users done")
        running.process.kill()
        running.finish()
        running.assert_nothing_left()
    [run] = [path.name for path in (tmp_path / ".harness" / "runs").iterdir()]
    code, output, errors = run_command(tmp_path, "mirror", "export", run, "--json")
    assert code == 0, errors
    assert json.loads(output)["run"] == run
    found = json.loads((tmp_path / "blackboard.json").read_bytes())
    assert found["project_info"]["status"] == "building"
    assert list(found["modules"]) == list(found["api_registry"]) == ["Users"]
    agents = [attempt["agent"] for attempt in found["agent_attempts"]]
    assert agents[:4] == ["analyst", "auditor", "architect", "developer"]
    assert found["files_created"] == ["users.py"]


def test_projects_in_bulk_drifts_and_their_repair(tmp_path: Path) -> None:
    for number in range(4):
        place = "blackboard.json" if number % 2 else ".factory/blackboard.json"
        write(tmp_path / "output" / f"project_{number}", state(number + 1), place)
    broken = write(tmp_path / "output" / "project_4", '{"half": ')
    code, output, errors = run_command(tmp_path, "mirror", "backfill", "output")
    assert code == 3, errors
    assert "5 projects: 4 mirrored, 1 broken" in output
    assert str(broken) in output
    broken.unlink()
    code, output, _ = run_command(tmp_path, "mirror", "backfill", "output", "--json")
    assert code == 0
    assert {found["outcome"] for found in json.loads(output)} == {"skipped"}

    path = tmp_path / "output" / "project_1" / "blackboard.json"
    before = path.read_bytes()
    write(path.parent, board(agent_attempts=BOARD["agent_attempts"][1:], logs=["\x1b[31m", 1]))
    tampered = path.read_bytes()
    code, output, _ = run_command(tmp_path, "mirror", "verify")
    assert code == 1
    assert "4 projects: 3 equal, 1 drift" in output
    assert "logs[0] is" in output
    assert "\x1b" not in output
    code, output, _ = run_command(tmp_path, "mirror", "verify", "output/project_1", "--json")
    assert code == 1
    [found] = json.loads(output)
    assert {"agent_attempts[0]", "logs[0]", "logs[1]"} & {drift["path"] for drift in found["drifts"]}

    code, output, _ = run_command(
        tmp_path, "mirror", "repair", "output/project_1", "--from", "redis", "--dry-run"
    )
    assert code == 1
    assert path.read_bytes() == tampered
    code, output, _ = run_command(
        tmp_path, "mirror", "repair", "output/project_1", "--from", "redis", "--json"
    )
    assert code == 0
    assert path.read_bytes() == before
    assert Path(json.loads(output)["kept"]).read_bytes() == tampered


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("follow", "nowhere"), 2, "nowhere: no such file or folder"),
        (("follow", ".", "."), 2, "is there twice"),
        (("backfill", "."), 2, "has a blackboard.json"),
        (("verify", "nowhere"), 2, "nowhere: no such file or folder"),
        (("verify",), 3, "nothing is mirrored"),
        (("export", "nobody"), 3, "run nobody has no document"),
        (("repair", "nowhere", "--from", "json"), 2, "no mirror of it"),
        (("verify", "--redis", "redis://:secret@127.0.0.1:1/0"), 3, "redis://:***@127.0.0.1:1/0"),
        (("verify", "--redis", "nonsense"), 2, "--redis"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    found, output, errors = run_command(tmp_path, "mirror", *arguments)
    assert (found, output) == (code, "")
    assert words in errors
    assert errors.count("\n") == 1
    assert "secret" not in errors
