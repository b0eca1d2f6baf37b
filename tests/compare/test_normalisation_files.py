"""Rules for generated files: a pattern finds a value, and the value is put aside where it is in bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare import Kind, Mismatch, Severity
from harness.compare.files import compare_files
from harness.compare.normalisation import Normaliser, RuleFired, Rules
from harness.record import RunRecord
from tests.compare.normalised import (
    CANDIDATE_ID,
    CANDIDATE_PLACE,
    CONTROL_ID,
    CONTROL_PLACE,
    candidate,
    control,
    rules,
)
from tests.compare.records import make_record

STAMPED = {
    "id": "generated-at",
    "kind": "timestamp",
    "files": ["*.py"],
    "pattern": r"^# generated at (.*)$",
}
TOOK = {
    "id": "took",
    "kind": "duration",
    "files": ["report/*.txt"],
    "pattern": r"([\d.]+) seconds",
    "max_difference_s": 1.0,
}
OWN = rules(STAMPED, TOOK)


def seen(
    ours: str | bytes, theirs: str | bytes, of: Rules = OWN, path: str = "app.py", **facts: Any
) -> tuple[str | bytes, str | bytes]:
    """What is compared of two files."""
    one, other = (text if isinstance(text, bytes) else text.encode() for text in (ours, theirs))
    return Normaliser(control(), candidate(**facts), of).contents(path, one, other)


def differ(ours: str, theirs: str, of: Rules = OWN, path: str = "app.py") -> bool:
    one, other = seen(ours, theirs, of, path)
    return one != other


NOW = "import os\n# generated at 2024-05-01T10:00:03\nX = 1\n"


@pytest.mark.parametrize(
    ("theirs", "is_seen"),
    [
        ("import os\n# generated at 2024-05-03T08:00:09\nX = 1\n", False),
        ("import os\n# generated at 2024-05-03T08:00:09\nX = 2\n", True),
        ("import os\n# generated at 2024-05-04T08:00:09\nX = 1\n", True),
        ("import os\n# generated at 2024-05-01T10:00:04\nX = 1\n", True),
        ("import os\n# generated at 2024-05-03T08:00:09Z\nX = 1\n", True),
        ("import os\n# generated at 2024-05-03T08:00:09 by hand\nX = 1\n", True),
        ("import os\n# generated on 2024-05-03T08:00:09\nX = 1\n", True),
        ("import os\n#  generated at 2024-05-03T08:00:09\nX = 1\n", True),
        ("import os\n# generated at \nX = 1\n", True),
        ("import os\nX = 1\n", True),
        (NOW.replace("03", "04") + "# generated at 2024-05-03T08:00:09\n", True),
    ],
)
def test_a_time_that_the_pattern_finds_is_put_aside_within_its_run(theirs: str, is_seen: bool) -> None:
    assert differ(NOW, theirs) == is_seen


def test_a_rule_holds_for_the_files_it_names() -> None:
    theirs = NOW.replace("2024-05-01T10", "2024-05-03T08")
    assert not differ(NOW, theirs, path="shop/app.py")
    assert differ(NOW, theirs, path="app.js")
    assert differ(NOW, theirs, path="app.py.txt")


@pytest.mark.parametrize(
    ("form", "ours", "theirs", "is_seen"),
    [
        ("%d.%m.%Y %H:%M:%S", "01.05.2024 10:00:03", "03.05.2024 08:00:09", False),
        ("%d.%m.%Y %H:%M:%S", "01.05.2024 10:00:03", "03.05.2024 08:02:09", True),
        ("%d.%m.%Y %H:%M:%S", "01.05.2024 10:00:03", "2024-05-03 08:00:09", True),
        # A minute, an hour, a day stands for all of it, and for no more.
        ("%d.%m.%Y %H:%M", "01.05.2024 10:00", "03.05.2024 08:00", False),
        ("%d.%m.%Y %H:%M", "01.05.2024 10:00", "03.05.2024 07:58", True),
        ("%d.%m.%Y %H:%M", "01.05.2024 10:00", "03.05.2024 08:02", True),
        ("%d %b %Y, %H h", "01 May 2024, 10 h", "03 May 2024, 08 h", False),
        ("%d %b %Y, %H h", "01 May 2024, 10 h", "03 May 2024, 09 h", True),
        ("%Y-%m-%d", "2024-05-01", "2024-05-03", False),
        ("%Y-%m-%d", "2024-05-01", "2024-05-02", True),
        ("%Y-%m-%d", "2024-05-01", "2024-05-04", True),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-05-01T10:00:03+0000", "2024-05-03T10:00:03+0200", False),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-05-01T10:00:03+0000", "2024-05-03T10:00:03+0000", True),
    ],
)
def test_a_time_in_a_format_of_the_projects_own(form: str, ours: str, theirs: str, is_seen: bool) -> None:
    of = rules({**STAMPED, "format": form})
    assert differ(f"# generated at {ours}", f"# generated at {theirs}", of) == is_seen


def test_a_slack_of_the_projects_own() -> None:
    ours, theirs = "# generated at 2024-05-01T10:00:03", "# generated at 2024-05-03T08:04:00"
    assert differ(ours, theirs)
    assert not differ(ours, theirs, rules({**STAMPED, "slack_after_s": 300}))
    assert differ(ours, "# generated at 2024-05-03T08:05:11", rules({**STAMPED, "slack_after_s": 300}))


@given(st.lists(st.floats(0, 3), max_size=3), st.lists(st.floats(0, 3), max_size=3))
def test_durations_in_a_file_are_seen_just_where_one_differs_by_more_than_it_may(
    ours: list[float], theirs: list[float]
) -> None:
    """Each is held against the one in its place."""
    rounded = [[round(number, 3) for number in numbers] for numbers in (ours, theirs)]
    one, other = (", ".join(f"{number} seconds" for number in numbers) for numbers in rounded)
    close = len(ours) == len(theirs) and all(abs(a - b) <= 1.0 for a, b in zip(*rounded, strict=True))
    assert differ(one, other, path="report/times.txt") != close


@pytest.mark.parametrize("path", ["app.py", "index.html", "deep/down/data.json"])
def test_the_runs_own_id_is_put_aside_in_generated_text(path: str) -> None:
    assert not differ(f"run = {CONTROL_ID!r}", f"run = {CANDIDATE_ID!r}", path=path)
    assert differ(f"run = {CONTROL_ID!r}", f"run = {CONTROL_ID!r}", path=path)
    assert differ(f"run = {CONTROL_ID!r}", f"run = '{CANDIDATE_ID}1'", path=path)


def test_own_folders_are_put_aside_in_every_file() -> None:
    one, other = control(external=CONTROL_PLACE), candidate(external=CANDIDATE_PLACE)
    ours, theirs = (f"\xff{place.workdir}/x".encode("latin-1") for place in (CONTROL_PLACE, CANDIDATE_PLACE))
    before, after = Normaliser(one, other).contents("any", ours, theirs)
    assert before == after
    before, after = Normaliser(one, other).contents("any", ours, theirs + b"\xfe")
    assert before != after


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_bytes_that_no_rule_is_about_come_through_as_they_are(ours: bytes, theirs: bytes) -> None:
    assert seen(ours, theirs) == (ours, theirs)


def test_what_was_put_aside_is_counted() -> None:
    normaliser = Normaliser(control(), candidate(), OWN)
    text = "# generated at 2024-05-01T10:00:03\n" * 2
    normaliser.contents("app.py", text.encode(), text.encode())
    normaliser.contents("report/a.txt", b"1 seconds, 5 seconds", b"2 seconds, 9 seconds")
    assert normaliser.fired == (
        RuleFired(rule="generated-at", control=2, candidate=0),
        RuleFired(rule="took", control=1, candidate=1),
    )


def files_of(folder: Path, run: RunRecord, content: str) -> RunRecord:
    made = make_record(folder, files={"app.py": content}, blackboard=None)
    about = made.summary.model_copy(update={"id": run.summary.id, "began_at": run.summary.began_at})
    return RunRecord(about, made.calls, made.events, made.blackboard, made.folder)


def compared(folder: Path, ours: str, theirs: str) -> list[Mismatch]:
    one, other = files_of(folder / "a", control(), ours), files_of(folder / "b", candidate(), theirs)
    return list(compare_files(one, other, Normaliser(one, other, OWN)))


def test_files_that_differ_in_nothing_else_are_equal(tmp_path: Path) -> None:
    assert compared(tmp_path, NOW, NOW.replace("2024-05-01T10", "2024-05-03T08")) == []


def test_what_is_told_of_a_file_is_what_is_left(tmp_path: Path) -> None:
    """The time is no part of it: it would be the first difference, and hide how little the other matters."""
    theirs = NOW.replace("2024-05-01T10", "2024-05-03T08").replace("X = 1", "X  =  1")
    (mismatch,) = compared(tmp_path, NOW, theirs)
    assert (mismatch.kind, mismatch.severity) == (Kind.COSMETIC, Severity.COSMETIC)
    assert "X  =  1" in mismatch.sentence


def test_a_time_beyond_the_run_is_told(tmp_path: Path) -> None:
    (mismatch,) = compared(tmp_path, NOW, NOW.replace("2024-05-01T10", "2024-06-03T08"))
    assert "2024-06-03T08:00:03" in mismatch.sentence
