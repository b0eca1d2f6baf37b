"""Control record and candidate record, compared layer by layer, and the verdict on them."""

from harness.compare.comparison import Comparison, LayerResult, Pair, Repeats, compare
from harness.compare.mismatch import Kind, Layer, Mismatch, Severity
from harness.compare.timing import Overlap, TimingFacts
from harness.compare.verdict import Status, Verdict

__all__ = [
    "Comparison",
    "Kind",
    "Layer",
    "LayerResult",
    "Mismatch",
    "Overlap",
    "Pair",
    "Repeats",
    "Severity",
    "Status",
    "TimingFacts",
    "Verdict",
    "compare",
]
