"""LangGraph, with one node for all tasks, to which a router sends those that have become ready.

Nodes run in steps here as well: the router is asked once all nodes of a step have ended.
"""

from __future__ import annotations

import operator
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from agents.workflow import Task
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer

__all__ = ["opened"]


class _State(TypedDict):
    spans: Annotated[list[Span], operator.add]


class _Order(TypedDict):
    task: Task


async def _run(tasks: Tasks, slots: int | None, scale: float) -> Course:
    waiting = dict(tasks)

    async def perform(order: _Order) -> _State:
        return {"spans": [await answer(order["task"], scale)]}

    async def plan(state: _State) -> _State:
        return {"spans": []}

    def ready(state: _State) -> list[Send] | str:
        done = {span.task for span in state["spans"]}
        found = [task for task, needs in waiting.items() if done.issuperset(needs)]
        for task in found:
            del waiting[task]
        return [Send("perform", {"task": task}) for task in found] or END

    graph = StateGraph(_State)
    graph.add_node("perform", perform)
    graph.add_node("plan", plan)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", ready, ["perform", END])
    graph.add_edge("perform", "plan")
    compiled = graph.compile()

    begun_s = time.monotonic()
    state = await compiled.ainvoke(
        {"spans": []}, {"recursion_limit": 2 * len(tasks) + 4, "max_concurrency": slots or len(tasks)}
    )
    return Course(time.monotonic() - begun_s, tuple(state["spans"]))


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """LangGraph without a checkpointer, which would only slow it down."""
    yield _run
