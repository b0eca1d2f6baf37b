"""Both drivers run the same agents to the same end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from agents.agent_developer import develop
from agents.blackboard import FileWritten
from agents.conversation import AgentFailure, ModelError, ModelReply, ModelRequest, Steps
from agents.drivers import drive, drive_async
from agents.project import Inputs
from agents.roles import Role
from agents.workflow import ANALYST, AUDITOR, Task, TaskReport, perform
from tests.agents.scripted import Answer, ScriptedModel
from tests.agents.shop import APIS, CART_SOURCE, FILES, INPUTS, MAIN_SOURCE, MODULE_FILES, ORDER, PLAN, fence

T = TypeVar("T")

REVISE = "verdict: revise\nfindings: [no check]"
API = "functions:\n  - signature: f()\n"
CONVERSATIONS: dict[str, tuple[Task, Inputs, Sequence[Answer]]] = {
    "a plan at the second try": (
        ANALYST,
        Inputs(ORDER),
        ["no", "modules:\n  - name: A\n    module_type: service\n"],
    ),
    "an audit with a new plan": (
        AUDITOR,
        Inputs(ORDER, PLAN),
        [REVISE, "modules:\n  - {name: A, module_type: data}", "verdict: approve"],
    ),
    "an API": (Task(Role.ARCHITECT, "Cart"), Inputs(ORDER, PLAN, APIS), [API]),
    "code never usable": (Task(Role.DEVELOPER, "Cart"), Inputs(ORDER, PLAN, APIS), ["no"] * 3),
    "code, the model gone": (
        Task(Role.DEVELOPER, "Cart"),
        Inputs(ORDER, PLAN, APIS),
        ["no", *[ModelError("gone", status=503, at="t")] * 4],
    ),
    "a review with a revision": (
        Task(Role.REVIEWER, "Cart"),
        INPUTS,
        [REVISE, "no", fence(CART_SOURCE), "verdict: approve"],
    ),
    "an integration": (
        Task(Role.INTEGRATOR),
        Inputs(ORDER, PLAN, APIS, MODULE_FILES),
        [fence(MAIN_SOURCE) + "```text\nFlask\n```"],
    ),
    "a repair": (
        Task(Role.DEBUGGER),
        Inputs(ORDER, PLAN, APIS, FILES | {"main.py": "x = ("}),
        ["status: ok", fence("# file: main.py\n" + MAIN_SOURCE)],
    ),
}


def described(report: TaskReport) -> tuple[object, ...]:
    failure = report.failure
    told = failure and (failure.role, failure.module, failure.cause, failure.reason)
    return report.task, report.changes, told


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_the_same_conversation_gives_the_same_requests_and_the_same_result(name: str) -> None:
    task, inputs, answers = CONVERSATIONS[name]
    blocking, awaited = ScriptedModel(answers), ScriptedModel(answers)
    one = drive(perform(task, inputs), blocking)
    other = await drive_async(perform(task, inputs), awaited.answer)
    assert blocking.requests == awaited.requests
    assert len(blocking.requests) == len(answers)
    assert described(one) == described(other)


class Watched:
    """An agent that notes what happens to it."""

    def __init__(self) -> None:
        self.closed = False

    def steps(self, asked: int) -> Steps[list[str]]:
        answers: list[str] = []
        try:
            for _ in range(asked):
                try:
                    reply = yield ModelRequest(Role.ANALYST, None, 1, ())
                    answers.append(reply.content)
                except ModelError as error:
                    answers.append(error.reason)
            return answers
        finally:
            self.closed = True


Drive = Callable[[Steps[list[str]], Callable[[ModelRequest], ModelReply]], list[str]]


def awaited_drive(steps: Steps[list[str]], call: Callable[[ModelRequest], ModelReply]) -> list[str]:
    async def answer(request: ModelRequest) -> ModelReply:
        return call(request)

    return asyncio.run(drive_async(steps, answer))


@pytest.mark.parametrize("drive_any", [drive, awaited_drive])
class TestEveryDriver:
    """What holds for the blocking driver and for the async one."""

    def test_an_agent_that_asks_nothing_is_done(self, drive_any: Drive) -> None:
        model = ScriptedModel([])
        assert drive_any(Watched().steps(0), model) == []

    def test_an_agent_can_go_on_behind_an_error_of_the_model(self, drive_any: Drive) -> None:
        model = ScriptedModel(["a", ModelError("gone"), "b"])
        assert drive_any(Watched().steps(3), model) == ["a", "gone", "b"]

    def test_any_other_error_of_the_call_comes_out_and_closes_the_agent(self, drive_any: Drive) -> None:
        def call(request: ModelRequest) -> ModelReply:
            raise OSError("disk")

        agent = Watched()
        with pytest.raises(OSError, match="disk") as caught:
            drive_any(agent.steps(1), call)
        assert agent.closed
        # Until here: what holds the error holds the agent, which garbage collection would close otherwise.
        assert caught.value

    def test_a_call_that_runs_out_of_answers_is_not_taken_for_the_end_of_the_agent(
        self, drive_any: Drive
    ) -> None:
        """StopIteration is also what `next` raises on an empty list of answers."""
        answers = iter([ModelReply("a")])
        with pytest.raises((StopIteration, RuntimeError)):
            drive_any(Watched().steps(2), lambda _: next(answers))

    def test_an_agent_that_fails_fails_the_driver(self, drive_any: Drive) -> None:
        def failing() -> Steps[list[str]]:
            yield ModelRequest(Role.ANALYST, None, 1, ())
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            drive_any(failing(), ScriptedModel(["a"]))


async def test_cancelling_closes_the_agent() -> None:
    asked = asyncio.Event()

    async def never(request: ModelRequest) -> ModelReply:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    agent = Watched()
    running = asyncio.create_task(drive_async(agent.steps(1), never))
    await asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert agent.closed


def test_a_failure_of_an_agent_is_raised_by_the_driver_when_nobody_reports_it() -> None:
    with pytest.raises(AgentFailure, match="developer of Cart: gone"):
        drive(develop(PLAN.module("Cart"), INPUTS, []), ScriptedModel([ModelError("gone")]))


def test_what_comes_out_of_a_repair_is_the_mended_file() -> None:
    task, inputs, answers = CONVERSATIONS["a repair"]
    report = drive(perform(task, inputs), ScriptedModel(answers))
    assert [change for change in report.changes if isinstance(change, FileWritten)] == [
        FileWritten("main.py", MAIN_SOURCE)
    ]
