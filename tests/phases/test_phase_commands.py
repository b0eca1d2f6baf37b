"""The command line of the migration: what each command prints, and the exit code it ends with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.compare import Status
from harness.evidence import EvidenceKind, EvidenceStore
from harness.flags import Installation
from harness.record.fingerprint import newest_source
from tests.gates.pieces import piece
from tests.phases.commands import EASY, FORCE, LAST, TO_SHADOW, climb, facts, phase, ran, show


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the default names of all files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(text: str, columns: int = 80) -> int:
    """How many rows of a terminal it takes."""
    return sum(max(1, math.ceil(len(line.rstrip()) / columns)) for line in text.splitlines())


def test_before_the_first_move_status_says_what_to_run(here: Path) -> None:
    text = ran("status")
    assert "state_store json" in text
    assert "next: phase 1 (foundations): state_store json -> mirror" in text
    assert text.endswith(
        "the gate is shut; what is missing:\n"
        "harness compare SPEC... --candidate legacy:state_store=mirror --repeat 5\n"
    )
    assert list(here.iterdir()) == []


def test_status_as_json_has_what_a_person_is_spared() -> None:
    show()
    found = facts("status")
    assert found["gate_open"] is False
    assert found["evidence"] == 1
    by_name = {line["name"]: line for line in found["gate"]["lines"]}
    assert by_name["mismatches"]["test"] == "pairs that differ, policy exact"
    assert len(by_name["mismatches"]["evidence"]) == 1
    assert found["gate"]["candidate"] == "legacy:state_store=mirror"


def test_status_shows_the_command_that_takes_a_step_whose_gate_is_open(here: Path) -> None:
    (here / "harness.toml").write_text(EASY)
    show()
    assert ran("status").endswith("the gate is open\nharness phase promote 1\n")
    assert facts("status")["gate_open"] is True


EVERYTHING = "".join(
    f"[gates.{phase}]\nerror_rate = 0.1\nload_test = true\nseeded_suite = true\napproval = true\n"
    for phase in (1, 2, 3, 4)
)


@pytest.mark.parametrize("steps", range(LAST + 1))
def test_status_is_one_screen_of_80_columns_and_24_rows_at_every_step_and_with_every_criterion(
    here: Path, steps: int
) -> None:
    (here / "harness.toml").write_text(EVERYTHING)
    climb(steps)
    if steps < LAST:
        # One that differs and one that is of other code, so that there is something to say against the step.
        show(EvidenceKind.SHADOW, status=Status.FAIL, mismatches=1, control="c" * 50, candidate_run="d" * 50)
        EvidenceStore(Path(".harness")).add(piece(kind=EvidenceKind.SHADOW))
    text = ran("status")
    # The last row is for the prompt.
    assert rows(text) <= 23, text
    table = [line for line in text.splitlines() if not line.startswith(("harness ", "next: "))]
    assert [line for line in table if len(line.rstrip()) > 80] == []


@pytest.mark.parametrize("columns", [80, 120, 160])
def test_each_criterion_is_on_one_line_with_value_limit_and_how_it_is_judged(
    here: Path, columns: int
) -> None:
    (here / "harness.toml").write_text(EVERYTHING)
    climb(3)
    for _ in range(6):
        show()
    text = phase("status", columns=columns).output
    names = ["specs", "runs", "mismatches", "errors", "error rate", "speed-up", "fallbacks", "load test"]
    for name in (*names, "seeded", "approval"):
        assert sum(line.startswith(f"{name} ") for line in text.splitlines()) == 1, (name, text)
    (speedup,) = [line for line in text.splitlines() if line.startswith("speed-up")]
    assert "3.00" in speedup
    assert "at least 1" in speedup
    assert "lower end" in speedup
    wide = "3.00, between 3.00 and 3.00 (95% confidence, 6 pairs)" in speedup
    assert wide == (columns == 160)
    assert "phase approve" in text
    assert "phase attest" in text


def test_status_says_what_speaks_against_the_step_and_how_to_look_at_it(here: Path) -> None:
    (here / "harness.toml").write_text(EASY)
    failed = show(status=Status.FAIL, mismatches=2, candidate_run="run-b").model_copy(
        update={"id": "e9", "control": "run-a", "reason": "main.py differs"}
    )
    EvidenceStore(Path(".harness")).add(failed)
    text = ran("status")
    assert "mismatches: shop: main.py differs\nharness diff run-a run-b\n" in text
    assert facts("status")["against"][0]["command"] == "harness diff run-a run-b"


def test_a_shut_gate_ends_with_1_and_moves_nothing(here: Path) -> None:
    text = ran("promote", code=1)
    assert text.endswith("nothing was moved\n")
    assert "the gate is shut" in text
    assert facts("promote", code=1)["entry"] is None
    assert list(here.iterdir()) == []


def test_an_open_gate_lets_through_and_a_dry_run_only_looks(here: Path) -> None:
    (here / "harness.toml").write_text(EASY)
    evidence = show()
    assert ran("promote", "--dry-run").endswith("the gate is open\nnothing was moved (dry run)\n")
    assert not (here / "flags.json").exists()
    assert facts("promote", "--dry-run")["dry_run"] is True
    done = facts("promote", "1", "--to", "mirror")
    assert (done["entry"]["forced"], done["entry"]["evidence"]) == (False, [evidence.id])
    assert "promote state_store json -> mirror" in ran("status")


def test_a_dry_run_at_a_shut_gate_ends_with_1() -> None:
    assert "nothing was moved (dry run)" in ran("promote", "--dry-run", code=1)


def test_force_needs_a_reason_and_is_on_record(here: Path) -> None:
    assert (
        ran("promote", "--force", code=2)
        == "harness: --force: say why (--reason); it is on record for ever\n"
    )
    assert not (here / "flags.json").exists()
    assert ran("promote", "--force", "--reason", "the audit waits").endswith("(forced): the audit waits\n")
    assert "forced: the audit waits" in ran("history")
    assert facts("history")[0]["forced"] is True


def test_a_canary_is_given_a_larger_share_from_the_shadow_on() -> None:
    climb(TO_SHADOW - 1)
    refused = ran("promote", "4", "--to", "canary:25", *FORCE, code=2)
    assert refused.startswith("harness: --to canary:25: is not the next step, which is phase 4")
    climb(1)
    ran("promote", "4", "--to", "canary:25", *FORCE)
    assert "engine canary:25 (async serves 25 % of the specs)" in ran("status")
    ran("promote", "4", "--to", "canary:5", *FORCE, code=2)
    ran("promote", "4", "--to", "canary:100", *FORCE, code=2)


@pytest.mark.parametrize("words", [("2",), ("9",), ("--to", "redis")])
def test_a_step_out_of_order_ends_with_2_and_names_the_next(words: Sequence[str]) -> None:
    assert "state_store json -> mirror" in ran("promote", *words, *FORCE, code=2)


def test_what_the_environment_sets_is_shown() -> None:
    text = phase("status", HARNESS_FLAG_ENGINE="async").output
    assert "set here: HARNESS_FLAG_ENGINE=async, for what is started from here" in text


def test_rollback_and_kill(here: Path) -> None:
    assert "nothing to do" in ran("rollback")
    climb(3)
    assert facts("rollback")["entry"]["after"]["agent_calls"] == "blocking"
    assert "say a phase, or --all" in ran("rollback", "1", "--all", code=2)
    assert "there is no phase 7" in ran("rollback", "7", code=2)
    assert "say why" in ran("kill", code=2)
    assert "4" not in {path.stem[-1] for path in (here / "flags.audit").glob("*5.json")}
    assert "kill state_store redis -> json: fire" in ran("kill", "--reason", "fire")
    assert facts("rollback", "--all")["entry"] is None


def test_approval_opens_what_waits_for_a_person(here: Path) -> None:
    (here / "harness.toml").write_text(EASY.replace("[gates.1]", "[gates.1]\napproval = true"))
    show()
    assert ran("promote", code=1).endswith("the gate is shut\nnothing was moved\n")
    assert "phase 1 (foundations): state_store json -> mirror" in ran("approve", "--reason", "seen")
    assert ran("status").endswith("the gate is open\nharness phase promote 1\n")
    assert facts("promote")["entry"]["number"] == 2


def test_adopt_takes_over_what_was_written_by_hand(here: Path) -> None:
    climb(1)
    flags = here / "flags.json"
    flags.write_text(flags.read_text().replace('"defaultVariant": "mirror"', '"defaultVariant": "redis"'))
    assert "all builds go to legacy" in ran("status")
    assert "say why" in ran("adopt", code=2)
    assert facts("adopt", "--reason", "meant so")["after"]["state_store"] == "redis"
    assert "there is nothing to adopt" in ran("adopt", "--reason", "again", code=2)


def test_finalize_only_at_the_end_and_for_ever() -> None:
    assert "still to come" in ran("finalize", "--reason", "x", code=2)
    climb(LAST)
    text = ran("status")
    assert "everything is on async" in text
    assert "harness phase finalize" in text
    assert "say why" in ran("finalize", code=2)
    assert facts("finalize", "--reason", "done")["finalized"] is True
    assert "given up already" in ran("finalize", "--reason", "x", code=2)
    assert "the way back to JSON was given up" in ran("status")
    assert "no step left" in ran("promote", code=2)
    # The state stays where it is, and all else goes back.
    back = facts("kill", "--reason", "fire")["entry"]["after"]
    assert (back["state_store"], back["engine"]) == ("redis", "legacy")
    assert "cannot go back to JSON" in ran("rollback", code=2)


def test_the_plan_has_a_line_for_each_of_nine_steps() -> None:
    climb(1)
    lines = ran("plan").splitlines()
    assert [line[0] for line in lines if line[0] != " "] == list("123456789")
    assert rows("\n".join(lines)) <= 10
    states = [line["state"] for line in facts("plan")]
    assert states[:3] == ["done", "next", "to come"]


def test_history_says_who_moved_what_and_why() -> None:
    assert ran("history") == "nothing has been moved yet\n"
    climb(1)
    lines = ran("history", "--verify").splitlines()
    assert "promote  state_store json -> mirror" in lines[0]
    assert lines[1].strip() == "forced: test"
    assert lines[2] == "verified: 1 entry, each sealed with the one before it"
    climb(LAST - 1)
    assert [line for line in ran("history").splitlines() if len(line.rstrip()) > 80] == []
    assert [entry["number"] for entry in facts("history")] == list(range(1, LAST + 1))
    assert all(len(entry["seal"]) == 64 for entry in facts("history"))


def test_history_of_a_log_that_was_tampered_with_ends_with_1(here: Path) -> None:
    climb(2)
    entry = here / "flags.audit" / "000001.json"
    entry.write_text(entry.read_text().replace('"reason": "test"', '"reason": "open"'))
    for words in (("history",), ("history", "--verify"), ("history", "--json")):
        said = ran(*words, code=1)
        assert said == (
            "harness: flags.audit/000001.json: was changed after it was written: its seal does not fit what "
            "it says\n"
        )


def test_attest_keeps_a_suite_that_was_run_by_this_code(here: Path) -> None:
    junit = here / "seeded.xml"
    assert "cannot be read" in ran("attest", "seeded", "--junit", str(junit), code=2)
    case = '<testcase classname="t" name="{}">{}</testcase>'
    good = f"<testsuites><testsuite>{case.format('a', '')}</testsuite></testsuites>"
    junit.write_text(good)
    assert junit.stat().st_mtime > newest_source().timestamp()
    assert "1 of 1 tests passed" in ran("attest", "seeded", "--junit", str(junit))
    junit.write_text(good.replace("</testsuite>", case.format("b", "<failure/>") + "</testsuite>"))
    assert facts("attest", "load-test", "--junit", str(junit), code=1)["status"] == "FAIL"


def test_watch_once_ends_when_nothing_waits() -> None:
    assert ran("watch", "--once") == ""


def test_who_moved_meanwhile_is_told_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = Installation(Path("flags.json")).standing()
    climb(1)
    monkeypatch.setattr("harness.flags.installation.Installation.standing", lambda _: stale)
    assert "moved meanwhile, by someone else" in ran("promote", *FORCE, code=3)
