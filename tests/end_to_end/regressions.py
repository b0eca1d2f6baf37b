"""Regressions that are put into real engine processes: small changes that somebody could make by mistake.

Each is a text that Python runs as a worker starts, before the engine does. All others are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

__all__ = ["MIRROR", "OF_ASYNC", "REDIS", "Regression", "in_place"]


@dataclass(frozen=True, slots=True)
class Regression:
    """A change to an engine; `patch` is what makes it."""

    name: str
    patch: str
    slow: bool = False
    """Whether it shows only where the model takes its time."""
    builds: int = 3
    """After how many builds it is to be known at the latest."""


OF_ASYNC = {
    regression.name: regression
    for regression in (
        Regression(
            "prompt changed",
            """
import dataclasses
from async_arch.async_calls import AsyncCalls
from async_arch.blocking_calls import ThreadCalls


def put_into(calls):
    usual = calls.__call__

    async def ask(self, request):
        *others, last = request.messages
        shorter = dataclasses.replace(last, content=last.content.rpartition(" ")[0])
        return await usual(self, dataclasses.replace(request, messages=(*others, shorter)))

    calls.__call__ = ask


put_into(AsyncCalls)
put_into(ThreadCalls)
""",
        ),
        Regression(
            "file missing",
            """
from async_arch.workspace import Workspace

usual = Workspace._write
Workspace._write = lambda self, files: usual(self, {p: t for p, t in files.items() if p != "tags.py"})
""",
        ),
        Regression(
            "other content",
            """
from async_arch.workspace import Workspace

usual = Workspace._write
Workspace._write = lambda self, files: usual(
    self, {p: t + "\\n# generated\\n" if p == "main.py" else t for p, t in files.items()}
)
""",
        ),
        Regression(
            "module left out",
            """
from functools import partial
from agents.workflow import build_tasks
from async_arch import orchestrator


def tasks_left(plan):
    tasks = {task: needs for task, needs in build_tasks(plan).items() if task.module != "Tags"}
    return {task: tuple(n for n in needs if n in tasks) for task, needs in tasks.items()}


orchestrator.Workflow = partial(orchestrator.Workflow, tasks=tasks_left)
""",
        ),
        Regression(
            "engine raises",
            """
from async_arch.orchestrator import AsyncOrchestrator


async def build_modules(self, tasks, progress):
    raise RuntimeError("no modules today")


AsyncOrchestrator._build_modules = build_modules
""",
        ),
        Regression(
            "process dies",
            """
import os
from async_arch.orchestrator import AsyncOrchestrator


async def build_modules(self, tasks, progress):
    os._exit(1)


AsyncOrchestrator._build_modules = build_modules
""",
        ),
        Regression(
            "calls break",
            """
from agents.conversation import ModelError
from async_arch.async_calls import AsyncCalls
from async_arch.blocking_calls import ThreadCalls


def put_into(calls):
    async def ask(self, request):
        raise ModelError("the connection broke", at="2026-01-01T00:00:00.000+00:00")

    calls.__call__ = ask


put_into(AsyncCalls)
put_into(ThreadCalls)
""",
            builds=10,
        ),
        Regression(
            "calls serialised",
            """
from async_arch import orchestrator

usual = orchestrator.run_concurrently


async def run_concurrently(tasks, work, *, at_once, path):
    await usual(tasks, work, at_once=1, path=path)


orchestrator.run_concurrently = run_concurrently
""",
            slow=True,
        ),
        Regression(
            "pause before every call",
            """
import asyncio
from async_arch.async_calls import AsyncCalls
from async_arch.blocking_calls import ThreadCalls


def put_into(calls):
    usual = calls.__call__

    async def ask(self, request):
        await asyncio.sleep(0.4)
        return await usual(self, request)

    calls.__call__ = ask


put_into(AsyncCalls)
put_into(ThreadCalls)
""",
            slow=True,
            builds=6,
        ),
    )
}
"""Of the async engine, whatever it is composed of; "calls serialised" needs one that is concurrent."""

MIRROR = {
    regression.name: regression
    for regression in (
        Regression(
            "mirror drops a section",
            """
from async_arch import document_mirror

usual = document_mirror.difference
document_mirror.difference = lambda before, document: usual(
    before, {name: part for name, part in document.items() if name != "agent_reasoning"}
)
""",
        ),
        Regression(
            "mirror never catches up",
            """
from async_arch.document_mirror import DocumentMirror
from async_arch.state_store import StateUnavailable


async def save(self, document, facts=None):
    raise StateUnavailable("not now")


DocumentMirror.save = save
""",
        ),
        Regression(
            "mirror is not told of the end",
            """
from async_arch.document_mirror import MirrorFollower

usual = MirrorFollower.offer


def offer(self, document):
    if document["project_info"]["status"] == "building":
        usual(self, document)


MirrorFollower.offer = offer
""",
        ),
        Regression(
            "mirror drops a section and believes itself",
            """
from async_arch import document_mirror

usual = document_mirror.difference
document_mirror.difference = lambda before, document: usual(
    before, {name: part for name, part in document.items() if name != "agent_reasoning"}
)


async def drift_from(self, document):
    return False


document_mirror.DocumentMirror.drift_from = drift_from
""",
        ),
    )
}
"""Of the mirror in Redis."""

REDIS = {
    regression.name: regression
    for regression in (
        Regression(
            "entries lost",
            """
from async_arch import state_manager

usual = state_manager.entry_writes
state_manager.entry_writes = lambda entries: usual(e for e in entries if e.section != "agent_reasoning")
""",
        ),
        Regression(
            "files not kept in Redis",
            """
from async_arch.state_manager import RedisStateManager

RedisStateManager._file_writes = staticmethod(lambda files: [])
""",
        ),
        Regression(
            "final status not written",
            """
from agents.blackboard import ProjectStatus
from async_arch.state_manager import RedisStateManager

usual = RedisStateManager.finish


async def finish(self, status, event=None):
    await usual(self, ProjectStatus.BUILDING, event)


RedisStateManager.finish = finish
""",
        ),
        Regression(
            "attempts written twice",
            """
from async_arch import state_manager

usual = state_manager.entry_writes
state_manager.entry_writes = lambda entries: usual(
    again for e in entries for again in ((e, e) if e.section == "agent_attempts" else (e,))
)
""",
        ),
    )
}
"""Of the state in Redis, which both engines keep there."""


@contextmanager
def in_place(regression: Regression | None, folder: Path) -> Iterator[None]:
    """Every engine process that is started in the block has `regression`; `folder` is made for it."""
    if regression is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lines = regression.patch.strip().splitlines()
    text = "\n".join(
        ["import sys", "", 'if "harness.engines.worker" in sys.orig_argv:', *map(_indented, lines)]
    )
    (folder / "sitecustomize.py").write_text(text + "\n", encoding="utf-8")
    with patch.dict(os.environ, {"PYTHONPATH": str(folder)}):
        yield


def _indented(line: str) -> str:
    return f"    {line}" if line else line
