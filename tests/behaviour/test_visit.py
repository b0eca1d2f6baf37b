"""What a visitor tells is read as from a stranger: what is not expected counts for nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.behaviour import ExecuteSettings, Question
from harness.behaviour.environment import Environment
from harness.behaviour.project import Project
from harness.behaviour.visit import Visit, visit
from harness.sandbox import Ended, Limit, Sandbox, SandboxJob
from harness.sandbox.namespaces import Namespaces

ASKED = (Question("GET", "/"), Question("GET", "/a"))
STARTED = b'{"started": true, "startup_s": 0.5}\n'
GOOD = (
    json.dumps({"status": 200, "content_type": "text/html", "location": None, "body": "hello"}).encode()
    + b"\n"
)


class Told(Sandbox):
    """A sandbox in which everything has been said already."""

    def __init__(self, said: bytes, limit: Limit | None) -> None:
        super().__init__(Namespaces())
        self._said = Ended(0, limit, said, b"")

    async def run(self, job: SandboxJob) -> Ended:
        return self._said


async def visited(said: bytes, limit: Limit | None = None) -> Visit:
    environment = Environment(Path("/python"), ())
    return await visit(Told(said, limit), Project({}, {}), "main.py", ASKED, environment, ExecuteSettings())


@pytest.mark.parametrize(
    ("said", "limit", "reason"),
    [
        (b"", None, "its visitor did not come to an end"),
        (b"hello\n" + GOOD, None, "its visitor did not come to an end"),
        (b'{"started": "yes"}\n', None, "its visitor did not come to an end"),
        (b'{"started": false}\n', None, "it did not say why"),
        (b'{"started": false, "reason": "' + b"x" * 9999 + b'"}\n', None, "x" * 300),
        (b"", Limit.MEMORY, "it used more memory than it may"),
    ],
)
async def test_an_application_of_which_nothing_good_is_told_has_not_started(
    said: bytes, limit: Limit | None, reason: str
) -> None:
    assert await visited(said, limit) == Visit(False, reason, None, ())


@pytest.mark.parametrize(
    ("lines", "limit", "expected"),
    [
        (GOOD * 2, None, [(200, None), (200, None)]),
        (GOOD * 9, None, [(200, None), (200, None)]),
        (GOOD, None, [(200, None)]),
        (GOOD + b'{"status": 2', None, [(200, None)]),
        (GOOD, Limit.TIME, [(200, None), (None, "no answer: its time was up")]),
        (b'{"status": "200"}\n' + GOOD, None, [(None, "no answer that could be read"), (200, None)]),
        (b"[" * 99_999 + b"\n" + GOOD, None, [(None, "no answer that could be read"), (200, None)]),
    ],
    ids=["all", "too many", "not all", "cut off in a line", "cut off", "no answer", "nested"],
)
async def test_each_answer_counts_for_what_it_is(
    lines: bytes, limit: Limit | None, expected: list[tuple[int | None, str | None]]
) -> None:
    seen = await visited(STARTED + lines, limit)
    assert seen.started
    assert [(answer.status, answer.error) for answer in seen.answers] == expected
    assert [answer.path for answer in seen.answers] == ["/", "/a"][: len(expected)]
