"""Both engines from their own command lines, against the gateway's simulated model over HTTP."""

from __future__ import annotations

import asyncio
import os
import pty
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from async_arch import command_line
from harness.gateway.process import Gateway, running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from legacy import factory_boss

LEGACY = "legacy.factory_boss"
ASYNC = "async_arch.orchestrator"
MAINS = {LEGACY: factory_boss.main, ASYNC: command_line.main}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[Gateway]:
    settings = GatewaySettings(
        upstream=SimulateSettings(ttft_s=0.005, tokens_per_s=20_000), token=secrets.token_urlsafe(24)
    )
    async with running_gateway(settings) as gateway:
        await gateway.open_run("alone", 4)
        yield gateway


def _environment(gateway: Gateway | None) -> Mapping[str, str]:
    host = gateway.ollama_host("alone") if gateway else "http://127.0.0.1:1"
    return {**os.environ, "OLLAMA_HOST": host, "NO_PROXY": "127.0.0.1"}


async def _start(
    folder: Path, gateway: Gateway | None, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL
) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        cwd=folder,
        env=_environment(gateway),
        stdin=stdin,
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


async def _run(folder: Path, gateway: Gateway | None, *arguments: str) -> tuple[int | None, str]:
    process = await _start(folder, gateway, *arguments)
    async with asyncio.timeout(50):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        (LEGACY,),
        (ASYNC,),
        (ASYNC, "--state-store", "json", "--agent-calls", "threads", "--orchestration", "sequential"),
        (ASYNC, "--state-store", "mirror"),
    ],
    ids=["legacy", "async", "async-json-threads-sequential", "async-mirror"],
)
async def test_an_engine_builds_a_project_alone(
    arguments: tuple[str, ...], gateway: Gateway, tmp_path: Path
) -> None:
    code, out = await _run(tmp_path, gateway, *arguments, "--idea", "A library that lends books.")
    assert code == 0, out
    (project,) = (tmp_path / "output").iterdir()
    assert project.name.startswith("project_2")
    assert {"main.py", "requirements.txt", "blackboard.json"} <= {path.name for path in project.iterdir()}
    assert not [path for path in project.rglob("*") if path.is_file() and not path.stat().st_size]
    assert "TASK_COMPLETED analyst" in out
    assert out.rstrip().endswith(f"complete: output/{project.name}")
    assert ("mirror in Redis: " in out) == ("mirror" in arguments)
    assert "not caught up" not in out


async def test_two_builds_at_once_do_not_share_a_folder(gateway: Gateway, tmp_path: Path) -> None:
    """The folder's name has a resolution of one second."""
    results = await asyncio.gather(
        *(_run(tmp_path, gateway, LEGACY, "--idea", "A list of books.") for _ in range(2))
    )
    assert [code for code, _ in results] == [0, 0]
    assert len(list((tmp_path / "output").iterdir())) == 2


@pytest.mark.parametrize("engine", [LEGACY, ASYNC])
async def test_no_model_fails_the_build_with_the_reason(engine: str, tmp_path: Path) -> None:
    code, out = await _run(tmp_path, None, engine, "--idea", "A shop.")
    assert code == 3
    assert "failed: analyst: the model could not be reached" in out
    assert "Traceback" not in out


async def test_no_redis_is_one_line_and_leaves_no_project(tmp_path: Path) -> None:
    code, out = await _run(tmp_path, None, ASYNC, "--idea", "A shop.", "--redis", "redis://127.0.0.1:1")
    assert code == 3
    assert "no answer from Redis at redis://127.0.0.1:1" in out
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((LEGACY,), "no --idea and no terminal to ask on"),
        ((LEGACY, "--idea", "  "), "the idea is empty"),
        ((ASYNC,), "--idea"),
        ((ASYNC, "--idea", ""), "the idea is empty"),
        ((ASYNC, "--idea", "x", "--redis", "nowhere"), "--redis must be 'embedded' or begin with"),
        ((ASYNC, "--idea", "x", "--concurrency", "0"), "at least 1"),
        ((ASYNC, "--idea", "x", "--agent-calls", "fast"), "--agent-calls"),
    ],
)
def test_bad_usage_is_exit_2_and_leaves_nothing(
    arguments: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Asked of the command line in this process, as it comes to no build."""
    monkeypatch.chdir(tmp_path)
    module, *rest = arguments
    with pytest.raises(SystemExit) as ended:
        MAINS[module](rest)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


async def test_without_an_idea_the_analyst_interviews_on_the_terminal(
    gateway: Gateway, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    try:
        process = await _start(tmp_path, gateway, LEGACY, stdin=theirs)
        # Typed ahead: the idea, then an answer to each question there may be.
        os.write(ours, b"A diary with entries.\nOnly me.\nNothing else.\nNo.\n")
        async with asyncio.timeout(50):
            out, _ = await process.communicate()
    finally:
        os.close(ours)
        os.close(theirs)
    text = out.decode()
    assert process.returncode == 0, text
    assert "What do you want to build?" in text
    (project,) = (tmp_path / "output").iterdir()
    assert "Only me." in (project / "blackboard.json").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the server in /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_the_async_engine_stopped_in_mid_build_takes_its_redis_along(
    number: int, code: int, gateway: Gateway, tmp_path: Path
) -> None:
    process = await _start(tmp_path, gateway, ASYNC, "--idea", "A library that lends books.")
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while b"TASK_STARTED" not in await process.stdout.readline():
            pass
        servers = _children(process.pid)
        assert servers
        process.send_signal(number)
        out, _ = await process.communicate()
    assert process.returncode == code, out.decode()
    assert "Traceback" not in out.decode()
    assert not [pid for pid in servers if Path(f"/proc/{pid}").exists()]


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]
