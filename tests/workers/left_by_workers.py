"""What builds left that workers made, beside one that nothing disturbed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from agents.build import EventKind
from agents.plan import ModuleType
from agents.project import Order
from async_arch.redis_keys import RunKeys
from tests.crashes.builder import TASKS
from tests.executors.bed import Left, left

__all__ = ["Accounts", "accounts_of", "count_ended", "count_tasks", "unequal"]

_ENDS = (EventKind.TASK_COMPLETED.value, EventKind.TASK_FAILED.value)


def count_tasks(order: Order) -> int:
    """How many tasks an order takes whose modules are all given: planning and end two each, four a module,
    and one more for a page."""
    pages = sum(hint.module_type is ModuleType.WEB_INTERFACE for hint in order.hints)
    return 4 + 4 * len(order.hints) + pages


@dataclass(frozen=True, slots=True)
class Accounts:
    """How often tasks of builds were begun, and how often each had an effect."""

    tasks: int
    executions: int
    """How often a worker began one of them."""
    effects: int
    """Checkpoints."""
    ends: int
    """Events of an end; each task is to have one."""

    @property
    def repeated(self) -> int:
        """Executions without an effect: of workers that were killed, and of those that were too late."""
        return self.executions - self.effects


def _problems(found: Left, undisturbed: Left) -> list[str]:
    """In what a build differs from the undisturbed one; nothing where it does not."""
    told = []
    if found.board != undisturbed.board:
        told.append("another blackboard")
    if found.files != undisturbed.files:
        told.append(f"other files: {sorted(dict(found.files.items() ^ undisturbed.files.items()))}")
    if found.checkpoints != undisturbed.checkpoints:
        others = found.checkpoints.keys() ^ undisturbed.checkpoints.keys()
        told.append(f"other checkpoints: {sorted(others)}")
    ends, wanted = _ends(found), _ends(undisturbed)
    if ends != wanted:
        told.append(f"tasks ended otherwise: {ends - wanted or wanted - ends}")
    return told


def _ends(found: Left) -> Counter[tuple[str, str, str]]:
    return Counter({event: count for event, count in found.ended.items() if event[0] in _ENDS})


async def unequal(
    redis_url: str, folder: Path, runs: Sequence[str], undisturbed: Left
) -> dict[str, list[str]]:
    """The builds that are not as the undisturbed one, and why."""
    found = {run: _problems(await left(redis_url, run, folder / run), undisturbed) for run in runs}
    return {run: told for run, told in found.items() if told}


async def accounts_of(redis_url: str, runs: Sequence[str], tasks: int = TASKS) -> Accounts:
    """The accounts of all `runs` together, each of so many tasks."""
    return await asyncio.to_thread(_accounts, redis_url, runs, tasks)


def _accounts(redis_url: str, runs: Sequence[str], tasks: int) -> Accounts:
    kinds: Counter[str] = Counter()
    effects = 0
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        for run in runs:
            entries = client.xrange(RunKeys(run)["events"])
            kinds.update(fields[b"kind"].decode() for _, fields in entries)
            effects += client.hlen(RunKeys(run)["tasks"])
    ends = sum(kinds[end] for end in _ENDS)
    return Accounts(tasks * len(runs), kinds[EventKind.TASK_STARTED.value], effects, ends)


async def count_ended(redis_url: str, runs: Sequence[str]) -> int:
    """How many tasks of the builds have ended."""

    def counted() -> int:
        with (
            redis.Redis.from_url(redis_url, protocol=2) as client,
            client.pipeline(transaction=False) as pipe,
        ):
            for run in runs:
                pipe.hlen(RunKeys(run)["tasks"])
            return sum(pipe.execute())

    return await asyncio.to_thread(counted)
