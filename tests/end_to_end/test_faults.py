"""What goes wrong around the engines: it ends in a result or in one line, and leaves nothing running."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.end_to_end.harness_process import STEADY, harness, listening_ports, run_harness
from tests.gateway.scripted_ollama import Exchange, Script, line
from tests.threaded_ollama import threaded_ollama

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")

SPEC = """
name: shop
idea: A shop.
modules:
  - {name: Users, module_type: data, description: Users with a name}
  - {name: Orders, module_type: service, description: Orders; place and cancel, requires: [Users]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(SPEC)
    return tmp_path


def test_no_redis_at_the_url_is_one_line_and_exit_3(folder: Path) -> None:
    code, out, err = run_harness(
        folder, "compare", "shop.yaml", "--model", "simulated", "--redis", "redis://:secret@127.0.0.1:1/0"
    )
    assert (code, out) == (3, "")
    assert "no answer from Redis at redis://:***@127.0.0.1:1/0" in err
    assert err.count("\n") == 1
    assert "secret" not in err


def test_no_ollama_where_one_was_asked_for_is_one_line_and_exit_3(folder: Path) -> None:
    code, out, err = run_harness(folder, "compare", "shop.yaml", "--model", "ollama:http://127.0.0.1:1")
    assert (code, out) == (3, "")
    assert "no Ollama answers at http://127.0.0.1:1" in err
    assert err.count("\n") == 1


def test_redis_killed_in_mid_run_is_a_result(folder: Path) -> None:
    """The run fails with the reason; it is the surroundings' fault and never a mismatch of the engines."""
    with harness(folder, "compare", "shop.yaml", "--model", "simulated", *STEADY) as running:
        running.wait_for("async (candidate)", "architect:Users done")
        os.kill(running.relative("unixsocket"), signal.SIGKILL)
        code = running.finish()
        running.assert_nothing_left()
    assert code == 3
    assert "ERROR shop: the candidate failed at state: no answer from Redis" in " ".join(
        running.output.split()
    )
    assert "Traceback" not in running.output + running.errors


async def _tags(exchange: Exchange) -> bool:
    """Answer what is asked before any run; True where this was it."""
    if exchange.target.endswith("/api/version"):
        await exchange.whole(200, {"version": "0.6"})
    elif exchange.target.endswith("/api/tags"):
        await exchange.whole(200, {"models": [{"name": "llama3.1:latest"}]})
    else:
        return False
    return True


async def _status_500(exchange: Exchange) -> None:
    if not await _tags(exchange):
        await exchange.whole(500, {"error": "out of memory"})


async def _cut(exchange: Exchange) -> None:
    if not await _tags(exchange):
        await exchange.head()
        await exchange.chunk(line("```yaml\nmodules:"))
        await exchange.end()


async def _hang(exchange: Exchange) -> None:
    if not await _tags(exchange):
        await exchange.client_gone()


@pytest.mark.parametrize(
    ("script", "words"),
    [(_status_500, "500: out of memory"), (_cut, "cut"), (_hang, "no whole answer within 1 s")],
)
def test_a_model_that_fails_is_a_result_of_both_engines(folder: Path, script: Script, words: str) -> None:
    with threaded_ollama(script) as model:
        code, out, err = run_harness(
            folder, "compare", "shop.yaml", "--model", f"ollama:{model.url}", "--call-timeout", "1", "--json"
        )
    (comparison,) = json.loads(out)
    assert code == 3
    assert comparison["verdict"]["status"] == "ERROR"
    for side in ("control", "candidate"):
        (failure,) = comparison[side]["outcome"]["failures"]
        assert (failure["task"], failure["cause"]) == ("analyst", "model")
        assert words in failure["reason"]
    assert "Traceback" not in err


def test_answers_that_cannot_be_used_fail_both_engines_alike(folder: Path) -> None:
    async def nonsense(exchange: Exchange) -> None:
        if not await _tags(exchange):
            await exchange.head()
            await exchange.chunk(line("I would rather talk about the weather.") + line("", done=True))
            await exchange.end()

    with threaded_ollama(nonsense) as model:
        code, out, _ = run_harness(folder, "compare", "shop.yaml", "--model", f"ollama:{model.url}", "--json")
    (comparison,) = json.loads(out)
    assert code == 3
    (failure,) = comparison["candidate"]["outcome"]["failures"]
    assert failure["cause"] == "answer"
    assert "no usable answer in 3 attempts" in failure["reason"]
    assert comparison["candidate"]["timing"]["calls"] == 3


def test_a_run_that_takes_too_long_is_ended(folder: Path) -> None:
    code, out, _ = run_harness(
        folder, "compare", "shop.yaml", "--model", "simulated", *STEADY, "--timeout", "1", "--json"
    )
    (comparison,) = json.loads(out)
    assert code == 3
    for side in ("control", "candidate"):
        (failure,) = comparison[side]["outcome"]["failures"]
        assert (failure["cause"], failure["reason"]) == ("deadline", "not finished within 1 s")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("engine", ["legacy", "async"])
def test_stopped_in_mid_run_everything_ends(folder: Path, number: int, code: int, engine: str) -> None:
    arguments = ("compare", "shop.yaml", "--control", engine, "--model", "simulated")
    with harness(folder, *arguments, *STEADY) as running:
        running.wait_for("architect:Users done")
        ports = listening_ports(list(running.relatives()))
        assert ports, "the gateway listens"
        running.process.send_signal(number)
        assert running.finish(15) == code
        running.assert_nothing_left()
        running.assert_no_temporary_files()
    assert "Traceback" not in running.errors
    assert "stopped" in running.errors.splitlines()[-1]
    assert not ports & _open_ports()


def test_a_harness_that_is_killed_leaves_nothing_running(folder: Path) -> None:
    arguments = ("compare", "shop.yaml", "--control", "async", "--model", "simulated")
    with harness(folder, *arguments, *STEADY) as running:
        running.wait_for("architect:Users done")
        assert len(running.relatives()) >= 3, "gateway, engine and Redis live"
        running.process.kill()
        running.assert_nothing_left()


def test_an_engine_that_dies_is_a_result(folder: Path) -> None:
    """SIGKILL of the candidate's process in mid-run: its run failed, which the control's did not."""
    with harness(folder, "compare", "shop.yaml", "--model", "simulated", *STEADY) as running:
        running.wait_for("async (candidate)", "architect:Users done")
        os.kill(running.relative("harness.engines.worker"), signal.SIGKILL)
        code = running.finish()
        running.assert_nothing_left()
    assert code == 1
    assert "the engine's process ended with exit status -9" in " ".join(running.output.split())
    assert "Traceback" not in running.output + running.errors


def _open_ports() -> set[int]:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {int(fields[1].partition(":")[2], 16) for fields in map(str.split, lines) if fields[3] == "0A"}
