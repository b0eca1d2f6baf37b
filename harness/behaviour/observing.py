"""What one application does: it is started and asked, and its tests are run, each in a sandbox of its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from harness.behaviour.environment import Environment, environment_for, existing_environment
from harness.behaviour.project import Project, project_of
from harness.behaviour.questions import Question
from harness.behaviour.requirements import Granted, granted
from harness.behaviour.settings import ExecuteSettings
from harness.behaviour.test_results import read_results
from harness.behaviour.visit import ENVIRONMENT, SCRIPTS, Visit, visit
from harness.record import BehaviourRecord, RouteAnswer, RunRecord, TestResult
from harness.sandbox import Sandbox, SandboxJob
from harness.sandbox.view import KEEPER_PYTHON

__all__ = ["observe"]

_NO_MODULE = re.compile(r"No module named '([^'.]+)")
_MARGIN_S = 5.0


async def observe(
    sandbox: Sandbox, record: RunRecord, questions: Sequence[Question], settings: ExecuteSettings
) -> BehaviourRecord:
    """Execute what a run generated. What goes wrong in it is on the record.

    Raises `BadInputError` for settings that cannot be used, `SandboxUnavailable`, and `SurroundingsError`
    where what is allowed cannot be installed.
    """
    project = await asyncio.to_thread(project_of, record)
    given = granted(project, settings.allow)
    if settings.environment is not None:
        environment = await existing_environment(settings.environment)
        given = Granted((), ())
    else:
        environment = await environment_for(given.given, settings)
    made = BehaviourRecord(
        sandbox=sandbox.name,
        entry=project.entry,
        started=False,
        reason="it has no file that is known as one to start, such as main.py",
        allowed=given.given,
        refused=given.refused,
    )
    if project.entry is None:
        return made
    first = await visit(sandbox, project, project.entry, questions, environment, settings)
    if not first.started:
        return made.model_copy(update={"reason": _reason(first.reason or "", given)})
    answers = first.answers
    if answers:
        await asyncio.sleep(settings.apart_s)
        again = await visit(sandbox, project, project.entry, questions, environment, settings)
        answers = tuple(_marked(answers, again))
    results, reason = await _examined(sandbox, project, environment, settings)
    return made.model_copy(
        update={
            "started": True,
            "reason": None,
            "startup_s": first.startup_s,
            "routes": answers,
            "tests": results,
            "tests_reason": reason,
        }
    )


def _marked(answers: Sequence[RouteAnswer], again: Visit) -> Iterator[RouteAnswer]:
    """The answers, with a mark at those whose text was another at the second start."""
    for answer, second in zip_longest(answers, again.answers[: len(answers)]):
        yield answer.model_copy(update={"varies": second is not None and answer.body != second.body})


def _reason(said: str, given: Granted) -> str:
    """Why it does not start, and what would help where something was not allowed."""
    missing = _NO_MODULE.search(said)
    if missing is None:
        return said
    refused = {name.lower(): name for name in given.refused}
    if missing[1].lower() in refused:
        return _not_allowed(refused[missing[1].lower()])
    # A package may have another name than the module that it brings.
    return f"{said}; {'; '.join(map(_not_allowed, given.refused))}" if given.refused else said


def _not_allowed(name: str) -> str:
    return f"{name} is not allowed: --allow {name}, or 'allow' under [execute] in harness.toml"


async def _examined(
    sandbox: Sandbox, project: Project, environment: Environment, settings: ExecuteSettings
) -> tuple[tuple[TestResult, ...], str | None]:
    """The results of its tests, and why there are none."""
    if not project.tests:
        return (), None
    ended = await sandbox.run(
        SandboxJob(
            (
                str(KEEPER_PYTHON),
                "-I",
                "-S",
                str(SCRIPTS / "examine.py"),
                str(environment.python),
                str(settings.tests_s),
            ),
            files=project.files,
            shown=(*environment.shown, SCRIPTS),
            env=ENVIRONMENT,
            limits=settings.limits_within(settings.tests_s + _MARGIN_S),
        )
    )
    results = read_results(ended.stdout) if ended.stdout else None
    if results is not None:
        return results, None
    words = ended.stderr.decode(errors="replace").strip().splitlines() or ["they said nothing"]
    if "No module named pytest" in words[-1]:
        return (), _not_allowed("pytest")
    return (), f"its tests came to no result: {ended.limit or words[-1][:300]}"
