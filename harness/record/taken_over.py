"""Tasks that another worker took over, and the calls of their executions that had no effect.

Workers do a task at least once and with one effect. A worker that dies, or is cut off for long enough, leaves
its task to another; whoever ends it first has the effect, and what the other one asked is paid for and
nothing else. The beginning tells how many times workers had been given the task before, by the count that
Redis keeps: each time excuses one beginning, and a task that begins twice for the same is not excused. Its
calls stand beside the attempts on the blackboard, which are those of the effect.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agents.build import EventKind, TaskEvent
from agents.conversation import AttemptStatus
from agents.retries import MAX_RETRIES
from agents.roles import Role
from async_arch.composition import ExecutorKind
from harness.gateway.calls import CLIENT_GONE, CallRecord

__all__ = ["TakenOver", "begun_again", "taken_over"]

_ENDS = frozenset({EventKind.TASK_COMPLETED, EventKind.TASK_FAILED})
# The first is asked again within the task of the second; before it, for a task of its own.
_SENDERS = {Role.DEVELOPER.value: Role.REVIEWER.value, Role.ANALYST.value: Role.AUDITOR.value}

_Key = tuple[str, str | None, str, str | None]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What was done in vain in a run by workers."""

    tasks: Mapping[str, int]
    """How often each task that was taken over was begun beyond the one time that counts, if at all."""
    calls: tuple[CallRecord, ...]
    """The calls of the run without those that had no effect."""
    events: tuple[TaskEvent, ...]
    """Its events without the beginnings that had none."""
    put_aside: int = 0
    """How many calls had no effect."""


def taken_over(
    flags: Mapping[str, str], calls: Sequence[CallRecord], events: Sequence[TaskEvent], attempts: object
) -> TakenOver:
    """What had no effect among `calls` and `events`; nothing unless the run is one by workers.

    `flags` is the composition of the engine, `attempts` what its blackboard says of who was asked. Put aside
    is what an execution without effect can have asked: what the effective one asked too, as often as that
    did for each time that the task was begun again; and what follows where it was answered otherwise.
    """
    again = begun_again(flags, events)
    if not again:
        return TakenOver({}, tuple(calls), tuple(events))
    owners = _owners(calls, attempts)
    vain = set(_in_vain(calls, owners, again))
    kept = tuple(call for place, call in enumerate(calls) if place not in vain)
    return TakenOver(again, kept, tuple(_begun_once(events, again)), len(vain))


def begun_again(flags: Mapping[str, str], events: Sequence[TaskEvent]) -> dict[str, int]:
    """How often the tasks of a run that were taken over were begun beyond the first time, by task.

    Those are begun once by each worker who was given them, and ended once; beyond the first time never,
    where a worker was cut off before it could say that it begins. `flags` is the composition of the engine.
    """
    if flags.get("executor") != ExecutorKind.WORKERS:
        return {}
    begun: dict[str, list[tuple[int, int]]] = {}
    ended: Counter[str] = Counter()
    sitting = 0
    for event in events:
        # Whoever resumes a build gives its tasks out anew.
        sitting += event.kind is EventKind.BUILD_RESUMED
        ended[event.task] += event.kind in _ENDS
        if event.kind is EventKind.TASK_STARTED:
            begun.setdefault(event.task, []).append((sitting, event.takeovers))
    return {
        task: len(given) - 1
        for task, given in begun.items()
        if ended[task] == 1
        and len(set(given)) == len(given)
        and (len(given) > 1 or any(takeovers for _, takeovers in given))
    }


def _begun_once(events: Sequence[TaskEvent], again: Mapping[str, int]) -> Iterator[TaskEvent]:
    """`events` with the first beginning only of each task that was begun again."""
    begun: set[str] = set()
    for event in events:
        if event.kind is EventKind.TASK_STARTED and event.task in again:
            if event.task in begun:
                continue
            begun.add(event.task)
        yield event


def _owners(calls: Sequence[CallRecord], attempts: object) -> list[str | None]:
    """For each call the task of whose effect it is part; None where no attempt tells of it.

    Of equal calls the first are taken: whoever asks something has asked all that comes before it, so the
    first of each stand in the order of the task.
    """
    places: dict[_Key, deque[int]] = {}
    # A call that its caller left behind is nobody's attempt where another one failed alike.
    for place in sorted(range(len(calls)), key=lambda place: calls[place].status == CLIENT_GONE):
        places.setdefault(_key(calls[place]), deque()).append(place)
    owners: list[str | None] = [None] * len(calls)
    asked: set[tuple[str, str | None]] = set()
    for attempt in attempts if isinstance(attempts, list) else ():
        if not isinstance(attempt, Mapping):
            continue
        role, module = attempt.get("agent", ""), attempt.get("module")
        asked.add((role, module))
        sender = _SENDERS.get(role)
        # Attempts stand in the order of the build, whoever was faster.
        task = sender if sender and (sender, module) in asked else role
        answered = attempt.get("status") != AttemptStatus.ERROR
        answer = str(attempt.get("output")).strip() if answered else None
        found = places.get((role, module, str(attempt.get("input")).strip(), answer))
        if found:
            owners[found.popleft()] = _name(task, module)
    return owners


def _key(call: CallRecord) -> _Key:
    prompt = call.request.messages[-1].content.strip() if call.request.messages else ""
    return call.role, call.module, prompt, call.response.strip() if call.error is None else None


def _name(role: str, module: str | None) -> str:
    return f"{role}:{module}" if module else role


@dataclass(slots=True)
class _InVain:
    """What executions without effect of one task may have asked, and have so far."""

    executions: int
    effects: dict[str, list[CallRecord]] = field(default_factory=dict)
    """The calls of its effect by request."""
    found: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """By request, and whether it failed."""
    astray: bool = False
    """Whether one was answered otherwise, so that it can have asked what the effective one did not."""

    def takes(self, call: CallRecord) -> bool:
        """Whether `call` can be of one of them; it counts as such then."""
        request, failed = call.request_hash, call.error is not None
        effects = self.effects.get(request, [])
        if not effects and not self.astray:
            return False
        answers = [effect.response for effect in effects if effect.error is None]
        each = 1 + MAX_RETRIES if failed else max(1, len(answers))
        if self.found[request, failed] >= each * self.executions:
            return False
        self.found[request, failed] += 1
        self.astray = self.astray or not (failed or call.response in answers)
        return True


def _in_vain(
    calls: Sequence[CallRecord], owners: Sequence[str | None], again: Mapping[str, int]
) -> Iterator[int]:
    """The places of the calls without effect."""
    tasks = {task: _InVain(count) for task, count in again.items()}
    asked_by: dict[str, set[str]] = {}
    for call, owner in zip(calls, owners, strict=True):
        if owner is not None:
            asked_by.setdefault(call.request_hash, set()).add(owner)
            if owner in tasks:
                tasks[owner].effects.setdefault(call.request_hash, []).append(call)
    for place, (call, owner) in enumerate(zip(calls, owners, strict=True)):
        roles = (call.role, _SENDERS.get(call.role, call.role))
        names = dict.fromkeys(_name(role, call.module) for role in roles)
        # What one of them asked is none of the other's.
        own = names.keys() & asked_by.get(call.request_hash, set()) or names.keys()
        if owner is None and any(tasks[name].takes(call) for name in names if name in own and name in tasks):
            yield place
