"""The results of generated tests, read from the JUnit XML that pytest writes, as from a stranger."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from harness.record import TestResult

__all__ = ["read_results"]

_MOST_BYTES = 4 << 20
_MOST_TESTS = 2000
_LONGEST = 300
_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


def read_results(xml: bytes) -> tuple[TestResult, ...] | None:
    """The result of each test; None where `xml` is not what pytest writes."""
    if len(xml) > _MOST_BYTES:
        return None
    try:
        # As text: it is not for the text to say how it is to be read.
        text = xml.decode()
        # Entities are the way in which XML does harm, and pytest has no use for them.
        if "<!" in text.replace("<![CDATA[", ""):
            return None
        root = ET.fromstring(text)  # noqa: S314 (entities are refused above)
    except (UnicodeDecodeError, ET.ParseError):
        return None
    return tuple(_result(case) for case in list(root.iter("testcase"))[:_MOST_TESTS])


def _result(case: ET.Element) -> TestResult:
    name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
    for child in case:
        if child.tag in _OUTCOMES:
            reason = " ".join((child.get("message") or "").split())
            return TestResult(name=name[:_LONGEST], outcome=_OUTCOMES[child.tag], reason=reason[:_LONGEST])
    return TestResult(name=name[:_LONGEST], outcome="passed")
