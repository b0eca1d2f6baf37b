"""A visit: one start of an application in the sandbox, and its answers to all questions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.behaviour.environment import Environment
from harness.behaviour.project import Project
from harness.behaviour.questions import Question
from harness.behaviour.settings import ExecuteSettings
from harness.record import RouteAnswer
from harness.sandbox import Ended, Limit, Sandbox, SandboxJob
from harness.sandbox.view import KEEPER_PYTHON

__all__ = ["ENVIRONMENT", "SCRIPTS", "Visit", "visit"]

SCRIPTS = Path(__file__).parent / "inside"

ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108 (the sandbox's own)
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PORT": "8000",
    "PYTHONDONTWRITEBYTECODE": "1",
    # What hangs on the order of a set is to be the same in both.
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    # What else reserves address space for every processor.
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_MOST_BODY = 64 << 10
_LONGEST = 300
_MARGIN_S = 5.0
_CUT_OFF = {
    Limit.TIME: "its time was up",
    Limit.CPU: "it used more processor time than it may",
    Limit.MEMORY: "it used more memory than it may",
    Limit.PROCESSES: "it started more processes than it may",
    Limit.OUTPUT: "it said more than anybody reads",
    Limit.KEEPER: "its sandbox was ended from outside, as where the machine runs out of memory",
}


class _Started(BaseModel):
    """The first line of a visitor."""

    model_config = ConfigDict(frozen=True, strict=True)

    started: bool
    reason: str | None = None
    startup_s: float | None = Field(default=None, ge=0)


class _Answered(BaseModel):
    """Each further line of a visitor."""

    model_config = ConfigDict(frozen=True, strict=True)

    status: int | None = None
    content_type: str | None = None
    location: str | None = None
    body: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of it."""

    started: bool
    reason: str | None
    startup_s: float | None
    answers: tuple[RouteAnswer, ...]


async def visit(
    sandbox: Sandbox,
    project: Project,
    entry: str,
    questions: Sequence[Question],
    environment: Environment,
    settings: ExecuteSettings,
) -> Visit:
    """Start `entry` of `project` and ask it `questions`; without any it is a program, and only called."""
    kind = "web" if questions else "program"
    serve = [str(environment.python), str(SCRIPTS / "serve.py"), kind, entry]
    told = {
        "command": serve,
        "questions": [asdict(question) for question in questions] or None,
        "startup_s": settings.startup_s,
        "request_s": settings.request_s,
        "asking_s": settings.asking_s,
        "body": _MOST_BODY,
    }
    wall_s = settings.startup_s + settings.asking_s + settings.request_s + _MARGIN_S
    ended = await sandbox.run(
        SandboxJob(
            (str(KEEPER_PYTHON), "-I", "-S", str(SCRIPTS / "visit.py")),
            files=project.files,
            shown=(*environment.shown, SCRIPTS),
            env=ENVIRONMENT,
            given=json.dumps(told),
            limits=settings.limits_within(wall_s),
        )
    )
    return _read(ended, questions)


def _read(ended: Ended, questions: Sequence[Question]) -> Visit:
    """What the visitor told. Its neighbour may have had a hand in it: only what is expected counts."""
    cut_off = None if ended.limit is None else _CUT_OFF[ended.limit]
    first, *lines = ended.stdout.split(b"\n")
    try:
        start = _Started.model_validate_json(first)
    except ValidationError:
        return Visit(False, cut_off or "its visitor did not come to an end", None, ())
    if not start.started:
        return Visit(False, (start.reason or "it did not say why")[:_LONGEST], None, ())
    # What follows the last newline was cut off; what was not asked any more has no answer.
    answers = [_answer(*asked) for asked in zip(questions, lines[:-1], strict=False)]
    if cut_off and len(answers) < len(questions):
        asked = questions[len(answers)]
        answers.append(_unanswered(asked, f"no answer: {cut_off}"))
    return Visit(True, None, start.startup_s, tuple(answers))


def _answer(question: Question, line: bytes) -> RouteAnswer:
    try:
        answer = _Answered.model_validate_json(line)
    except ValidationError:
        return _unanswered(question, "no answer that could be read")
    return RouteAnswer(
        method=question.method,
        path=question.path,
        status=answer.status,
        content_type=_cut(answer.content_type),
        location=_cut(answer.location),
        body=answer.body[:_MOST_BODY],
        error=_cut(answer.error),
    )


def _unanswered(question: Question, why: str) -> RouteAnswer:
    return RouteAnswer(method=question.method, path=question.path, status=None, error=why)


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:_LONGEST]
