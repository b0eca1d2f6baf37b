"""`harness doctor` as a user runs it: what it prints, its JSON, and its exit codes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.doctor.paced_server import PacedServer, paced_server
from tests.end_to_end.harness_command import run_command

pytestmark = pytest.mark.usefixtures("forked_processes")

SPEC = """\
name: notes
idea: Notes with a title.
modules:
  - {name: Notes, module_type: data, description: Keeps notes.}
  - {name: Desk, requires: [Notes]}
"""
SOON = ("--most", "2")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "notes.yaml"
    path.write_text(SPEC)
    return path


@contextmanager
def serving(*servers: PacedServer) -> Iterator[str]:
    """The addresses of `servers`, which serve in a thread, as `--model` takes them."""
    ready, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with paced_server(servers[0]), paced_server(servers[-1]):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield ",".join(dict.fromkeys(server.url for server in servers))
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)


def test_the_simulated_model_is_measured_a_spec_predicted_and_all_of_it_called_simulated(
    spec: Path, tmp_path: Path
) -> None:
    fast = ("--model", "simulated", "--ttft", "0.01", "--tokens-per-second", "1500", "--slots", "1")
    code, out, err = run_command(tmp_path, "doctor", spec, *fast, *SOON)
    assert code == 1, err
    assert "says nothing of a real model" in out
    assert "problem  slots       it generates one answer at a time" in out
    assert "predicted for notes: 2 modules" in out
    assert "an estimate: what the simulated model builds, with the modules of the spec" in out
    assert "speed-up 1.00" in out
    # Advice that can be followed here.
    assert "--slots 2: " in out
    assert "OLLAMA_NUM_PARALLEL" not in out


def test_hosts_are_measured_one_by_one_and_predicted_together(tmp_path: Path) -> None:
    with serving(PacedServer(slots=1), PacedServer(slots=2)) as address:
        code, out, err = run_command(tmp_path, "doctor", "--model", f"ollama:{address}", *SOON, "--json")
    found = json.loads(out)
    assert code == 0, err
    assert [(host["slots"], host["url"]) for host in found["measured"]] == [
        (slots, url) for slots, url in zip((1, 2), address.split(","), strict=True)
    ]
    assert found["simulated"] is False
    slots = [finding for finding in found["findings"] if finding["name"] == "slots"]
    assert [finding["level"] for finding in slots] == ["warning", "ok"]
    assert "all hosts together work on 3" in slots[0]["sentence"]
    (context,) = [finding for finding in found["findings"] if finding["name"] == "context"]
    assert "4096 tokens: a longer prompt is cut off" in context["sentence"]


def test_a_model_that_is_not_there_is_a_problem_and_nothing_is_measured(spec: Path, tmp_path: Path) -> None:
    server = PacedServer(models=("qwen3:8b",))
    with serving(server) as address:
        code, out, _ = run_command(tmp_path, "doctor", spec, "--model", address)
    assert code == 1
    assert "-> ollama pull llama3.1" in out
    assert server.asked == []


def test_a_server_that_hangs_as_soon_as_there_are_two_is_not_measured(tmp_path: Path) -> None:
    with serving(PacedServer(hangs_at=2)) as address:
        code, out, _ = run_command(tmp_path, "doctor", "--model", address, "--limit", "1.5")
    assert code == 3
    assert "only one call at a time was tried" in out
    assert "one of 2 calls at once was under way" in out


def test_a_server_that_hangs_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    with serving(PacedServer(hangs_at=1)) as address:
        code, out, err = run_command(tmp_path, "doctor", "--model", address, "--limit", "0.3")
    assert (code, out) == (3, "")
    assert err.splitlines()[-1].startswith(f"harness: {address} was not measured: the first call had no")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--model", "ollama:http://127.0.0.1:9"), 3, "no Ollama answers at http://127.0.0.1:9"),
        (("--model", "replay:cassettes"), 2, "which is not measured"),
        (("--model", "simulated", "--redis", "localhost"), 2, "--redis: 'localhost' is neither"),
        (("none.yaml",), 2, "there is no such file"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    found, out, err = run_command(tmp_path, "doctor", *arguments)
    assert (found, out) == (code, "")
    (line,) = err.splitlines()
    assert words in line
