"""What the README and the docs say is so: commands, options, tasks and links exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.compare import Layer
from harness.engines.composition import parse_engine
from harness.spec import find_specs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "README.md"]
HELP = CliRunner().invoke(app, ["compare", "--help"], env={"COLUMNS": "200"}).output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_of_compare_that_is_shown_exists(page: Path) -> None:
    lines = [line for line in page.read_text().splitlines() if "harness compare" in line]
    shown = {option for line in lines for option in re.findall(r"--[a-z-]+", line.partition("#")[0])}
    assert {option for option in shown if option not in HELP} == set()


def test_every_engine_and_example_that_is_shown_exists() -> None:
    for name in re.findall(r"--(?:candidate|control) ([\w:=,]+)", README):
        parse_engine(name)
    for path in re.findall(r"examples/\S*", README):
        assert find_specs([ROOT / path])


def test_every_task_that_is_shown_exists() -> None:
    tasks = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["poe"]["tasks"]
    text = "".join(page.read_text() for page in PAGES)
    assert set(re.findall(r"uv run poe ([a-z]+)", text)) <= tasks.keys()


def test_ci_does_what_the_readme_says_and_nothing_else() -> None:
    commands = [
        line
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands
    assert "uv run pytest" in commands
    assert [command for command in commands if command not in README] == []


def test_the_output_that_is_shown_is_what_the_report_prints() -> None:
    """Names and numbers that must fit each other; the test of the command itself sees the real thing."""
    shown = README.partition("```text\n")[2].partition("```")[0]
    for layer in Layer:
        assert f"\n  {layer.value} " in shown
    control, candidate = re.findall(r"wall-clock +([\d.]+) s +([\d.]+) s", shown)[0]
    (speedup,) = set(re.findall(r"speed-up ([\d.]+)", shown))
    assert abs(float(control) / float(candidate) - float(speedup)) < 0.01
    assert "simulated model" in shown
    assert re.search(r"^PASS ecommerce: ", shown, re.MULTILINE)
