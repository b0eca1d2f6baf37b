"""The export of runs: their spans, made and sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.compare import Comparison
from harness.record import RunRecord, RunStore
from harness.report.otlp.endpoint import Endpoint

__all__ = ["export_compared", "export_runs"]

_TIMEOUT_S = 10.0


def export_compared(
    comparisons: Iterable[Comparison], store: RunStore, endpoint: Endpoint, timeout_s: float = _TIMEOUT_S
) -> int:
    """Send every run of `comparisons`, of all pairs where there were several; how many spans that were."""
    ids = [
        run
        for comparison in comparisons
        for run in (
            *(run for pair in _pairs(comparison) for run in pair),
            comparison.control.run,
            comparison.candidate.run,
        )
    ]
    return sum(export_runs([store.load(run)], endpoint, timeout_s) for run in dict.fromkeys(ids))


def export_runs(records: Sequence[RunRecord], endpoint: Endpoint, timeout_s: float = _TIMEOUT_S) -> int:
    """Send the spans of `records`; how many they were. No prompt and no answer is in them.

    A request may take `timeout_s`. Raises `SurroundingsError` where the collector does not take them all.
    """
    # Here, as nothing else needs them.
    from harness.report.otlp.collector import Collector
    from harness.report.otlp.spans import spans_of

    sent = 0
    with Collector(endpoint, timeout_s) as collector:
        for record in records:
            spans = spans_of(record)
            collector.send(record, spans)
            sent += len(spans)
    return sent


def _pairs(comparison: Comparison) -> list[tuple[str, str]]:
    pairs = comparison.repeats.pairs if comparison.repeats else ()
    return [(pair.control, pair.candidate) for pair in pairs]
