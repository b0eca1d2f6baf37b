"""Recorded once behind a real socket, replayed in every engine: equal, twice; drift is told by its words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from agents.conversation import Message, ModelReply, ModelRequest
from agents.roles import Role
from async_arch.async_calls import AsyncCalls
from harness.cassettes import entry_facts, open_cassette, prune, runs_that_replayed, verify
from harness.compare import Kind, Status, compare
from harness.errors import BadInputError
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from harness.record import RunRecord
from harness.session import Session, SessionSettings, open_session
from harness.spec import Spec, find_specs
from tests.end_to_end.harness_command import run_command
from tests.end_to_end.harness_process import run_harness
from tests.end_to_end.in_process_engine import InProcessEngine

EXAMPLE = Path(__file__).parents[2] / "examples" / "ecommerce.yaml"
FAST = SimulateSettings(ttft_s=0.001, tokens_per_s=50_000)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("forked_processes")]


def _spec() -> Spec:
    return find_specs([EXAMPLE])[0]


async def _run(session: Session, engine: str) -> RunRecord:
    return await session.run(_spec(), InProcessEngine(engine), lambda _: None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunRecord]:
    """A folder with the cassette of one legacy run, whose model was behind a socket, and that run."""
    folder = tmp_path_factory.mktemp("cassettes")
    settings = GatewaySettings(upstream=FAST, token="a token that no engine knows")  # noqa: S106
    async with running_gateway(settings) as model:
        await model.open_run("model", 4)
        choice = f"record:{folder}@{model.ollama_host('model')}"
        session_settings = SessionSettings(model=choice, store=tmp_path_factory.mktemp("store"))
        async with open_session(session_settings, needs_redis=False) as session:
            session.check(_spec())
            return folder, await _run(session, "legacy")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replay(
    recorded: tuple[Path, RunRecord], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Session]:
    settings = SessionSettings(
        model=f"replay:{recorded[0]}", time_scale=0, store=tmp_path_factory.mktemp("store")
    )
    async with open_session(settings, needs_redis=True) as session:
        yield session


async def test_every_engine_replays_what_legacy_recorded(
    recorded: tuple[Path, RunRecord], replay: Session
) -> None:
    folder, origin = recorded
    assert verify(folder / "ecommerce.jsonl") == ()
    verdicts = {}
    for engine in ("legacy", "phase:1", "phase:2", "async", "async"):
        comparison = compare(_spec(), origin, await _run(replay, engine))
        verdicts.setdefault(engine, []).append((comparison.verdict.status, comparison.notes))
    passed = (Status.PASS, ())
    assert verdicts == {
        "legacy": [passed],
        "phase:1": [passed],
        "phase:2": [passed],
        "async": [passed, passed],
    }


async def test_one_word_in_one_prompt_of_one_engine_is_prompt_drift(
    replay: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        if (request.role, request.module) == (Role.DEVELOPER, "Cart"):
            system, task, *rest = request.messages
            words = task.content.replace("remove", "discard", 1)
            assert words != task.content
            request = replace(request, messages=(system, Message(task.speaker, words), *rest))
        return await usual(self, request)

    control = await _run(replay, "legacy")
    monkeypatch.setattr(AsyncCalls, "__call__", call)
    candidate = await replay.run(_spec(), InProcessEngine(), lambda _: None)
    comparison = compare(_spec(), control, candidate)
    assert comparison.verdict.status is Status.FAIL
    first = next(mismatch for mismatch in comparison.mismatches if not mismatch.follows)
    assert (first.kind, first.path) == (Kind.PROMPT_DRIFT, "developer:Cart#1")
    assert first.words is not None
    assert "[-remove-]{+discard+}" in first.words
    [drifted] = [call for call in candidate.calls if call.not_recorded]
    assert (drifted.status, drifted.role, drifted.module) == (404, "developer", "Cart")


async def test_what_both_ask_otherwise_than_recorded_is_prompt_drift_too(
    recorded: tuple[Path, RunRecord], tmp_path: Path
) -> None:
    spec = tmp_path / "ecommerce.yaml"
    spec.write_text(EXAMPLE.read_text().replace("browse a catalog", "view a catalog", 1))
    arguments = ("--model", f"replay:{recorded[0]}", "--time-scale", "0")
    code, out, err = await asyncio.to_thread(run_harness, tmp_path, "compare", spec, *arguments)
    assert code == 1, err
    assert "both engines asked the analyst what the cassette does not hold; the nearest is on line 1" in out
    assert "[-browse-]{+view+}" in out
    assert out.splitlines()[-1].startswith("FAIL ecommerce: both engines asked the analyst")


async def test_entries_that_no_run_used_are_told_and_pruned(
    recorded: tuple[Path, RunRecord], replay: Session, tmp_path: Path
) -> None:
    path = recorded[0] / "ecommerce.jsonl"
    await _run(replay, "async")
    runs = runs_that_replayed(replay.store, path)
    assert runs
    assert all(facts.used for facts in entry_facts(open_cassette(path), runs))
    last = open_cassette(path).entries[-1][1]
    try:
        with path.open("a") as file:
            file.write(last.model_copy(update={"run": "another"}).as_line() + "\n")
        pruning = prune(open_cassette(path), runs, dry_run=True)
        assert pruning.dropped == (len(open_cassette(path).entries),)
        before = path.read_bytes()
        assert prune(open_cassette(path), runs).dropped == pruning.dropped
        assert path.with_name("ecommerce.jsonl.bak").read_bytes() == before
        assert prune(open_cassette(path), runs).dropped == ()
    finally:
        path.with_name("ecommerce.jsonl.bak").unlink(missing_ok=True)
    with pytest.raises(BadInputError, match="no stored run replayed it"):
        prune(open_cassette(path), ())


async def test_the_commands_say_what_is_in_a_cassette(
    recorded: tuple[Path, RunRecord], tmp_path: Path
) -> None:
    path = recorded[0] / "ecommerce.jsonl"
    code, out, _ = await asyncio.to_thread(run_command, tmp_path, "cassette", "show", path)
    assert code == 0
    assert "developer:Cart#1" in out
    broken = tmp_path / "broken.jsonl"
    broken.write_text(path.read_text().replace('"answer":"', '"answer":"x', 1))
    code, out, _ = await asyncio.to_thread(run_command, tmp_path, "cassette", "verify", path, broken)
    assert code == 1
    assert f"{path}: good" in out
    assert f"{broken}:1: the pieces do not add up to the answer" in out
