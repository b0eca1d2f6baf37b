"""The behaviour layer: do the applications that both built start, answer alike and pass their own tests?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from harness.compare.files.content import change_of
from harness.compare.mismatch import Kind, Layer, Mismatch, Severity
from harness.compare.text import first_difference, one_line, shortened
from harness.record import BehaviourRecord, RouteAnswer, RunRecord, TestResult

__all__ = ["compare_behaviour"]

_WORSE = frozenset({"failed", "error"})
# What a body is, as the name of a file would say it; the first that the content type holds.
_KINDS = {"json": ".json", "html": ".html", "css": ".css", "javascript": ".js"}


def compare_behaviour(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What the application of the candidate does otherwise; nothing where one of them was not executed."""
    ours, theirs = control.behaviour, candidate.behaviour
    if ours is None or theirs is None:
        return
    if not (ours.started and theirs.started):
        yield from _starts(ours, theirs)
        return
    yield from _routes(ours.routes, theirs.routes)
    yield from _tests(ours, theirs)


def _starts(ours: BehaviourRecord, theirs: BehaviourRecord) -> Iterator[Mismatch]:
    before, after = (one_line(side.reason or "it starts") for side in (ours, theirs))
    if ours.started:
        sentence = f"the application does not start in the candidate only: {after}"
        yield _mismatch(Kind.FAILED, "start", sentence, Severity.BREAKING, before, after)
    elif theirs.started:
        sentence = f"the application does not start in the control only: {before}"
        yield _mismatch(Kind.FAILED, "start", sentence, Severity.MAJOR, before, after)
    elif before != after:
        sentence = (
            f"the application starts in neither, and not for the same reason: {after} instead of {before}"
        )
        yield _mismatch(Kind.FAILED, "start", sentence, Severity.MINOR, before, after)


def _routes(ours: Iterable[RouteAnswer], theirs: Iterable[RouteAnswer]) -> Iterator[Mismatch]:
    before, after = _numbered(ours), _numbered(theirs)
    for request in {**before, **after}:
        # Both are asked the same, but for what is left when an application has ended or time is up: that has
        # been told once. Stored runs may have been executed beside others.
        if request in before and request in after:
            yield from _answers(before[request], after[request])


def _numbered(answers: Iterable[RouteAnswer]) -> dict[tuple[str, str, int], RouteAnswer]:
    """The answers by request; the same one may be asked several times, as what it shows changes."""
    times: Counter[tuple[str, str]] = Counter()
    found = {}
    for answer in answers:
        request = (answer.method, answer.path)
        times[request] += 1
        found[*request, times[request]] = answer
    return found


def _answers(before: RouteAnswer, after: RouteAnswer) -> Iterator[Mismatch]:
    request = f"{before.method} {before.path}"
    ours, theirs = _said(before), _said(after)
    if (before.status, before.error) != (after.status, after.error):
        sentence = f"{request} answers {theirs} instead of {ours}"
        yield _mismatch(Kind.CHANGED, request, sentence, Severity.BREAKING, ours, theirs)
        return
    for what, old, new in (
        ("the content type", before.content_type, after.content_type),
        ("the way on", before.location, after.location),
    ):
        if old != new:
            sentence = f"{request} answers with {what} {new or 'missing'} instead of {old or 'none'}"
            yield _mismatch(Kind.CHANGED, request, sentence, Severity.MAJOR, old, new)
            return
    if before.body != after.body and not (before.varies and after.varies):
        yield _body(request, before, after)


def _body(request: str, before: RouteAnswer, after: RouteAnswer) -> Mismatch:
    kind = next((suffix for word, suffix in _KINDS.items() if word in (before.content_type or "")), ".txt")
    change = change_of(f"answer{kind}", before.body, after.body)
    difference = first_difference(before.body, after.body)
    return _mismatch(
        change.kind,
        request,
        f"{request} answers otherwise{change.how}: {difference}",
        change.severity,
        "\n".join(difference.control),
        "\n".join(difference.candidate),
    )


def _said(answer: RouteAnswer) -> str:
    if answer.status is None:
        return one_line(answer.error or "nothing")
    return f"{answer.status} ({shortened(answer.body, 60)})" if answer.status >= 400 else f"{answer.status}"


def _tests(ours: BehaviourRecord, theirs: BehaviourRecord) -> Iterator[Mismatch]:
    if ours.tests_reason != theirs.tests_reason:
        before, after = (one_line(side.tests_reason or "they were") for side in (ours, theirs))
        sentence = f"the generated tests were not run in both: {after} instead of {before}"
        yield _mismatch(Kind.CHANGED, "tests", sentence, Severity.MAJOR, before, after)
        return
    before_by_name = {test.name: test for test in ours.tests}
    after_by_name = {test.name: test for test in theirs.tests}
    for name in {**before_by_name, **after_by_name}:
        yield from _test(name, before_by_name.get(name), after_by_name.get(name))


def _test(name: str, before: TestResult | None, after: TestResult | None) -> Iterator[Mismatch]:
    ours, theirs = (test.outcome if test else None for test in (before, after))
    if ours == theirs:
        return
    if before is None:
        severity = Severity.BREAKING if theirs in _WORSE else Severity.MINOR
        sentence = f"the test {one_line(name)} is only in the candidate, and {theirs}"
        yield _mismatch(Kind.EXTRA, name, sentence, severity, None, theirs)
    elif after is None:
        sentence = f"the test {one_line(name)} is missing in the candidate"
        yield _mismatch(Kind.MISSING, name, sentence, Severity.BREAKING, ours, None)
    else:
        worse = theirs in _WORSE and ours not in _WORSE
        reason = f": {one_line(after.reason)}" if after.reason else ""
        sentence = f"the test {one_line(name)} {theirs} in the candidate and {ours} in the control{reason}"
        yield _mismatch(
            Kind.FAILED, name, sentence, Severity.BREAKING if worse else Severity.MAJOR, ours, theirs
        )


def _mismatch(
    kind: Kind,
    path: str,
    sentence: str,
    severity: Severity,
    control: str | None = None,
    candidate: str | None = None,
) -> Mismatch:
    return Mismatch(
        layer=Layer.BEHAVIOUR,
        kind=kind,
        path=path,
        sentence=sentence,
        severity=severity,
        control=control,
        candidate=candidate,
    )
