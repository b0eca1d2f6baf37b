"""What a process loads before it begins its work, as people wait for it."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.completion import completion_init
from typer.main import get_command
from typer.testing import CliRunner

import harness.record
from harness.cli import app
from harness.cli.deferred_command import DeferredCommand

# What single commands and single processes need, and others would load in vain.
MODEL_CLIENTS = ("httpx", "ollama")
OF_COMPARING = ("deepdiff", "griffe", "scipy", "tree_sitter")
OF_TEMPLATES = ("jinja2",)
SIMULATED = ("harness.gateway.simulate", "harness.gateway.simulated")
HARNESS = ("harness.compare", "harness.gateway", "harness.record", "harness.session", "harness.spec")


def loaded_by(code: str, *candidates: str) -> set[str]:
    """Which of `candidates` a process has loaded that has run `code`."""
    asked = f"{code}\nimport json, sys\nprint(json.dumps([m for m in {candidates!r} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", asked], capture_output=True, text=True, check=True, timeout=40
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_help_is_shown_without_what_the_commands_need() -> None:
    code = "import sys; from harness.cli import app; app(['--help'], standalone_mode=False)"
    heavy = ("aiohttp", "asyncio", "pydantic", "redis", "yaml", *MODEL_CLIENTS, *OF_COMPARING, *OF_TEMPLATES)
    assert loaded_by(code, "typer.rich_utils", *heavy, *HARNESS) == {"typer.rich_utils"}


def test_a_comparison_begins_its_processes_before_it_loads_what_it_needs_itself() -> None:
    heavy = ("pydantic", "redis", "yaml", "rich.console", "harness.session", "harness.gateway.settings")
    found = loaded_by("import harness.cli.compare", "harness.gateway.started_process", *heavy)
    assert found == {"harness.gateway.started_process"}


def test_a_comparison_begins_without_what_can_wait_until_its_gateway_loads_too() -> None:
    waiting = ("aiohttp", *MODEL_CLIENTS, *OF_COMPARING, *OF_TEMPLATES, *SIMULATED)
    assert loaded_by("import harness.cli.comparing", "harness.session", *waiting) == {"harness.session"}


def test_an_engine_loads_nothing_of_the_harness_but_what_it_speaks_to_it_with() -> None:
    unused = ("harness.gateway", "harness.record.run_record", "harness.spec", "harness.flags", "openfeature")
    code = "import harness.engines.worker"
    found = loaded_by(
        code, "harness.engines.worker_protocol", "aiohttp", *unused, *OF_COMPARING, *MODEL_CLIENTS
    )
    assert found == {"harness.engines.worker_protocol"}


def test_a_gateway_before_a_real_model_loads_no_simulated_one() -> None:
    found = loaded_by(
        "import harness.gateway.__main__", "aiohttp", "redis", *SIMULATED, *MODEL_CLIENTS, *OF_COMPARING
    )
    assert found == {"aiohttp"}


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    listed = get_command(app).commands  # type: ignore[attr-defined]
    assert listed
    for name, command in listed.items():
        assert isinstance(command, DeferredCommand)
        own = command.loaded()
        assert command.name == own.name == name
        assert command.help == own.help.partition("\n\n")[0].replace("\n", " ")
        assert (command.hidden, command.deprecated) == (own.hidden, own.deprecated)


def test_every_file_with_a_command_is_listed() -> None:
    folder = Path(__file__).parents[1] / "harness" / "cli"
    listed = get_command(app).commands  # type: ignore[attr-defined]
    text = {path.stem: path.read_text() for path in folder.glob("*.py")}
    assert set(listed) == {name for name in text if f'__all__ = ["{name}"]' in text[name]}


@pytest.mark.parametrize(
    ("words", "option"),
    [("compare", "--candidate"), ("phase promote", "--dry-run")],
)
def test_a_command_is_itself_once_it_is_asked_for(words: str, option: str) -> None:
    shown = CliRunner().invoke(app, [*words.split(), "--help"], env={"COLUMNS": "200"})
    assert (shown.exit_code, option in shown.output) == (0, True)
    wrong = CliRunner().invoke(app, [*words.split(), "--no-such-option"])
    assert wrong.exit_code == 2
    assert f"{words} --help" in wrong.output


def test_garbage_is_collected_again_once_a_command_is_loaded() -> None:
    gc.disable()
    try:
        assert CliRunner().invoke(app, ["schema", "--help"]).exit_code == 0
        assert gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


def test_a_shell_completes_what_belongs_to_a_command_that_is_not_loaded_yet() -> None:
    completion_init()
    completion = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": "harness runs pr", "COMP_CWORD": "2"}
    told = CliRunner().invoke(app, [], prog_name="harness", env=completion)
    assert told.output.split() == ["prune"]


def test_what_a_package_exports_is_in_the_module_it_says() -> None:
    package = harness.record
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    modules = {path.stem for path in Path(*package.__path__).glob("*.py")}
    assert modules.isdisjoint(package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = package.Nothing


def test_no_completion_is_installed_by_an_option() -> None:
    assert isinstance(app, typer.Typer)
    assert "--install-completion" not in CliRunner().invoke(app, ["--help"]).output
