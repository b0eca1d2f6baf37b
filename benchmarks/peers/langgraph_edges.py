"""LangGraph, as a graph: a node for every task, an edge for every need.

Its nodes run in steps: what has become ready begins once all nodes of the step before have ended.
"""

from __future__ import annotations

import operator
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph

from benchmarks.peers.chains import Chain, Chains, chains, single
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer

__all__ = ["opened", "with_chains"]


class _State(TypedDict):
    spans: Annotated[list[Span], operator.add]


def _node(chain: Chain, scale: float) -> Callable[[_State], Awaitable[_State]]:
    async def node(state: _State) -> _State:
        return {"spans": [await answer(task, scale) for task in chain]}

    return node


async def _build(linked: Chains, slots: int | None, scale: float) -> Course:
    names = {chain: str(chain[0]).replace(":", " of ") for chain in linked}
    graph = StateGraph(_State)
    for chain, needs in linked.items():
        graph.add_node(names[chain], _node(chain, scale))
        graph.add_edge([names[need] for need in needs] if needs else START, names[chain])
    for chain in linked.keys() - {need for needs in linked.values() for need in needs}:
        graph.add_edge(names[chain], END)
    compiled = graph.compile()

    begun_s = time.monotonic()
    state = await compiled.ainvoke(
        {"spans": []}, {"recursion_limit": len(linked) + 2, "max_concurrency": slots or len(linked)}
    )
    return Course(time.monotonic() - begun_s, tuple(state["spans"]))


async def _run(tasks: Tasks, slots: int | None, scale: float) -> Course:
    return await _build(single(tasks), slots, scale)


async def _run_chains(tasks: Tasks, slots: int | None, scale: float) -> Course:
    return await _build(chains(tasks), slots, scale)


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """LangGraph without a checkpointer, which would only slow it down."""
    yield _run


@asynccontextmanager
async def with_chains() -> AsyncIterator[Run]:
    """The same, with a node for a whole chain: architect, developer and reviewer of a module.

    That is a third of the nodes, and coarser than it ought to be: what is done of a chain would be done again
    after a crash.
    """
    yield _run_chains
