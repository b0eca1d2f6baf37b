from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.gateway import journal as journal_module
from harness.gateway.control_requests import authorization
from harness.gateway.journal import CallJournal, read_journal
from harness.gateway.simulate import Latency, SimulatedUpstream
from tests.gateway.manual_clock import ManualClock
from tests.gateway.served import RUN, TOKEN, Served, question, served


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def gateway(clock: ManualClock) -> AsyncIterator[Served]:
    async with served(SimulatedUpstream(lambda request: "Because.", Latency(1, 1), clock), clock) as gateway:
        yield gateway


async def refusal(gateway: Served, method: str, path: str, body: object = None) -> tuple[int, str]:
    """Status and reason of a control request that is refused."""
    async with gateway.control(method, path, body) as response:
        return response.status, (await response.json())["error"]


@pytest.mark.parametrize(
    "headers", [{}, authorization("guessed"), {"Authorization": TOKEN}, {"Authorization": "Bearer \xe9"}]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("POST", f"/{RUN}/end"), ("GET", f"/{RUN}/calls"), ("GET", "/no/such/path")],
)
async def test_who_does_not_hold_the_token_controls_nothing(
    gateway: Served, method: str, path: str, headers: dict[str, str]
) -> None:
    url = f"{gateway.url}/control/runs{path}"
    async with gateway.session.request(method, url, headers=headers) as response:
        assert response.status == 403
    await gateway.end()


async def test_times_of_a_run_count_from_its_begin_mark(gateway: Served, clock: ManualClock) -> None:
    """A call before that mark has negative times."""
    async with gateway.post(question()) as response:
        await response.read()
    clock.now += 10
    await gateway.begin()
    async with gateway.post(question()) as response:
        await response.read()
    clock.now += 0.5
    marks = await gateway.end()
    # The simulated model takes 1 s to its first token; its answer has 3 of 1 s each.
    early, late = await gateway.calls()
    assert (early.arrival_s, early.granted_s, early.first_byte_s, early.end_s) == (-14, -14, -13, -10)
    assert (late.arrival_s, late.granted_s, late.first_byte_s, late.end_s) == (0, 0, 1, 4)
    assert (marks.run, marks.slots, marks.wall_s) == (RUN, 1, 4.5)


async def test_a_run_without_a_begin_mark_begins_when_it_is_opened(
    gateway: Served, clock: ManualClock
) -> None:
    clock.now += 2
    async with gateway.post(question()) as response:
        await response.read()
    assert (await gateway.end()).wall_s == 6
    (call,) = await gateway.calls()
    assert (call.arrival_s, call.end_s) == (2, 6)


async def test_progress_counts_the_calls(gateway: Served) -> None:
    async with gateway.post(question()) as response:
        await response.read()
    progress = await gateway.progress()
    assert (progress.arrived, progress.queued, progress.generating) == (1, 0, 0)
    assert (progress.finished, progress.failed) == (1, 0)


async def test_a_run_is_opened_begun_and_ended_once(gateway: Served) -> None:
    assert await refusal(gateway, "POST", "", {"id": RUN, "slots": 1}) == (409, "run 'run-1' is open already")
    await gateway.begin()
    assert await refusal(gateway, "POST", f"/{RUN}/begin") == (409, "run 'run-1' has begun already")
    await gateway.end()
    assert await refusal(gateway, "POST", f"/{RUN}/begin") == (409, "run 'run-1' has ended already")
    assert await refusal(gateway, "POST", f"/{RUN}/end") == (409, "run 'run-1' has ended already")
    assert await refusal(gateway, "POST", "", {"id": RUN, "slots": 1}) == (409, "run 'run-1' is open already")


async def test_the_calls_of_a_run_are_kept_until_it_has_ended_and_they_are_deleted(gateway: Served) -> None:
    async with gateway.post(question()) as response:
        await response.read()
    assert await refusal(gateway, "DELETE", f"/{RUN}/calls") == (409, "run 'run-1' has not ended")
    await gateway.end()
    assert len(await gateway.calls()) == 1
    async with gateway.control("DELETE", f"/{RUN}/calls") as response:
        assert response.status == 204
    assert await gateway.calls() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "begin"), ("POST", "end"), ("GET", "calls"), ("DELETE", "calls"), ("GET", "progress")],
)
async def test_an_unknown_run_is_answered_404(gateway: Served, method: str, path: str) -> None:
    assert await refusal(gateway, method, f"/nobody/{path}") == (404, "unknown run 'nobody'")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"id": "a", "slots": 0}, "greater than or equal to 1"),
        ({"id": "a"}, "required"),
        ("nonsense", "object"),
        ({"id": "../up", "slots": 1}, "a run id is letters"),
        ({"id": "", "slots": 1}, "a run id is letters"),
        ({"id": "a/b", "slots": 1}, "a run id is letters"),
        ({"id": "a\n", "slots": 1}, "a run id is letters"),
    ],
)
async def test_a_run_that_cannot_be_opened_is_refused_with_a_reason(
    gateway: Served, body: object, reason: str
) -> None:
    status, said = await refusal(gateway, "POST", "", body)
    assert status == 400
    assert reason in said


async def test_the_calls_of_a_run_with_a_journal_are_there_and_not_in_the_gateway(
    gateway: Served, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl"
    async with gateway.control("POST", "", {"id": "b", "slots": 1, "journal": str(path)}) as response:
        assert response.status == 201
    await gateway.begin("b")
    async with gateway.post(question(), "b") as response:
        await response.read()
    assert (await gateway.progress("b")).finished == 1
    await gateway.end("b")
    assert [call.run for call in read_journal(path)] == ["b"]
    assert await gateway.calls("b") == []
    await CallJournal.open(path).close()


async def test_a_journal_that_cannot_be_had_is_refused_and_one_of_a_refused_run_is_let_go(
    gateway: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_LOCK_TIMEOUT_S", 0.1)
    path = tmp_path / "calls.jsonl"
    journal = CallJournal.open(path)
    status, said = await refusal(gateway, "POST", "", {"id": "b", "slots": 1, "journal": str(path)})
    assert (status, said) == (409, f"{path}: is being written by another process")
    await journal.close()
    status, _ = await refusal(gateway, "POST", "", {"id": RUN, "slots": 1, "journal": str(path)})
    assert status == 409
    await CallJournal.open(path).close()
