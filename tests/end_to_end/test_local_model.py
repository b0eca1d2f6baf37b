"""Recorded once from the local model, replayed in every engine: equal, twice.

The model is real and small. It plans nothing that an engine could build on, so the conversation is the
analyst's attempts, three as a rule, and the build ends there. It never says the same again: for that there is
the recording.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cassettes import verify
from harness.compare import Mismatch, compare
from harness.gateway.cassette import read_cassette
from harness.gateway.local_model.weights import find_weights
from harness.record import RunRecord
from harness.session import Session, SessionSettings, open_session
from harness.spec import Spec
from tests.end_to_end.in_process_engine import InProcessEngine
from tests.local_model_extra import needs_local_model

# Short, as the model reads a hundred words in a second.
SPEC = Spec(name="notes", idea="Notes.", options={"temperature": 0.8, "num_predict": 16})
ENGINES = ("legacy", "phase:1", "phase:2", "async")

pytestmark = [*needs_local_model, pytest.mark.usefixtures("forked_processes")]


async def _run(session: Session, engine: str) -> RunRecord:
    return await session.run(SPEC, InProcessEngine(engine), lambda _: None)


async def _recorded(folder: Path, store: Path) -> RunRecord:
    """One run of the legacy engine with the local model, recorded into `folder`."""
    settings = SessionSettings(model=f"record:{folder}@local", slots=1, store=store)
    async with open_session(settings, needs_redis=False) as session:
        session.check(SPEC)
        return await _run(session, "legacy")


async def test_every_engine_replays_twice_what_the_local_model_said(tmp_path: Path) -> None:
    origin = await _recorded(tmp_path, tmp_path / "store")
    model = origin.summary.model
    assert (model.kind, model.name, model.source) == ("local", "llama3.1", "smollm2:135m")
    assert model.digest == find_weights().digest
    cassette = tmp_path / "notes.jsonl"
    assert verify(cassette) == ()
    entries = [entry for _, entry in read_cassette(cassette).entries]
    assert entries
    assert [entry.answer for entry in entries] == [call.response for call in origin.calls]
    assert all(entry.status == 200 and entry.answer for entry in entries)

    settings = SessionSettings(model=f"replay:{tmp_path}", slots=1, time_scale=0, store=tmp_path / "store")
    found: dict[str, list[tuple[int, tuple[Mismatch, ...], tuple[str, ...]]]] = {}
    async with open_session(settings, needs_redis=True) as session:
        for engine in ENGINES * 2:
            record = await _run(session, engine)
            comparison = compare(SPEC, origin, record)
            calls = len(record.calls)
            found.setdefault(engine, []).append((calls, comparison.mismatches, comparison.notes))
    alike = (len(origin.calls), (), ())
    assert found == {engine: [alike, alike] for engine in ENGINES}
