"""Control record and candidate record, compared layer by layer, and the verdict on them."""

from harness.compare.comparison import Comparison, LayerResult, Noise, Pair, Repeats, compare
from harness.compare.mismatch import Kind, Layer, Mismatch, Severity
from harness.compare.overlaps import Overlap, Overlaps
from harness.compare.timing import PathCall, TimingFacts
from harness.compare.verdict import Status, Verdict

__all__ = [
    "Comparison",
    "Kind",
    "Layer",
    "LayerResult",
    "Mismatch",
    "Noise",
    "Overlap",
    "Overlaps",
    "Pair",
    "PathCall",
    "Repeats",
    "Severity",
    "Status",
    "TimingFacts",
    "Verdict",
    "compare",
]
