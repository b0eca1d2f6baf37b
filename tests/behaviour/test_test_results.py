"""Results are read as from a stranger: what pytest writes counts, anything else is nothing."""

from __future__ import annotations

import pytest

from harness.behaviour.test_results import read_results
from harness.record import TestResult


def test_each_test_has_its_outcome() -> None:
    xml = b"""<?xml version="1.0"?><testsuites><testsuite>
    <testcase classname="test_a" name="good"/>
    <testcase classname="test_a" name="bad"><failure message="1&#10;!= 2"><![CDATA[<x>]]></failure></testcase>
    <testcase name="none"><error message="no fixture"/></testcase>
    <testcase name="later"><skipped/></testcase></testsuite></testsuites>"""
    assert read_results(xml) == (
        TestResult(name="test_a::good", outcome="passed"),
        TestResult(name="test_a::bad", outcome="failed", reason="1 != 2"),
        TestResult(name="none", outcome="error", reason="no fixture"),
        TestResult(name="later", outcome="skipped"),
    )


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<testsuites>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><testsuites/>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
        b"<testsuites>" + b" " * (5 << 20) + b"</testsuites>",
    ],
    ids=["empty", "cut off", "entities", "entities in disguise", "long"],
)
def test_what_pytest_does_not_write_is_no_result(xml: bytes) -> None:
    assert read_results(xml) is None
