"""The guard script alone, with small programs in the server's place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from async_arch import redis_guard

WITHIN_S = 20.0

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")

SERVER = "trap 'echo stopped; exit 5' TERM; echo running; while :; do sleep 0.02; done"
"""A program that says when it runs and when it is asked to stop."""


def guard(tie: str, *command: str) -> list[str]:
    assert redis_guard.__file__ is not None
    return [sys.executable, "-I", "-S", redis_guard.__file__, tie, *command]


def run(tie: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        guard(tie, *command),
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )


@contextmanager
def watched() -> Iterator[subprocess.Popen[str]]:
    """A watchdog whose server runs."""
    command = guard("pipe", "/bin/sh", "-c", SERVER)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            yield process
        finally:
            process.kill()


@ON_LINUX
def test_becomes_the_server_under_the_same_pid() -> None:
    command = guard(str(os.getpid()), "/bin/sh", "-c", "echo $$")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output, _ = process.communicate(timeout=WITHIN_S)
    assert int(output) == process.pid


@ON_LINUX
def test_runs_nothing_for_an_owner_already_gone() -> None:
    result = run(str(os.getppid()), "/bin/echo", "running")
    assert (result.returncode, result.stdout) == (1, "")
    assert "is gone" in result.stderr


@pytest.mark.parametrize(
    "tie", [pytest.param(str(os.getpid()), marks=ON_LINUX), "pipe"], ids=["deathsig", "watchdog"]
)
def test_says_in_one_line_why_a_program_cannot_run(tie: str, tmp_path: Path) -> None:
    result = run(tie, str(tmp_path / "missing"))
    assert result.returncode == 1
    assert result.stderr == f"cannot run {tmp_path}/missing: No such file or directory\n"


def test_the_watchdog_stops_the_server_when_the_owners_pipe_closes() -> None:
    with watched() as process:
        output, _ = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, output) == (5, "stopped\n")


def test_the_watchdog_stops_the_server_when_it_is_told_to_stop() -> None:
    with watched() as process:
        process.terminate()
        assert process.wait(WITHIN_S) == 5
        assert process.stdout is not None
        assert process.stdout.read() == "stopped\n"


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("kill -9 $$", 128 + 9)])
def test_the_watchdog_ends_with_the_servers_status(script: str, status: int) -> None:
    command = guard("pipe", "/bin/sh", "-c", script)
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.wait(WITHIN_S) == status
