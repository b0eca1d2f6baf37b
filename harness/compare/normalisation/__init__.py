"""What two runs may differ in without a mismatch, as rules, and how often each of them fired."""

from harness.compare.normalisation.fired import RuleFired, Side
from harness.compare.normalisation.normaliser import Normaliser
from harness.compare.normalisation.rule import PROJECT_RULES, ProjectRule
from harness.compare.normalisation.rule_file import BUILT_IN, Rules

__all__ = ["BUILT_IN", "PROJECT_RULES", "Normaliser", "ProjectRule", "RuleFired", "Rules", "Side"]
