"""A comparison as JUnit XML, as build servers read it: a suite for each spec, a case for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.compare import Comparison, LayerResult, Status
from harness.compare.expectations import Expectation, ExpectationStatus
from harness.compare.text import visible

__all__ = ["junit_report"]

_UNJUDGED = frozenset({ExpectationStatus.NOT_JUDGED, ExpectationStatus.INCONCLUSIVE})


def junit_report(comparisons: Sequence[Comparison]) -> str:
    """All `comparisons`. A mismatch is a failure; what could not be judged is an error, never a pass.

    The case `verdict` of each suite is what counts: the other cases say where.
    """
    root = Element("testsuites", name="harness compare")
    for comparison in comparisons:
        suite = SubElement(
            root,
            "testsuite",
            name=visible(comparison.spec),
            time=f"{comparison.control.timing.wall_s + comparison.candidate.timing.wall_s:.3f}",
        )
        for layer in comparison.layers:
            _layer(suite, comparison, layer)
        for expectation in comparison.expectations:
            _expectation(suite, comparison, expectation)
        _verdict(suite, comparison)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
        suite.set("tests", str(len(suite.findall("testcase"))))
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _case(suite: Element, comparison: Comparison, name: str) -> Element:
    return SubElement(suite, "testcase", classname=visible(comparison.spec), name=visible(name))


def _layer(suite: Element, comparison: Comparison, layer: LayerResult) -> None:
    case = _case(suite, comparison, layer.layer.value)
    if not layer.seen:
        SubElement(case, "skipped", message=visible(layer.compared))
    elif layer.mismatches:
        count = len(layer.mismatches)
        message = f"{count} mismatch{'es' if count > 1 else ''}"
        failure = SubElement(case, "failure", type=layer.mismatches[0].kind.value, message=message)
        failure.text = "\n".join(
            f"{found.kind.value} ({found.severity.value}): {visible(found.sentence)}"
            for found in layer.mismatches
        )


def _expectation(suite: Element, comparison: Comparison, expectation: Expectation) -> None:
    case = _case(suite, comparison, f"expect {expectation.key}")
    if expectation.status is ExpectationStatus.UNMET:
        SubElement(case, "failure", type="expectation", message=visible(expectation.sentence))
    elif expectation.status in _UNJUDGED:
        SubElement(case, "skipped", message=visible(expectation.sentence))


def _verdict(suite: Element, comparison: Comparison) -> None:
    case = _case(suite, comparison, "verdict")
    verdict = comparison.verdict
    if verdict.status is not Status.PASS:
        tag = "failure" if verdict.status is Status.FAIL else "error"
        said = SubElement(case, tag, type=verdict.status.value, message=visible(verdict.reasons[0]))
        said.text = "\n".join(map(visible, verdict.reasons))
