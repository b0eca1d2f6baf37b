"""External engines: how a run went is judged by all that can be seen together, and what is left is kept."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agents.conversation import Cause
from harness.compare import Kind, Status, compare
from harness.engines.external import engine as module
from harness.engines.external.description import ExternalDescription
from harness.engines.external.engine import ExternalEngine
from harness.gateway.settings import SimulateSettings
from harness.record import OutcomeStatus, RunRecord
from harness.session import Session, SessionSettings, open_session
from harness.spec import Spec

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEC = Spec(name="shop", idea="A shop.")
BUILD = """
import json, os, sys, time
os.makedirs("out/.state")
def write(name, text): open("out/" + name, "w").write(text)
def state(**board): write(".state/board.json", json.dumps(board))
write("main.py", "x = 1\\n")
"""
GOOD = (
    BUILD
    + "state(files_created=['out/main.py', os.path.abspath('out/main.py'), './main.py'])\nprint('D' 'ONE')"
)
ASKING = (
    BUILD
    + """
import ollama
def ask(text):
    told = {"role": "system", "content": "You are a " + text.split()[0] + "."}
    return ollama.chat(model="m", messages=[told, {"role": "user", "content": text}])["message"]["content"]
"""
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Session]:
    fast = SimulateSettings(ttft_s=0.01, tokens_per_s=50_000)
    settings = SessionSettings(model="simulated", simulated=fast, store=tmp_path_factory.mktemp("store"))
    async with open_session(settings, needs_redis=False) as opened:
        yield opened


def engine(code: str, **fields: object) -> ExternalEngine:
    about = {
        "name": "other",
        "command": [sys.executable, "-c", code.replace("{", "{{").replace("}", "}}")],
        "output": "out",
        "blackboard": ".state/board.json",
        "success": "DONE",
        **fields,
    }
    return ExternalEngine(ExternalDescription.model_validate(about))


async def run(session: Session, code: str, **fields: object) -> RunRecord:
    return await session.run(SPEC, engine(code, **fields), lambda _: None)


async def test_what_it_built_is_on_the_record_and_its_folder_is_gone(session: Session) -> None:
    record = await run(session, GOOD)
    assert record.summary.outcome.status is OutcomeStatus.FINISHED
    assert (record.summary.engine, record.summary.composition) == ("external:other", {})
    assert record.summary.files.keys() == {"main.py"}
    assert record.blackboard is not None
    assert (record.folder / "stdout.log").read_text() == "DONE\n"
    assert sorted(path.name for path in record.folder.iterdir()) == [
        *("blackboard.json", "calls.jsonl", "engine.log", "events.jsonl", "files"),
        *("record.json", "run.json", "stdout.log", "timeline.json"),
    ]


async def test_a_command_that_cannot_be_started_is_named_and_nothing_else(session: Session) -> None:
    record = await run(session, "", command=["no-such-program-1", "{idea}"])
    (failure,) = record.summary.outcome.failures
    assert failure.reason == "no-such-program-1 could not be started: No such file or directory"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (GOOD + "; sys.exit('no more memory')", "it ended with exit status 1: no more memory"),
        (GOOD.replace("print", "str"), "it never said 'DONE'"),
        (
            GOOD.replace("print(", "print('planning failed', ") + "; os.rename('out', 'o')",
            "nothing that 'out' fits",
        ),
        (BUILD + "print(1/0)", "it never said 'DONE': ZeroDivisionError: division by zero"),
    ],
)
async def test_an_exit_code_alone_is_not_believed(session: Session, code: str, reason: str) -> None:
    outcome = (await run(session, code)).summary.outcome
    assert outcome.status is OutcomeStatus.FAILED
    (failure,) = outcome.failures
    assert (failure.task, failure.cause) == ("engine", Cause.ENGINE)
    assert reason in failure.reason


async def test_what_cannot_be_collected_is_its_failure(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs the tests may look into any folder: the refusal is made up."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "out/locked")

    monkeypatch.setattr(module, "collect_files", refuse)
    record = await run(session, GOOD)
    (failure,) = record.summary.outcome.failures
    assert failure.reason == "what it left cannot be collected: [Errno 13] Permission denied: 'out/locked'"
    assert not (record.folder / "workdir").exists()


@pytest.mark.parametrize(
    ("code", "defect"),
    [
        ("write('cart.py', '')", "cart.py is empty"),
        ("state(files_created=['out/cart.py'])", "out/cart.py is listed in the blackboard and missing"),
        ("write('cart.py', 'def')", "cart.py does not compile: line 1: invalid syntax"),
        ("write('.state/board.json', '{\"modules\": ')", "blackboard.json is missing or cannot be read"),
        ("os.remove('out/.state/board.json')", "blackboard.json is missing or cannot be read"),
    ],
)
async def test_what_it_calls_done_is_looked_at(session: Session, code: str, defect: str) -> None:
    record = await run(session, f"{BUILD}state()\n{code}\nprint('DONE')")
    assert record.summary.outcome.status is OutcomeStatus.BROKEN
    assert record.summary.outcome.defects == (defect,)


async def test_one_that_hangs_is_ended_and_the_last_whole_state_kept(session: Session) -> None:
    """It is cut down while it writes its blackboard, as a real one would be."""
    torn = (
        "state(modules={'a': {}, 'b': {}})\ntime.sleep(2.5)\nwrite('.state/board.json', '{')\ntime.sleep(60)"
    )
    told: list[str] = []
    record = await session.run(SPEC, engine(BUILD + torn, timeout_s=4.5), lambda _: None, told.append)
    (failure,) = record.summary.outcome.failures
    assert (failure.cause, failure.reason) == (Cause.DEADLINE, "not finished within 4.5 s")
    assert record.blackboard == {"modules": {"a": {}, "b": {}}}
    assert "0 calls, 0 under way; 2 modules" in told
    assert record.summary.files.keys() == {"main.py", ".state/board.json"}


async def test_a_build_without_a_blackboard_is_judged_without_one(session: Session) -> None:
    code = BUILD + "print('DONE')"
    runs = [await run(session, code, blackboard=()) for _ in range(2)]
    assert runs[0].summary.outcome.status is OutcomeStatus.FINISHED
    comparison = compare(SPEC, *runs)
    unseen = {layer.layer.value: layer.compared for layer in comparison.layers if not layer.seen}
    assert unseen == {
        "blackboard": "the control and the candidate have none",
        "events": "the control and the candidate have none",
        "timing": "the control is an external engine: what its steps are, nobody knows",
    }
    assert comparison.verdict.status is Status.ERROR
    assert comparison.verdict.reasons == (
        "no call of the control went through the gateway",
        "no call of the candidate went through the gateway",
    )


async def test_equal_builds_without_a_blackboard_pass(session: Session) -> None:
    code = ASKING + "ask('developer, write')\nprint('DONE')"
    runs = [await run(session, code, blackboard=()) for _ in range(2)]
    verdict = compare(SPEC, *runs).verdict
    assert (verdict.status, verdict.reasons) == (Status.PASS, ("1 call and 1 file are equal",))


async def test_its_environment_leads_to_the_gateway_and_is_its_own(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "venv" / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    for name, value in (
        ("PYTHONPATH", "/ours"),
        ("NO_PROXY", "x"),
        ("OLLAMA_HOST", "x"),
        ("VIRTUAL_ENV", "x"),
    ):
        monkeypatch.setenv(name, value)
    code = BUILD + "write('env.json', json.dumps(dict(os.environ)))\nstate()\nprint('DONE')"
    about = {"env": {"NO_COLOR": "1", "PATH_TO": "a"}, "python": str(python)}
    record = await run(session, code, **about)
    env = json.loads(record.file("env.json"))
    assert env["OLLAMA_HOST"].endswith(f"/r/{record.summary.id}")
    assert env["OLLAMA_HOST"].startswith("http://127.0.0.1:")
    assert env["NO_PROXY"] == env["no_proxy"] == "127.0.0.1,localhost"
    assert (env["PIP_NO_INDEX"], env["NO_COLOR"]) == ("1", "1")
    assert env["VIRTUAL_ENV"] == str(tmp_path / "venv")
    assert env["PATH"].startswith(f"{python.parent}:")
    assert "PYTHONPATH" not in env


async def test_its_clock_starts_with_its_first_call(session: Session) -> None:
    """Its interpreter and its imports are start-up, as those of the engines of this project are."""
    code = ASKING + "time.sleep(0.5)\nask('developer, write'); ask('poet, write')\nstate()\nprint('DONE')"
    record = await run(session, code)
    assert [call.role for call in record.calls] == ["developer", "unknown"]
    assert record.calls[0].arrival_s == 0
    assert record.calls[1].arrival_s >= record.calls[0].end_s > 0
    assert record.summary.startup_s >= 0.5
    assert record.calls[-1].end_s < record.summary.wall_s
    assert record.summary.concurrent is False


async def test_calls_that_overlap_show_that_it_is_concurrent(session: Session) -> None:
    code = ASKING + (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(2) as pool: list(pool.map(ask, ['a', 'b']))\nstate()\nprint('DONE')"
    )
    assert (await run(session, code)).summary.concurrent is True


async def test_names_of_its_own_folders_are_no_difference_and_all_else_is(session: Session) -> None:
    code = ASKING + (
        "import time\nname = 'build_%d' % time.time_ns()\nos.rename('out', name)\n"
        "ask('developer, write')\n"
        "open(name + '/README', 'w').write(os.path.abspath(name) + ' EXTRA')\n"
        "open(name + '/.state/board.json', 'w').write(json.dumps({'files_created': [name + '/main.py'],"
        " 'where': os.path.abspath(name), 'n': 'EXTRA'}))\nprint('DONE')"
    )
    runs = [await run(session, code.replace("EXTRA", extra), output="build_*") for extra in ("a", "a", "b")]
    assert all(record.summary.outcome.status is OutcomeStatus.FINISHED for record in runs)
    alike = compare(SPEC, runs[0], runs[1])
    assert alike.verdict.status is Status.PASS, alike.mismatches
    assert alike.verdict.reasons == ("1 call, 2 files and the blackboard are equal",)
    other = compare(SPEC, runs[0], runs[2])
    assert other.verdict.status is Status.FAIL
    assert [(m.kind, m.path) for m in other.mismatches] == [(Kind.CHANGED, "n"), (Kind.CHANGED, "README")]
