"""Engines that do the same are equal, whatever they are composed of and in whatever order they work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.compare import Status, compare
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.session import Session, SessionSettings, open_session
from harness.spec import Expectations, Spec, find_specs
from tests.end_to_end.in_process_engine import InProcessEngine

pytestmark = pytest.mark.usefixtures("forked_processes")

EXAMPLES = Path(__file__).parents[2] / "examples"
FAST = SimulateSettings(ttft_s=0.001, tokens_per_s=50_000)


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Session]:
    settings = SessionSettings(model="simulated", simulated=FAST, store=tmp_path)
    async with open_session(settings, needs_redis=True) as session:
        yield session


SMALL = Spec.model_validate(
    {
        "name": "small",
        "idea": "A shelf of books, with pages.",
        "modules": [
            {"name": "Books", "module_type": "data", "description": "Books with a title"},
            {"name": "Shelf", "module_type": "web_interface", "description": "Pages", "requires": ["Books"]},
        ],
    }
)


PAIRS = [
    ("legacy", "legacy"),
    ("legacy", "legacy:state_store=mirror"),
    ("legacy", "phase:1"),
    ("legacy", "async:agent_calls=blocking,orchestration=sequential"),
    ("legacy", "async:state_store=mirror"),
    ("legacy", "phase:2"),
    ("legacy", "async:agent_calls=threads"),
    ("legacy", "async:state_store=json,agent_calls=threads,orchestration=sequential"),
    ("phase:2", "async"),
]


async def test_every_composition_equals_legacy(session: Session) -> None:
    runs: dict[str, list] = {}
    verdicts = {}
    for pair in PAIRS:
        for name, needed in ((pair[0], 1), (pair[1], 2 if pair[0] == pair[1] else 1)):
            while len(runs.setdefault(name, [])) < needed:
                runs[name].append(await session.run(SMALL, InProcessEngine(name), lambda _: None))
        control, candidate = runs[pair[0]][0], runs[pair[1]][-1]
        assert control is not candidate
        comparison = compare(SMALL, control, candidate)
        verdicts[pair] = (comparison.verdict.status, [m.sentence for m in comparison.mismatches])
    assert verdicts == {pair: (Status.PASS, []) for pair in PAIRS}
    mirrors = {name: made[0].summary.mirror for name, made in runs.items()}
    assert {name for name, mirror in mirrors.items() if mirror} == {name for name in runs if "mirror" in name}
    assert all(mirror.caught_up and mirror.problem is None for mirror in mirrors.values() if mirror)
    # Equal because they did the work, not because nothing was compared.
    legacy = runs["legacy"][0]
    assert len(legacy.calls) >= 2 + 2 * 4 + 1 + 2
    assert {"main.py", "books.py", "shelf.py", "templates/shelf.html"} <= legacy.summary.files.keys()


async def test_fifteen_modules_are_equal_too(session: Session) -> None:
    (spec,) = find_specs([EXAMPLES / "clinic.yaml"])
    # At the pace of these tests the engines' own time is longer than the model's.
    spec = spec.model_copy(update={"expect": Expectations(modules=15)})
    control = await session.run(spec, find_engine("legacy"), lambda _: None)
    candidate = await session.run(spec, find_engine("async"), lambda _: None)
    comparison = compare(spec, control, candidate)
    assert comparison.mismatches == ()
    assert comparison.verdict.status is Status.PASS, comparison.verdict.reasons

    started = [event.task for event in candidate.events if event.kind == "TASK_STARTED"]
    completed = [event.task for event in candidate.events if event.kind == "TASK_COMPLETED"]
    assert sorted(started) == sorted(completed)
    assert len(set(started)) == len(started) == 2 + 15 * 4 + 2 + 2
    assert [candidate.events[0].kind, candidate.events[-1].kind] == ["BUILD_STARTED", "BUILD_FINISHED"]
