"""`pytest --benchmark` in a project of its own, and in this one up to where nothing is measured yet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import BadReportError, read_report
from benchmarks.scale import Scale

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]

INI = """
[pytest]
addopts =
    -p benchmarks.conftest -p no:cacheprovider -p no:valkey
    --import-mode=importlib --benchmark-disable -n 3
testpaths = tests benchmarks
timeout = 7
asyncio_default_fixture_loop_scope = function
"""
BENCHMARK = """
import json
from pathlib import Path

def test_size(scale, results, request):
    option = request.config.option
    if scale != "once":
        assert (option.tx, option.dist, option.benchmark_disable) == ([], "no", False)
        assert option.timeout > 500
    for case, said in json.loads(Path("said.json").read_text()).items():
        results.ratio("Size", case, "async", said["values"], over="lower bound", at_most=said.get("at_most"))
    results.figure("Size", "5 modules", "async", 1.5, "s")
"""
OUT = ("--benchmark", "--benchmark-output", "out")
FIVE = [1.0, 1.01, 1.02, 1.03, 1.04]


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini(INI)
    for folder, name, text in (
        ("benchmarks", "test_said.py", BENCHMARK),
        ("tests", "test_other.py", "def test_fails(): assert False"),
    ):
        pytester.mkdir(folder)
        (pytester.path / folder / name).write_text(text)
    return pytester


def run(project: pytest.Pytester, said: dict[str, Any], *words: str) -> tuple[int, list[str]]:
    """The exit status of a session whose benchmark says that, and its lines."""
    (project.path / "said.json").write_text(json.dumps(said))
    done = project.runpytest_inprocess(*words)
    return int(done.ret), done.outlines + done.errlines


def test_a_missed_promise_fails_a_session_that_measures(project: pytest.Pytester) -> None:
    said = {"5 modules": {"values": [1.1, 1.2, 1.3], "at_most": 1.05}, "50 modules": {"values": [2.0]}}
    code, lines = run(project, said, *OUT)
    assert code == 1
    assert "MISSED Size, 5 modules: async over lower bound: 1.2, at most 1.05 is promised" in lines
    # Told while it ran, and the tests of the project were not.
    assert "  Size, 50 modules: async 2 over lower bound" in lines
    assert any("1 passed" in line for line in lines)
    report = read_report(project.path / "out" / "results.json")
    assert (report.scale, report.failed, len(report.figures)) == (Scale.QUICK, (), 1)
    assert not report.unfinished
    assert report.ratios[0].values == (1.1, 1.2, 1.3)
    assert str(project.path / "out" / "curves.html") in {str(project.path / line) for line in lines}
    assert "1.200" in (project.path / "out" / "curves.html").read_text()


def test_what_a_session_has_found_outlives_its_death(project: pytest.Pytester) -> None:
    (project.path / "benchmarks" / "test_said_later.py").write_text(
        "import os\ndef test_dies(): os._exit(9)\n"
    )
    (project.path / "said.json").write_text(json.dumps({"5 modules": {"values": [1.5], "at_most": 1.0}}))
    done = project.runpytest_subprocess(*OUT)
    assert done.ret == 9
    assert "  Size, 5 modules: async 1.500 s" in done.outlines
    report = read_report(project.path / "out" / "results.json")
    assert (report.unfinished, len(report.ratios), len(report.figures)) == (True, 1, 1)


def test_a_session_that_only_tests_judges_nothing(project: pytest.Pytester) -> None:
    said: dict[str, Any] = {"5 modules": {"values": [9.0], "at_most": 1.05}}
    code, lines = run(project, said, "benchmarks", "-n", "0")
    assert code == 0
    assert not any("MISSED" in line for line in lines)
    assert not (project.path / ".harness").exists()


def test_a_ratio_beside_its_baseline(project: pytest.Pytester) -> None:
    before = {"5 modules": {"values": FIVE}, "50 modules": {"values": [1.0, 1.0]}}
    code, _ = run(project, before, "benchmarks/test_said.py", *OUT)
    assert code == 0
    beside = ("--benchmark-full", "--benchmark-baseline", "out/results.json")
    code, lines = run(project, {"5 modules": {"values": [1.01, 1.01, 1.04, 1.05, 1.03]}}, *beside)
    assert code == 0
    assert "GONE Size, 50 modules: async over lower bound" in lines
    assert "The baseline was measured with another scale: quick, here full" in lines
    code, lines = run(project, {"5 modules": {"values": [1.5, 1.51, 1.52, 1.53, 1.54]}}, *beside)
    assert code == 1
    assert "WORSENED Size, 5 modules: async over lower bound: 1.52, was 1.02, by more than noise" in lines
    (first, second) = sorted((project.path / ".harness" / "benchmarks").glob("*/results.json"))
    changes = {path: read_report(path).compared for path in (first, second)}
    assert [len(found.both) for found in changes.values() if found] == [1, 1]


def test_a_benchmark_that_breaks_is_named_in_what_is_stored(project: pytest.Pytester) -> None:
    code, _ = run(project, {"5 modules": {"values": [1.0]}, "6": {}}, *OUT)
    assert code == 1
    report = read_report(project.path / "out" / "results.json")
    assert report.failed == ("benchmarks/test_said.py::test_size",)
    assert [ratio.case for ratio in report.ratios] == ["5 modules"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("{", "no results.json of pytest --benchmark: Invalid JSON"),
        ('{"benchmarks": [], "version": "5.3"}', "no results.json of pytest --benchmark: version"),
        ('{"began": "2026-12-01", "took_s": 1, "scale": "quick", "ratios": []}', "no results.json"),
    ],
)
def test_a_baseline_that_is_none(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "baseline.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadReportError, match=f"^{path}: .*{words}"):
        read_report(path)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--benchmark-baseline", "none.json"), "--benchmark-baseline: only with --benchmark or"),
        (("--benchmark", "--benchmark-baseline", "none.json"), "none.json: No such file or directory"),
        (("--benchmark", "--benchmark-output", "said.json"), "--benchmark-output: said.json: File exists"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_run(
    project: pytest.Pytester, words: tuple[str, ...], line: str
) -> None:
    code, lines = run(project, {}, *words)
    assert code == pytest.ExitCode.USAGE_ERROR
    (error,) = (each for each in lines if each.startswith("ERROR"))
    assert line in error
    assert not any("collected" in each for each in lines)


def test_a_file_anywhere_is_taken_at_the_root_of_this_project(tmp_path: Path) -> None:
    """pytest looks for its settings beside what exists among its arguments, were it left to itself."""
    (tmp_path / "baseline.json").write_text("{}")
    words = ("--benchmark", "--benchmark-baseline", str(tmp_path / "baseline.json"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert "baseline.json: no results.json of pytest --benchmark" in done.stderr
