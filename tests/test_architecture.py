"""The shape of the project: who may import whom, and that the legacy engine can be retired."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("agents", "async_arch", "harness", "legacy")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_nothing_but_the_registry_imports_the_legacy_engine() -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        if package != "legacy"
        for path in (ROOT / package).rglob("*.py")
        if "legacy" in _imports(path)
    }
    assert importers == {"harness/engines/registry.py"}


def test_sources_are_parsed_in_one_place() -> None:
    """Python's own parser is not safe to call from two threads; `agents.syntax` says why."""
    parsers = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "ast.parse(" in path.read_text()
    }
    assert parsers == {"agents/syntax.py"}


def test_agents_do_no_input_or_output() -> None:
    """The agents run under any driver because they touch no clock, no client, no file and no loop.

    A lock is what lets them run in any thread.
    """
    forbidden = {
        *("asyncio", "threading", "socket", "time", "datetime", "os", "pathlib", "subprocess", "random"),
        *("ollama", "redis", "aiohttp", "httpx"),
    }
    used = {path.name: _imports(path) & forbidden for path in (ROOT / "agents").glob("*.py")}
    assert {name: names for name, names in used.items() if names} == {"syntax.py": {"threading"}}


@pytest.fixture
def retired(tmp_path: Path) -> Path:
    """A copy of the project without `legacy/`, and with no way back to the original."""
    for package in PACKAGES:
        if package != "legacy":
            shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]\n"
    )
    (tmp_path / "tiny.yaml").write_text("name: tiny\nidea: A list of books with a title.\n")
    return tmp_path


def _compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", "compare", "tiny.yaml", "--model", "simulated", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_deleting_the_folder_retires_the_legacy_engine(retired: Path) -> None:
    fast = ("--ttft", "0.001", "--tokens-per-second", "50000")
    done = _compare(retired, "--control", "phase:2", *fast)
    assert done.returncode == 0, done.stdout + done.stderr
    for control in ("legacy", "phase:1"):
        refused = _compare(retired, "--control", control)
        assert refused.returncode == 2
        assert "phase:1 is too, has been retired: the folder legacy/ is gone; use phase:2" in refused.stderr
