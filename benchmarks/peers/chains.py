"""A graph of chains: tasks that only ever follow each other, taken as one piece of work."""

from __future__ import annotations

from collections import Counter

from agents.workflow import Task
from benchmarks.peers.course import Tasks

__all__ = ["Chain", "Chains", "chains", "single"]

Chain = tuple[Task, ...]
Chains = dict[Chain, tuple[Chain, ...]]


def single(tasks: Tasks) -> Chains:
    """Every task as a chain of its own."""
    return {(task,): tuple((need,) for need in needs) for task, needs in tasks.items()}


def chains(tasks: Tasks) -> Chains:
    """The chains of `tasks`, which has needs before what needs them, with the chains that each needs."""
    needed_by = Counter(need for needs in tasks.values() for need in needs)
    links: dict[Task, list[Task]] = {}
    for task, needs in tasks.items():
        alone = len(needs) == 1 and needed_by[needs[0]] == 1
        chain = links[needs[0]] if alone else []
        chain.append(task)
        links[task] = chain
    of = {task: tuple(chain) for task, chain in links.items()}
    return {
        of[task]: tuple(dict.fromkeys(of[need] for need in tasks[task]))
        for task in tasks
        if of[task][0] == task
    }
