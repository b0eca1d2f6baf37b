"""Faults: what can go wrong with a model, brought about on purpose and alike for every engine."""

from harness.gateway.faults.faulty import FaultyUpstream
from harness.gateway.faults.rule import FaultKind, FaultRule, FaultRuleError, parse_fault

__all__ = ["FaultKind", "FaultRule", "FaultRuleError", "FaultyUpstream", "parse_fault"]
