"""Pieces of evidence made by hand, for tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from harness.compare import Status
from harness.evidence import Evidence, EvidenceKind
from harness.record.fingerprint import Fingerprint

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCES = {"agents": "a1", "async_arch": "c1", "legacy": "l1"}
_numbers = count(1)


def piece(
    *,
    spec: str = "shop",
    kind: EvidenceKind = EvidenceKind.COMPARE,
    candidate: str = "async",
    control: str = "legacy",
    days: float = 1.0,
    status: Status = Status.PASS,
    sources: dict[str, str] | None = None,
    model: str = "m1",
    spec_digest: str = "s1",
    cassette: str | None = None,
    candidate_run: str | None = None,
    **more: Any,
) -> Evidence:
    """Evidence of two equal runs, so many `days` before `NOW`, three times faster, unless said otherwise."""
    number = next(_numbers)
    times = {"control_wall_s": 30.0, "candidate_wall_s": 10.0, "slots": 4}
    return Evidence(
        id=f"e{number:05}",
        at=NOW - timedelta(days=days),
        kind=kind,
        spec=spec,
        control_engine=control,
        candidate_engine=candidate,
        candidate=candidate_run or f"run{number}",
        fingerprint=Fingerprint(
            sources=SOURCES if sources is None else sources,
            spec=spec_digest,
            flags="f1",
            model=model,
            cassette=cassette,
        ),
        status=status,
        reason="equal" if status is Status.PASS else "differs",
        **{**times, **more},
    )
