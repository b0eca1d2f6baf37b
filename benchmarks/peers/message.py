"""What a measuring process and the process of a peer tell each other: graphs and courses, a line each."""

from __future__ import annotations

import json

from agents.roles import Role
from agents.workflow import Task
from benchmarks.peers.course import Course, Span, Tasks

__all__ = ["READY", "course_from", "graph_from", "line_from", "line_of"]

READY = b"ready\n"
"""What a peer says once it takes graphs."""


def line_of(tasks: Tasks, slots: int | None, scale: float) -> bytes:
    """The line that asks for a run. Needs are places in the list of tasks."""
    places = {task: place for place, task in enumerate(tasks)}
    rows = [[task.role, task.module, [places[need] for need in needs]] for task, needs in tasks.items()]
    return json.dumps({"tasks": rows, "slots": slots, "scale": scale}).encode() + b"\n"


def graph_from(line: bytes) -> tuple[Tasks, int | None, float]:
    """The tasks, slots and scale that `line_of` wrote."""
    asked = json.loads(line)
    tasks = [Task(Role(role), module) for role, module, _ in asked["tasks"]]
    needs = [tuple(tasks[place] for place in places) for *_, places in asked["tasks"]]
    return dict(zip(tasks, needs, strict=True)), asked["slots"], asked["scale"]


def line_from(course: Course) -> bytes:
    """The line that tells of a run."""
    rows = [[span.task.role, span.task.module, span.begun_s, span.ended_s] for span in course.spans]
    told = {"wall_s": course.wall_s, "cpu_s": course.cpu_s, "spans": rows}
    return json.dumps(told).encode() + b"\n"


def course_from(line: bytes) -> Course:
    """The course that `line_from` wrote."""
    told = json.loads(line)
    spans = (
        Span(Task(Role(role), module), begun_s, ended_s) for role, module, begun_s, ended_s in told["spans"]
    )
    return Course(told["wall_s"], tuple(spans), told["cpu_s"])
