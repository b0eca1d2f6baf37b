"""An external engine: the command line of a file as an engine, of whose code nothing is known."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.conversation import Cause
from harness.engines.engine import EngineJob, EngineResult
from harness.engines.external.command import Command, CommandEnd, running_command
from harness.engines.external.description import ExternalDescription
from harness.engines.external.output import (
    blackboard_bytes,
    collect_blackboard,
    collect_files,
    find_blackboard,
    find_output,
)
from harness.engines.external.private_copy import PrivateCopy, private_copy
from harness.engines.external.watch import Watch
from harness.engines.last_words import last_words
from harness.record import ExternalPlace, Failure, Leaves

__all__ = ["ExternalEngine"]

_LOOPBACK = "127.0.0.1,localhost"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a command ended (None: not in time), and what was last seen of the blackboard."""

    end: CommandEnd | None
    limit_s: float
    last_board: bytes | None


class ExternalEngine:
    """The engine that a file describes. Every run is a process in a private copy of its source."""

    def __init__(self, description: ExternalDescription) -> None:
        self._description = description

    @property
    def name(self) -> str:
        """What people call it."""
        return f"external:{self._description.name}"

    @property
    def flags(self) -> Mapping[str, str]:
        """Nothing: what it is composed of is its own affair."""
        return {}

    @property
    def concurrent(self) -> bool | None:
        """None: it is seen from its calls."""
        return None

    @property
    def needs_redis(self) -> bool:
        """It is given none."""
        return False

    @property
    def not_resumable(self) -> str:
        """What it has done so far is its own affair."""
        return "an external engine begins anew every time"

    @property
    def leaves(self) -> frozenset[Leaves]:
        """A blackboard, where its file says that it keeps one."""
        return frozenset({Leaves.BLACKBOARD} if self._description.blackboard else ())

    async def run(self, job: EngineJob) -> EngineResult:
        """Run the command; its processes are gone when this returns or is cancelled, and so is the copy."""
        about = self._description
        folder = job.project_dir.parent
        async with private_copy(
            about.source, folder / "workdir", exclude=about.exclude, leave_out=[folder.parent.parent]
        ) as copy:
            await job.begin()
            ended = await self._execute(job, copy)
            await job.end()
            try:
                return await asyncio.to_thread(self._result, job, copy, ended)
            except OSError as error:
                # Folders that nobody may look into, for one: its doing, and so its failure.
                return _failed(Cause.ENGINE, f"what it left cannot be collected: {error}", copy, "")

    async def _execute(self, job: EngineJob, copy: PrivateCopy) -> _Ended:
        limit_s = min(self._description.timeout_s or job.deadline_s, job.deadline_s)
        watch = Watch(self._description, copy, job.calls_so_far, job.on_progress)
        end: CommandEnd | None = None
        async with running_command(self._command(job, copy)) as command, asyncio.TaskGroup() as group:
            watching = group.create_task(watch.keep())
            try:
                async with asyncio.timeout(limit_s):
                    end = await command.ended()
            except TimeoutError:
                pass
            watching.cancel()
        return _Ended(end, limit_s, watch.last_whole)

    def _command(self, job: EngineJob, copy: PrivateCopy) -> Command:
        return Command(
            words=self._description.words(idea=job.spec.idea, model=job.model, spec=job.spec.name),
            folder=copy.root,
            environment=self._environment(job),
            stdout=_stdout(job),
            stderr=job.log,
        )

    def _environment(self, job: EngineJob) -> dict[str, str]:
        python = self._description.python
        inherited = {
            name: value
            for name, value in os.environ.items()
            # Of the harness's own Python, not of the engine's.
            if name not in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH")
        }
        if (python.parent.parent / "pyvenv.cfg").is_file():
            inherited["VIRTUAL_ENV"] = str(python.parent.parent)
        return {
            **inherited,
            # A `python` or `pip` that the engine starts by name is to be its own.
            "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            # A model that imports a package does not thereby install it.
            "PIP_NO_INDEX": "1",
            **self._description.env,
            "OLLAMA_HOST": job.ollama_host,
            # A proxy in the environment would keep the engine from the loopback.
            "NO_PROXY": _LOOPBACK,
            "no_proxy": _LOOPBACK,
        }

    def _result(self, job: EngineJob, copy: PrivateCopy, ended: _Ended) -> EngineResult:
        about = self._description
        output = find_output(copy, about.output)
        board = find_blackboard(copy, output, about.blackboard)
        problems = self._problems(job, ended, output)
        kept = job.project_dir.with_name("blackboard.json")
        if board is not None and (not problems or blackboard_bytes(board) is not None):
            collect_blackboard(board, kept)
        elif ended.last_board is not None:
            # Cut down while it was writing: the state before that one is whole.
            kept.write_bytes(ended.last_board)
        if output is not None:
            collect_files(copy, output, about.ignore, job.project_dir)
        if problems:
            cause = Cause.ENGINE if ended.end else Cause.DEADLINE
            return _failed(cause, "; ".join(problems), copy, output or "")
        return EngineResult(0.0, external=ExternalPlace(workdir=str(copy.root), output=output or ""))

    def _problems(self, job: EngineJob, ended: _Ended, output: str | None) -> list[str]:
        """Why the run was none, by all that can be seen together: an exit code alone may lie."""
        about = self._description
        if ended.end is None:
            return [f"not finished within {ended.limit_s:g} s"]
        if ended.end.failed is not None:
            return [f"{about.command[0]} could not be started: {ended.end.failed}"]
        problems = [ended.end.problem] if ended.end.problem else []
        if about.success is not None and not _says(_stdout(job), about.success):
            problems.append(f"it never said {about.success!r}")
        if output is None:
            problems.append(f"nothing that {about.output!r} fits appeared in its folder")
        if problems:
            problems[-1] += last_words(job.log) or last_words(_stdout(job))
        return problems


def _failed(cause: Cause, reason: str, copy: PrivateCopy, output: str) -> EngineResult:
    failure = Failure(task="engine", cause=cause, reason=reason)
    return EngineResult(0.0, (failure,), external=ExternalPlace(workdir=str(copy.root), output=output))


def _stdout(job: EngineJob) -> Path:
    return job.log.with_name("stdout.log")


def _says(path: Path, text: str) -> bool:
    """Whether the file holds `text`, wherever its pieces were cut."""
    wanted, before = text.encode(), b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if wanted in before + chunk:
                    return True
                before = chunk[-len(wanted) :]
    except OSError:
        return False
    return False
