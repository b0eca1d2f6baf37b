"""An engine on paper: it only keeps to an order and takes time, so that what times show can be tested.

It makes one call for each task of a project, as `run_concurrently` does: a number of tasks at once, each as
soon as what it needs is done. A test gives it another rule for what may begin, or slower steps.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from agents.plan import read_plan
from agents.workflow import PLANNING, Task, build_tasks
from harness.gateway.calls import CallRecord
from harness.record import EngineResources, RunRecord
from tests.compare.records import BOARD, make_call, make_record

__all__ = ["Pace", "Requires", "paced_run", "using"]

Requires = Mapping[str, Sequence[str]]
"""What each module requires of those before it."""

MayBegin = Callable[[Task, Sequence[Task], Sequence[Task]], bool]
"""Whether a task may begin, given those under way and those that are left."""

_BASE = make_record(Path("/nowhere"), files={}, calls=(), events=())


@dataclass(frozen=True)
class Pace:
    """How an engine goes about it; `step_s` is drawn before each call and after it."""

    slots: int = 4
    at_once: int | None = None
    """How many tasks it has under way; None for as many as there are slots."""
    may_begin: MayBegin = lambda _task, _under_way, _left: True
    step_s: Callable[[Random], float] = lambda draw: draw.uniform(0.0, 0.02)
    took_s: Callable[[Random], float] = lambda draw: draw.uniform(0.5, 2.0)


@dataclass
class _Run:
    pace: Pace
    draw: Random
    tasks: dict[Task, tuple[Task, ...]]
    under_way: list[Task] = field(default_factory=list)
    done: set[Task] = field(default_factory=set)
    calls: list[CallRecord] = field(default_factory=list)

    def play(self) -> float:
        """Make all calls; how long that took."""
        numbers = count()
        events: list[tuple[float, int, str, Task]] = []
        queue: list[tuple[Task, float]] = []
        generating = 0
        now = 0.0
        at_once = self.pace.at_once or self.pace.slots
        while len(self.done) < len(self.tasks):
            left = [task for task in self.tasks if task not in self.done and task not in self.under_way]
            ready = [task for task in left if self.done.issuperset(self.tasks[task])]
            self.draw.shuffle(ready)
            for task in ready:
                if len(self.under_way) < at_once and self.pace.may_begin(task, self.under_way, left):
                    self.under_way.append(task)
                    heapq.heappush(
                        events, (now + self.pace.step_s(self.draw), next(numbers), "arrives", task)
                    )
            now, _, what, task = heapq.heappop(events)
            if what == "arrives":
                queue.append((task, now))
            elif what == "ends":
                generating -= 1
                heapq.heappush(events, (now + self.pace.step_s(self.draw), next(numbers), "is done", task))
            else:
                self.under_way.remove(task)
                self.done.add(task)
            while queue and generating < self.pace.slots:
                first, arrival_s = queue.pop(0)
                generating += 1
                end_s = now + self.pace.took_s(self.draw)
                heapq.heappush(events, (end_s, next(numbers), "ends", first))
                self.calls.append(
                    make_call(first.role, first.module, arrival_s=arrival_s, granted_s=now, end_s=end_s)
                )
        return now


def paced_run(requires: Requires, pace: Pace | None = None, *, seed: int = 0, **summary: Any) -> RunRecord:
    """The record of a run at `pace` on a project of modules that require each other."""
    modules = [
        {"name": name, "filename": f"{name.lower()}.py", "module_type": "service", "requires": [*needs]}
        for name, needs in requires.items()
    ]
    architecture = {"project": "shop", "summary": "", "modules": modules}
    tasks: dict[Task, tuple[Task, ...]] = {PLANNING[0]: (), PLANNING[1]: PLANNING[:1]}
    for task, needs in build_tasks(read_plan(architecture)).items():
        tasks[task] = needs or PLANNING[1:]
    pace = pace or Pace()
    run = _Run(pace, Random(seed), tasks)  # noqa: S311 (no secret)
    facts = {"wall_s": run.play(), "slots": pace.slots, "concurrent": True, **summary}
    calls = tuple(sorted(run.calls, key=lambda call: call.arrival_s))
    board = {**BOARD, "architecture": architecture}
    return RunRecord(_BASE.summary.model_copy(update=facts), calls, (), board, _BASE.folder)


def using(record: RunRecord, *, cpu_s: float = 0.1, **more: Any) -> RunRecord:
    """`record`, of an engine that used as much."""
    used = EngineResources(cpu_s=cpu_s, peak_rss=1, **{"open_sockets": 0, "open_files": 0, **more})
    return replace(record, summary=record.summary.model_copy(update={"resources": used}))
