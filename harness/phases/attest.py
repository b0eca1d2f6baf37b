"""Suites as evidence: that the seeded regressions, or the load test, were passed by this code."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from harness.behaviour.test_results import read_results
from harness.compare import Status
from harness.errors import BadInputError
from harness.evidence import Evidence, EvidenceKind, EvidenceStore
from harness.evidence.evidence import new_id
from harness.record.fingerprint import Fingerprint, newest_source, source_digests

__all__ = ["attest"]


def attest(store: Path, kind: EvidenceKind, junit: Path) -> Evidence:
    """Keep what the JUnit XML in `junit` says of a suite of `kind`, as evidence for the sources as they are.

    Raises `BadInputError` where it cannot be read, holds no test, or is older than the sources.
    """
    try:
        results, written = (
            read_results(junit.read_bytes()),
            datetime.fromtimestamp(junit.stat().st_mtime, UTC),
        )
    except OSError as error:
        raise BadInputError(f"{junit}: cannot be read: {error.strerror}") from error
    if results is None:
        raise BadInputError(f"{junit}: is no JUnit XML as pytest writes it (pytest --junit-xml FILE)")
    ran = [result for result in results if result.outcome != "skipped"]
    if not ran:
        raise BadInputError(f"{junit}: holds no test that was run: no data never passes")
    if written < newest_source():
        raise BadInputError(f"{junit}: is older than the sources of the engines; run the suite again")
    failed = [result for result in ran if result.outcome != "passed"]
    first = f"; the first: {failed[0].name}" if failed else ""
    evidence = Evidence(
        id=new_id(kind.value.replace(" ", "-")),
        at=written,
        kind=kind,
        fingerprint=Fingerprint(sources=dict(source_digests()), spec="", flags="", model=""),
        status=Status.FAIL if failed else Status.PASS,
        reason=f"{len(ran) - len(failed)} of {len(ran)} tests passed{first}",
    )
    EvidenceStore(store).add(evidence)
    return evidence
