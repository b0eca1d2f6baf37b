"""The plan of the migration: its nine steps, each with its command and how it stands."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.flags.ladder import PHASES, next_step, progress
from harness.phases.migration import Migration, unavailable_phases

__all__ = ["PlanLine", "plan"]


class PlanLine(BaseModel):
    """One step of the plan."""

    model_config = ConfigDict(frozen=True)

    number: int
    what: str
    command: str
    state: str
    """`done`, `next`, `to come`, or `left out`."""


_STEPS = (
    (1, 1, "blackboard in JSON, mirrored to Redis"),
    (1, 2, "blackboard in Redis, exported to JSON"),
    (2, 1, "model calls in threads"),
    (2, 2, "model calls async, tasks at once"),
    (3, 1, "templates, whose gaps the model fills"),
    (4, 1, "async compared in the shadow of legacy"),
    (4, 4, "canary: async serves 5, 25, then 50 %"),
    (4, 5, "async serves all"),
)
"""The phase of each step, how many steps of the phase it takes, and what it brings."""


def plan(migration: Migration) -> tuple[PlanLine, ...]:
    """The nine steps, in their order."""
    standing = migration.installation.standing()
    unavailable = unavailable_phases()
    upcoming = next_step(standing.values, unavailable)
    lines: list[PlanLine] = []
    for number, (phase_number, steps, what) in enumerate(_STEPS, start=1):
        phase = PHASES[phase_number - 1]
        taken = progress(phase, standing.values)
        state = "to come"
        if taken >= steps:
            state = "done"
        elif phase_number in unavailable:
            state = "left out"
        elif upcoming is not None and upcoming.phase is phase and all(line.state != "next" for line in lines):
            state = "next"
        lines.append(
            PlanLine(number=number, what=what, command=f"harness phase promote {phase_number}", state=state)
        )
    last = "done" if standing.finalized else "next" if upcoming is None else "to come"
    what = "no way back; legacy/ can be deleted"
    lines.append(PlanLine(number=9, what=what, command="harness phase finalize --reason ...", state=last))
    return tuple(lines)
