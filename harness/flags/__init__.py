"""The flags of the migration: what they may be, the file they stand in, and the log of who moved them."""

from harness.flags.audit import Action, AuditEntry, AuditLog, AuditProblem
from harness.flags.evaluation import PinnedFlags, pin_flags
from harness.flags.flag_values import EngineMode, FlagValues
from harness.flags.installation import Installation, MovedMeanwhile, Standing
from harness.flags.ladder import PHASES, START, Phase, Step

__all__ = [
    "PHASES",
    "START",
    "Action",
    "AuditEntry",
    "AuditLog",
    "AuditProblem",
    "EngineMode",
    "FlagValues",
    "Installation",
    "MovedMeanwhile",
    "Phase",
    "PinnedFlags",
    "Standing",
    "Step",
    "pin_flags",
]
