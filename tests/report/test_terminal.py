"""The printed report: what a person needs to decide is there and whole, and nothing of it is markup."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agents.build import MirrorReport
from agents.conversation import Cause
from harness.compare import Comparison, Status, compare
from harness.record import ModelFacts
from harness.report.terminal import print_comparison, print_summary
from harness.spec import Spec
from tests.compare.breakages import BREAKAGES
from tests.compare.records import FILES, make_call, make_failure, make_record
from tests.compare.rehearsal import SHOP, rehearse_candidate, rehearse_control

WIDTHS = pytest.mark.parametrize("width", [80, 100])


def printed(comparison: Comparison, width: int = 100, *, colours: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        highlight=False,
        force_terminal=colours,
        color_system="standard" if colours else None,
        legacy_windows=False,
    )
    print_comparison(console, comparison)
    return out.getvalue()


def words(text: str) -> str:
    """`text` with its lines joined, so that a sentence is found however it was wrapped."""
    return " ".join(text.split())


def rows(text: str) -> dict[str, list[str]]:
    """What stands behind the first two spaces of each line, by what stands before."""
    return {
        " ".join(cells[:1]): cells[1:]
        for line in text.splitlines()
        if (cells := [cell for cell in line.strip().split("  ") if cell])
    }


def compared(tmp_path: Path, candidate: dict[str, Any], expect: dict[str, Any] | None = None) -> Comparison:
    spec = Spec.model_validate({"name": "shop", "idea": "a shop", "expect": expect or {}})
    control = make_record(tmp_path / "control", engine="legacy", concurrent=False, wall_s=30.0)
    return compare(spec, control, make_record(tmp_path / "candidate", **candidate))


@pytest.fixture(scope="module")
def equal(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("runs")
    return compare(SHOP, rehearse_control(folder / "control"), rehearse_candidate(folder / "candidate"))


@WIDTHS
def test_the_report_of_equal_engines_holds_all_that_was_measured(equal: Comparison, width: int) -> None:
    text = printed(equal, width)
    assert "legacy (control) against async (candidate), policy exact" in text
    assert "simulated model (asked as llama3.1) · 4 slots · Redis: embedded" in text
    cells = rows(text)
    for layer in ("outcome", "conversation", "blackboard", "files", "events"):
        assert cells[layer][0].strip() == "equal"
    control, candidate = equal.control.timing, equal.candidate.timing
    assert [cell.strip() for cell in cells["wall-clock"]] == [
        f"{control.wall_s:.2f} s",
        f"{candidate.wall_s:.2f} s",
        f"speed-up {equal.speedup:.2f}",
    ]
    for name, form in (
        ("lower bound", "{0.lower_bound_s:.2f} s"),
        ("critical path", "{0.critical_path_s:.2f} s"),
        ("work / slots", "{0.work_over_slots_s:.2f} s"),
        ("efficiency", "{0.efficiency:.0%}"),
        ("list schedule", "{0.list_schedule_s:.2f} s"),
        ("wall-clock over it", "{0.over_list_schedule:.3f}"),
        ("queueing", "{0.queued_s:.2f} s"),
        ("generating", "{0.work_s:.2f} s"),
        ("nothing generating", "{0.idle_s:.2f} s"),
        ("first token", "{0.ttft_s:.2f} s"),
        ("processor time", "-"),
        ("start-up", "{0.startup_s:.2f} s"),
        ("calls", "{0.calls}"),
        ("tokens in", "{0.prompt_tokens}"),
        ("tokens out", "{0.output_tokens}"),
    ):
        assert [cell.strip() for cell in cells[name]][:2] == [form.format(control), form.format(candidate)]
    assert equal.limit.sentence[1:] in words(text)
    (seen,) = equal.candidate_overlaps
    assert [c.strip() for c in cells["Orders and Reports"]][:2] == ["0.000 s", f"{seen.together_s:.3f} s"]
    assert "as expected: speed-up" in text
    assert equal.control.folder in "".join(line.strip() for line in text.splitlines())


def test_processor_time_is_shown_where_it_was_measured(equal: Comparison) -> None:
    timing = equal.candidate.timing.model_copy(update={"cpu_s": 1.234})
    candidate = equal.candidate.model_copy(update={"timing": timing})
    cells = rows(printed(equal.model_copy(update={"candidate": candidate}), 100))
    assert [cell.strip() for cell in cells["processor time"]][:2] == ["-", "1.23 s"]


@WIDTHS
def test_no_line_is_wider_than_the_terminal_but_the_verdict(equal: Comparison, width: int) -> None:
    """Bars that wrap, and tables that do, cannot be read."""
    *lines, verdict = printed(equal, width).splitlines()
    assert max(map(len, lines)) <= width
    for name in ("wall-clock", "list schedule", "(project)", "Orders", "lower bound"):
        assert sum(line.strip().startswith(f"{name}  ") for line in lines) == 1
    assert verdict.startswith(
        "PASS shop: 27 calls, 9 files, the blackboard and 52 events are equal; speed-up "
    )


@WIDTHS
@pytest.mark.parametrize("status", ["FAIL", "ERROR"])
def test_the_verdict_is_the_last_line_and_whole(status: str, width: int, tmp_path: Path) -> None:
    """However long the reason is, and however narrow the terminal: nothing is cut off, nothing wrapped."""
    reason = "it broke " + "because of this and that " * 20 + "in the end"
    cause = Cause.ENGINE if status == "FAIL" else Cause.STATE
    comparison = compared(tmp_path, {"failures": [make_failure(cause, "developer:Cart", reason)]})
    text = printed(comparison, width)
    last = text.splitlines()[-1]
    assert last.startswith(f"{status} shop: ")
    assert reason in last
    assert comparison.verdict.status == status


def test_every_reason_stands_in_the_report(tmp_path: Path) -> None:
    """Also those of an error, which are no mismatches."""
    comparison = compared(
        tmp_path,
        {
            "failures": [
                make_failure(Cause.MODEL, "developer:Cart", "500: out of memory"),
                make_failure(Cause.STATE, "state", "no answer from Redis"),
            ]
        },
    )
    text = words(printed(comparison, 80))
    assert len(comparison.verdict.reasons) == 2
    assert all(reason in text for reason in comparison.verdict.reasons)
    assert "500: out of memory (and 1 more)" in text
    failed = compared(tmp_path / "other", {"files": {"a.py": "1"}}, {"modules": 9})
    text = words(printed(failed, 80))
    assert len(failed.verdict.reasons) > 3
    assert all(reason in text for reason in failed.verdict.reasons)


def test_causes_come_before_what_follows_and_the_rest_is_counted(tmp_path: Path) -> None:
    breakage = BREAKAGES["omits a line of a prompt"]
    comparison = compare(
        SHOP,
        rehearse_control(tmp_path / "control"),
        rehearse_candidate(tmp_path / "candidate", parts=breakage.parts),
    )
    text = words(printed(comparison, 80))
    cause = text.index("conversation: prompt drift: the developer of Catalog was asked otherwise")
    rest = text.index(f"{len(comparison.mismatches) - 1} more can follow from that, the first 3 of them:")
    assert cause < rest < text.index("the reviewer of Catalog was asked otherwise")
    # Once more in the verdict, at the top.
    assert text.count("was asked otherwise") == 5


def test_the_verdict_stands_on_top_and_at_the_end(tmp_path: Path) -> None:
    lines = printed(compared(tmp_path, {"files": {**FILES, "extra.py": "x = 1"}})).splitlines()
    assert lines[-1] == "FAIL shop: extra.py is only in the candidate"
    # Whoever looks for it at the left edge finds it once.
    assert lines[1].rstrip() == f"  {lines[-1]}"


def test_of_many_causes_the_first_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    comparison = compared(
        tmp_path, {"files": {**FILES, **{f"extra{i:02}.py": f"x = {i}" for i in range(20)}}}
    )
    text = words(printed(comparison))
    assert "extra07.py is only in the candidate" in text
    assert "extra08.py" not in text
    assert "and 12 more" in text
    assert "extra00.py is only in the candidate (and 19 more)" in text.rpartition("FAIL shop: ")[2]


def test_a_run_that_failed_has_no_speedup(tmp_path: Path) -> None:
    """Who gives up at once is not fast."""
    comparison = compared(
        tmp_path, {"failures": [make_failure(Cause.ENGINE)], "wall_s": 0.1}, {"min_speedup": 2}
    )
    text = printed(comparison)
    assert "no speed-up: a run failed" in text
    assert "speed-up 300" not in text
    assert "not judged: speed-up of at least 2: the candidate failed" in text


def test_a_resumed_run_has_no_speedup_and_is_named(tmp_path: Path) -> None:
    """Neither what was done twice nor the pause between two sittings says how fast an engine is."""
    comparison = compared(tmp_path, {"sittings": 2, "wall_s": 0.1}, {"min_speedup": 2})
    text = words(printed(comparison))
    assert "no speed-up: a run was resumed" in text
    assert "speed-up 300" not in text
    assert "note: the candidate was resumed, and took 2 sittings: tasks that were cut off" in text
    assert "not judged: speed-up of at least 2: the candidate was resumed" in text
    assert "Nothing can be said of a limit" in text


def test_a_real_model_is_named_with_its_place(tmp_path: Path) -> None:
    model = ModelFacts(kind="ollama", name="llama3.1", url="http://127.0.0.1:11434")
    text = printed(compared(tmp_path, {"model": model}))
    assert "Ollama llama3.1 at http://127.0.0.1:11434 · 4 slots" in text
    assert "simulated" not in text


def test_one_slot_says_what_more_would_bring(tmp_path: Path) -> None:
    calls = [make_call("developer", f"M{i}", granted_s=float(i), end_s=i + 1.0) for i in range(8)]
    text = words(printed(compared(tmp_path, {"calls": calls, "slots": 1, "wall_s": 8.5}), 80))
    assert "· 1 slot" in text
    assert "The model is the limit, not the engine: 8.00 s of generating on 1 slot" in text
    assert "could take 1.00 s (8.0 times faster)" in text


NASTY = [
    "[bold]x[/]",
    "[/]",
    "[red",
    "\\[bold]",
    "x\\",
    ":smile:",
    "[link=http://x]y[/link]",
    "漢字",
    "ünï🙂",
    "x",
]
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@WIDTHS
@pytest.mark.parametrize("nasty", NASTY)
def test_markup_in_names_is_only_text(nasty: str, width: int, tmp_path: Path) -> None:
    """Names of modules, files and engines and the words of models can hold anything."""
    comparison = compared(
        tmp_path,
        {
            "engine": f"engine {nasty}",
            "files": {**FILES, f"{nasty.replace('/', '|')}.py": "x = 1"},
            "calls": [make_call("analyst", None), make_call("developer", nasty, content=nasty, end_s=5.0)],
            "model": ModelFacts(kind="ollama", name=nasty, url=nasty),
        },
        {"parallel": [[nasty, f"other {nasty}"]]},
    )
    plain, coloured = printed(comparison, width), printed(comparison, width, colours=True)
    for place in ("engine {}", "Ollama {} at {}", "{} and other {}", "asked for module {} (1 call)"):
        assert place.replace("{}", nasty) in words(plain)
    # With colours it is the same text, in the report's own styles and in no others.
    assert STYLE.sub("", coloured) == plain
    assert set(STYLE.findall(coloured)) == {
        f"\x1b[{code}m" for code in ("0", "1", "2", "31", "32", "36", "1;31")
    }


@WIDTHS
@pytest.mark.parametrize("code", ["\x1b[2J", "\x1b]0;title\x07", "\r", "\x08", "\x9b1m", "\u202e"])
def test_nothing_reaches_the_terminal_as_a_command(code: str, width: int, tmp_path: Path) -> None:
    """A model's words must neither clear the screen nor hide the verdict."""
    reason = f"before{code}after"
    comparison = compared(
        tmp_path,
        {
            "engine": reason,
            "failures": [make_failure(Cause.ENGINE, reason, reason)],
            "calls": [make_call("unknown", reason)],
            "model": ModelFacts(kind="ollama", name=reason, url=reason),
        },
        {"parallel": [[reason, "B"]]},
    )
    text = printed(comparison, width)
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    out = io.StringIO()
    print_summary(Console(file=out), [comparison.model_copy(update={"spec": reason})])
    assert code not in out.getvalue()


def test_the_summary_has_a_line_for_each_spec_and_the_worst_verdict_last(
    equal: Comparison, tmp_path: Path
) -> None:
    failed = compared(tmp_path, {"failures": [make_failure(Cause.ENGINE)]})
    out = io.StringIO()
    print_summary(Console(file=out, width=80), [equal, failed.model_copy(update={"spec": "[b]other[/]"})])
    lines = out.getvalue().splitlines()
    assert [line.split() for line in lines[-3:-1]] == [
        ["shop", "PASS", f"{equal.speedup:.2f}", "0"],
        ["[b]other[/]", "FAIL", "-", str(len(failed.mismatches))],
    ]
    assert lines[-1] == "FAIL: 2 specs compared"


@pytest.mark.parametrize("status", Status)
def test_every_status_can_be_printed(status: Status, equal: Comparison) -> None:
    verdict = equal.verdict.model_copy(update={"status": status})
    text = printed(equal.model_copy(update={"verdict": verdict}), colours=True)
    assert status.value in text.splitlines()[-1]


def test_how_a_mirror_kept_up_is_a_line(tmp_path: Path) -> None:
    comparison = compared(tmp_path, {})
    assert "mirror of" not in printed(comparison)
    report = MirrorReport(7, 6, True, problem="no answer for a while", lag_median_s=0.0012, lag_max_s=0.5)
    candidate = comparison.candidate.model_copy(update={"mirror": report})
    text = words(printed(comparison.model_copy(update={"candidate": candidate})))
    assert (
        "mirror of the candidate: 7 saves, 6 of them read back; equal at the end; lag 1.2 ms median, "
        "500.0 ms at most; no answer for a while" in text
    )
