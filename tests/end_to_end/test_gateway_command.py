"""`harness gateway`: an address that any Ollama client can use, alone."""

from __future__ import annotations

import json
import re
import signal
import socket
from pathlib import Path

import ollama
import pytest

from harness.gateway.listening_address import parse_address
from tests.end_to_end.harness_command import run_command
from tests.end_to_end.harness_process import harness, installed_harness

ANY_PORT = ("--listen", "127.0.0.1:0")
CHAT = [{"role": "user", "content": "Why?"}]


def _url(said: str) -> str:
    found = re.search(r"OLLAMA_HOST=(\S+)", said)
    assert found is not None, said
    return found[1]


def test_any_client_can_use_it_and_it_ends_with_sigterm(tmp_path: Path) -> None:
    with installed_harness(tmp_path, "gateway", "--upstream", "simulated", *ANY_PORT, "--json") as running:
        running.wait_for("listening on")
        with ollama.Client(_url(running.errors), trust_env=False) as client:
            assert "simulated model" in (client.chat("any", CHAT).message.content or "")
            assert client.list().models[0].model == "simulated:latest"
        running.process.send_signal(signal.SIGTERM)
        assert running.finish() == 128 + signal.SIGTERM
        running.assert_nothing_left()
    [call] = map(json.loads, running.output.splitlines())
    assert (call["status"], call["model"], call["error"]) == (200, "any", None)


def test_it_records_and_replays(tmp_path: Path) -> None:
    answers = []
    for upstream in ("record:tapes@simulated", "replay:tapes"):
        arguments = ("--upstream", upstream, "--cassette", "mine", "--time-scale", "0")
        with harness(tmp_path, "gateway", *arguments, *ANY_PORT) as running:
            running.wait_for("listening on")
            with ollama.Client(_url(running.errors), trust_env=False) as client:
                answers.append(client.chat("any", CHAT).message.content)
            running.process.send_signal(signal.SIGINT)
            assert running.finish() == 128 + signal.SIGINT
        assert "200 any unknown#1" in running.output
    assert answers[0] == answers[1]
    assert (tmp_path / "tapes" / "mine.jsonl").is_file()


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, _, err = run_command(tmp_path, "gateway", "--upstream", "simulated", "--listen", address)
    assert code == 3
    assert f"cannot listen on {address}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--listen", "here"), "'here' is no address to listen on"),
        (("--upstream", "replay:none"), "there is no none/gateway.jsonl"),
        (("--upstream", "llama"), "--upstream: 'llama' is no model choice"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: tuple[str, str], said: str) -> None:
    code, out, err = run_command(tmp_path, "gateway", *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_addresses() -> None:
    assert (parse_address("11435").host, parse_address("11435").port) == ("127.0.0.1", 11435)
    assert parse_address("[::1]:80").url(80) == "http://[::1]:80"
    for wrong in ("", ":", "host", "host:", ":80", "h:70000", "h:-1", "h:٣"):
        with pytest.raises(ValueError, match="is no address"):
            parse_address(wrong)
