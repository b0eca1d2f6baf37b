"""A command of the harness run to its end in the process of the test, which saves the start of another.

For what a command says and leaves. What becomes of its process, and of those that it starts, is for
`harness_process`.
"""

from __future__ import annotations

import tempfile
from contextlib import chdir, suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.application import app

__all__ = ["run_command"]


def run_command(folder: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """Run `harness` with `arguments` in `folder`: exit code, standard output, standard error.

    What it raises, which a user would see as a traceback, is raised here. Fails if a child process or a
    temporary file is left. Where a thread runs an event loop, it must be called in another.
    """
    children = _children()
    with (
        # Short, as the path of a socket below it must be.
        tempfile.TemporaryDirectory(prefix="hx", dir="/tmp") as temporary,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", temporary)
        patch.setattr(tempfile, "tempdir", None)
        patch.setenv("COLUMNS", "120")
        patch.delenv("OLLAMA_HOST", raising=False)
        with chdir(folder):
            result = CliRunner().invoke(app, [*map(str, arguments)])
        assert list(Path(temporary).iterdir()) == []
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert _children() <= children
    return result.exit_code, result.stdout, result.stderr


def _children() -> set[str]:
    """The child processes of this one, where there is a `/proc` that tells them."""
    found: set[str] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found.update(path.read_text().split())
    return found
