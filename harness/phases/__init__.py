"""Carrying the migration out: its phases promoted through their gates, rolled back, and watched over."""

from harness.phases.attest import attest
from harness.phases.migration import Migration, next_gate
from harness.phases.moves import (
    Promotion,
    RolledBack,
    adopt,
    approve,
    finalize,
    kill,
    promote,
    roll_back,
    with_state_brought_back,
)
from harness.phases.plan import PlanLine, plan
from harness.phases.status import PhaseStatus, status

__all__ = [
    "Migration",
    "PhaseStatus",
    "PlanLine",
    "Promotion",
    "RolledBack",
    "adopt",
    "approve",
    "attest",
    "finalize",
    "kill",
    "next_gate",
    "plan",
    "promote",
    "roll_back",
    "status",
    "with_state_brought_back",
]
