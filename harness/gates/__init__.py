"""The gates of the migration: a step's criteria, held against the evidence that counts for it."""

from harness.gates.criteria import Criteria, default_criteria
from harness.gates.gate import CriterionLine, CriterionStatus, Gate, judge_gate
from harness.gates.sifting import Sifted, sift
from harness.gates.step_engines import StepEngines, engines_of

__all__ = [
    "Criteria",
    "CriterionLine",
    "CriterionStatus",
    "Gate",
    "Sifted",
    "StepEngines",
    "default_criteria",
    "engines_of",
    "judge_gate",
    "sift",
]
