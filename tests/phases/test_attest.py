"""Suites as evidence: what they showed, of this code, and never nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.compare import Status
from harness.errors import BadInputError
from harness.evidence import EvidenceKind, EvidenceStore
from harness.phases import attest
from harness.record.fingerprint import source_digests

PASSED = '<testsuite><testcase classname="t" name="a"/><testcase classname="t" name="b"/></testsuite>'
FAILED = PASSED.replace('"b"/>', '"b"><failure/></testcase>')
SKIPPED = '<testsuite><testcase classname="t" name="a"><skipped/></testcase></testsuite>'


@pytest.mark.parametrize(
    ("xml", "status", "reason"),
    [
        (PASSED, Status.PASS, "2 of 2 tests passed"),
        (FAILED, Status.FAIL, "1 of 2 tests passed; the first: t::b"),
    ],
)
def test_a_suite_is_evidence_for_the_sources_as_they_are(
    xml: str, status: Status, reason: str, tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    junit.write_text(xml)
    evidence = attest(tmp_path, EvidenceKind.SUITE, junit)
    assert (evidence.status, evidence.reason) == (status, reason)
    assert evidence.fingerprint.sources == dict(source_digests())
    assert EvidenceStore(tmp_path).all() == ((evidence,), ())


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (None, "cannot be read: No such file"),
        ("<testsuite>", "is no JUnit XML"),
        ("<!DOCTYPE x><testsuite/>", "is no JUnit XML"),
        ("<testsuite/>", "holds no test that was run"),
        (SKIPPED, "holds no test that was run"),
    ],
)
def test_what_shows_nothing_is_refused(xml: str | None, words: str, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    if xml is not None:
        junit.write_text(xml)
    with pytest.raises(BadInputError, match=words):
        attest(tmp_path, EvidenceKind.LOAD_TEST, junit)


def test_what_is_older_than_the_sources_is_refused(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    junit.write_text(PASSED)
    os.utime(junit, (1_000_000_000, 1_000_000_000))
    with pytest.raises(BadInputError, match="is older than the sources"):
        attest(tmp_path, EvidenceKind.SUITE, junit)
