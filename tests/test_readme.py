"""What the README and the docs say is so: commands, options, tasks and links exist."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from harness.cli import app
from harness.compare import Layer
from harness.engines.composition import parse_engine
from harness.engines.external.description import ExternalDescription
from harness.spec import find_specs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "README.md"]
MIRROR = ("mirror follow", "mirror backfill", "mirror verify", "mirror repair", "mirror export")
PHASE = tuple(
    f"phase {name}" for name in ("status", "promote", "rollback", "kill", "watch", "history", "adopt")
)
COMMANDS = (
    "build",
    *PHASE,
    "compare",
    "bisect",
    "diff",
    "doctor",
    "resume",
    "runs prune",
    "watch",
    "trace",
    "schema",
    *MIRROR,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_is_shown_exists(page: Path, command: str) -> None:
    lines = re.findall(rf"harness {command} ([^#\n]*?)(?=, then|#|\n)", page.read_text())
    shown = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
    assert {option for option in shown if option not in _help(command)} == set()


@cache
def _help(command: str) -> str:
    return CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"}).output


def test_every_engine_and_example_that_is_shown_exists() -> None:
    for name in re.findall(r"--(?:candidate|control) ([\w:=,]+)(?:\s|$)", README):
        parse_engine(name)
    for path in re.findall(r"compare (examples/\S*)", README):
        assert find_specs([ROOT / path])
    for path in re.findall(r"external:(examples/\S*)", README):
        assert (ROOT / path).is_file()


def test_every_description_of_an_engine_that_is_shown_is_one() -> None:
    page = (ROOT / "docs" / "engines.md").read_text()
    texts = [*re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    texts += [path.read_text() for path in (ROOT / "examples" / "engines").glob("*.yaml")]
    assert len(texts) >= 2
    for text in texts:
        # Where the checkout is, everybody knows for themselves.
        here = {"source": str(ROOT), "python": sys.executable}
        about = ExternalDescription.model_validate({**yaml.safe_load(text), **here})
        assert about.words(idea="a shop", model="m", spec="shop")


def test_every_task_that_is_shown_exists() -> None:
    tasks = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["poe"]["tasks"]
    text = "".join(page.read_text() for page in PAGES)
    assert set(re.findall(r"uv run poe ([a-z]+)", text)) <= tasks.keys()


def test_ci_does_what_the_readme_says_and_nothing_else() -> None:
    commands = [
        # What goes on beside others is a command like any other.
        line.removesuffix(" &")
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd ", "checks=$!", "trap 'kill ", 'wait "$checks"'))
    ]
    assert commands
    assert "uv run --extra local-model pytest" in commands
    assert [command for command in commands if command not in README] == []


def test_the_output_that_is_shown_is_what_the_report_prints() -> None:
    """Names and numbers that must fit each other; the test of the command itself sees the real thing."""
    shown = README.partition("```text\n")[2].partition("```")[0]
    # Nothing is executed unless it is asked for.
    for layer in set(Layer) - {Layer.BEHAVIOUR}:
        assert f"\n  {layer.value} " in shown
    control, candidate = re.findall(r"wall-clock +([\d.]+) s +([\d.]+) s", shown)[0]
    (speedup,) = set(re.findall(r"speed-up ([\d.]+)", shown))
    assert abs(float(control) / float(candidate) - float(speedup)) < 0.01
    assert "simulated model" in shown
    assert re.search(r"^PASS ecommerce: ", shown, re.MULTILINE)
