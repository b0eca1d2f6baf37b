"""The doing of tasks, in one of the two ways of phase 3: whole files here, gaps in `hybrid_generator`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agents.drivers import drive_async
from agents.project import Inputs
from agents.workflow import Task, TaskReport, perform
from async_arch.model_calls import ModelCaller

__all__ = ["Perform", "performing"]

Perform = Callable[[Task, Inputs], Awaitable[TaskReport]]
"""Does a task with what it may see; an agent's failure is in the report."""


def performing(calls: ModelCaller) -> Perform:
    """Tasks are done as the workflow has them: the model writes whole files."""

    async def performed(task: Task, inputs: Inputs) -> TaskReport:
        return await drive_async(perform(task, inputs), calls)

    return performed
