"""Hybrid generation: a module is rendered, and the model is asked for what the template leaves out.

Gaps are asked for at the same time, those of one module and of several; what they share comes first. Reviewer
and optimizer see the gaps alone. A module whose type has no template is written whole, and the log says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from agents.agent_developer import fill, refill
from agents.agent_optimizer import optimize_gaps
from agents.agent_reviewer import review_gaps
from agents.answers import parse_python
from agents.blackboard import AttemptMade, Change, FileWritten, Logged, Reasoned
from agents.conversation import MAX_ATTEMPTS, AgentFailure, Attempt, Cause, Steps, UnusableAnswer
from agents.drivers import drive_async
from agents.gap_answer import used_modules
from agents.gap_filling import codes_in, filled
from agents.gaps import Gap, GapKind, Skeleton
from agents.plan import ModulePlan
from agents.project import Inputs
from agents.roles import Role
from agents.source import check_module, imports
from agents.workflow import Task, TaskReport, failed
from async_arch.model_calls import ModelCaller
from async_arch.module_templates import ModuleTemplates
from async_arch.performing import performing

__all__ = ["HybridGenerator"]

T = TypeVar("T")


class HybridGenerator:
    """Performs tasks: with `templates` where there is one for the module, else as the workflow does."""

    def __init__(self, calls: ModelCaller, templates: ModuleTemplates) -> None:
        self._calls = calls
        self._perform_whole = performing(calls)
        self._templates = templates

    async def perform(self, task: Task, inputs: Inputs) -> TaskReport:
        """Do `task`. An agent's failure is part of the report, with the attempts that led to it."""
        if task.role is Role.INTEGRATOR:
            return await self._integrate(task, inputs)
        work = {Role.DEVELOPER: self._develop, Role.REVIEWER: self._review, Role.OPTIMIZER: self._optimize}
        module = inputs.made_plan.module(task.module) if task.module and task.role in work else None
        if module is None:
            return await self._whole(task, inputs)
        skeleton = self._templates.skeleton(module, inputs)
        if skeleton is None:
            report = await self._whole(task, inputs)
            if task.role is not Role.DEVELOPER:
                return report
            whole = f"{module.name} is written whole: no template for {module.module_type} fits it"
            note = Logged("info", whole)
            return TaskReport(task, (*report.changes, note), report.failure)
        journal: list[Attempt] = []
        try:
            changes = await work[task.role](module, inputs, skeleton, journal)
        except AgentFailure as failure:
            return failed(task, failure, _attempts(journal))
        if changes is None:
            return await self._whole(task, inputs)
        return TaskReport(task, (*_attempts(journal), *changes))

    async def _whole(self, task: Task, inputs: Inputs) -> TaskReport:
        return await self._perform_whole(task, inputs)

    async def _integrate(self, task: Task, inputs: Inputs) -> TaskReport:
        files = self._templates.project_files(inputs)
        if files is None:
            return await self._whole(task, inputs)
        written = tuple(FileWritten(path, content) for path, content in files.items())
        note = Logged("info", f"rendered what puts {len(inputs.made_plan.modules)} modules together")
        return TaskReport(task, (*written, note))

    async def _develop(
        self, module: ModulePlan, inputs: Inputs, skeleton: Skeleton, journal: list[Attempt]
    ) -> tuple[Change, ...]:
        shared = ""

        def writing(gap: Gap, attempts: list[Attempt]) -> Steps[str]:
            return fill(module, inputs, gap, skeleton, shared, attempts)

        first, then = (
            [g for g in skeleton.gaps if g.kind is kind] for kind in (GapKind.SHARED, GapKind.BODY)
        )
        logs: list[Change] = []
        try:
            codes = await self._together(module, first, writing, journal)
        except AgentFailure as failure:
            if failure.cause is not Cause.ANSWER:
                raise
            # What a function needs it can write within itself: that nothing is shared breaks nothing.
            codes = dict.fromkeys((gap.name for gap in first), "")
            logs.append(Logged("warning", f"{module.name}: nothing is shared: {failure.reason}"))
        shared = _shared(skeleton, codes)
        codes |= await self._together(module, then, writing, journal)
        source = self._source(module, inputs, skeleton, codes)
        logs.append(Logged("info", f"{module.name}: {len(codes)} gaps filled"))
        return FileWritten(module.filename, source), *logs

    async def _review(
        self, module: ModulePlan, inputs: Inputs, skeleton: Skeleton, journal: list[Attempt]
    ) -> tuple[Change, ...] | None:
        codes = self._codes(module, inputs, skeleton)
        if codes is None:
            return None
        changes: list[Change] = []
        for round_number in range(1, MAX_ATTEMPTS + 1):
            judgement = await self._drive(review_gaps(module, inputs, skeleton, codes, journal))
            said = (judgement.remarks, *judgement.findings)
            changes += [Reasoned(Role.REVIEWER.value, module.name, text) for text in said if text]
            if judgement.approved:
                return tuple(changes)
            if round_number == MAX_ATTEMPTS:
                break
            codes |= await self._refilled(module, inputs, skeleton, codes, judgement.findings, journal)
            changes.append(FileWritten(module.filename, self._source(module, inputs, skeleton, codes)))
        left = f"the review of {module.name} left {len(judgement.findings)} findings open"
        return (*changes, Logged("warning", left))

    async def _refilled(
        self,
        module: ModulePlan,
        inputs: Inputs,
        skeleton: Skeleton,
        codes: Mapping[str, str],
        findings: Sequence[str],
        journal: list[Attempt],
    ) -> dict[str, str]:
        """The gaps that `findings` are about, written anew; all that hold something where none is named."""
        about: dict[str, list[str]] = {gap.name: [] for gap in skeleton.gaps}
        general: list[str] = []
        for finding in findings:
            about.get(finding.partition(":")[0].strip(" `'\""), general).append(finding)
        named = any(about.values())
        gaps = [gap for gap in skeleton.gaps if about[gap.name] or (not named and codes.get(gap.name))]
        shared = _shared(skeleton, codes)

        def writing(gap: Gap, attempts: list[Attempt]) -> Steps[str]:
            asked = [*about[gap.name], *general]
            return refill(module, inputs, gap, skeleton, shared, codes[gap.name], asked, attempts)

        return await self._together(module, gaps, writing, journal)

    async def _optimize(
        self, module: ModulePlan, inputs: Inputs, skeleton: Skeleton, journal: list[Attempt]
    ) -> tuple[Change, ...] | None:
        codes = self._codes(module, inputs, skeleton)
        if codes is None:
            return None
        better = await self._drive(optimize_gaps(module, inputs, skeleton, codes, journal))
        if not better:
            return ()
        return (FileWritten(module.filename, self._source(module, inputs, skeleton, {**codes, **better})),)

    async def _drive(self, steps: Steps[T]) -> T:
        return await drive_async(steps, self._calls)

    async def _together(
        self,
        module: ModulePlan,
        gaps: Sequence[Gap],
        writing: Callable[[Gap, list[Attempt]], Steps[str]],
        journal: list[Attempt],
    ) -> dict[str, str]:
        """What is written into each of `gaps`, asked for at the same time; noted in their order."""
        journals: dict[str, list[Attempt]] = {gap.name: [] for gap in gaps}
        broken: list[AgentFailure] = []

        async def written(gap: Gap) -> str:
            try:
                return await self._drive(writing(gap, journals[gap.name]))
            except AgentFailure as failure:
                reason = f"gap {gap.name}: {failure.reason}"
                raise AgentFailure(failure.role, module.name, failure.cause, reason) from failure

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {gap.name: group.create_task(written(gap), name=f"gap {gap.name}") for gap in gaps}
        except* AgentFailure as failures:
            broken = [error for error in failures.exceptions if isinstance(error, AgentFailure)]
        finally:
            journal += [attempt for gap in gaps for attempt in journals[gap.name]]
        if broken:
            raise broken[0]
        return {name: task.result() for name, task in tasks.items()}

    def _source(
        self, module: ModulePlan, inputs: Inputs, skeleton: Skeleton, codes: Mapping[str, str]
    ) -> str:
        """The source of the module with `codes` in its gaps, and with the imports that they need."""
        used = {
            name for gap, code in codes.items() for name in used_modules(code, skeleton.gap(gap), skeleton)
        }
        rendered = self._templates.skeleton(module, inputs, imports=used) or skeleton
        try:
            source = filled(rendered, codes)
            check_module(source, module, inputs.made_plan, inputs.apis)
        except UnusableAnswer as problem:
            raise AgentFailure(Role.DEVELOPER, module.name, Cause.ANSWER, str(problem)) from problem
        return source

    def _codes(self, module: ModulePlan, inputs: Inputs, skeleton: Skeleton) -> dict[str, str] | None:
        """What stands in the gaps of the module; None where somebody wrote it otherwise."""
        source = inputs.files[module.filename]
        try:
            imported = {found.module for found in imports(parse_python(source))}
        except UnusableAnswer:
            return None
        used = imported.intersection(skeleton.usable_modules)
        rendered = self._templates.skeleton(module, inputs, imports=used)
        return codes_in(rendered, source) if rendered is not None else None


def _shared(skeleton: Skeleton, codes: Mapping[str, str]) -> str:
    """What the functions share, as far as it is written."""
    return next((codes.get(gap.name, "") for gap in skeleton.gaps if gap.kind is GapKind.SHARED), "")


def _attempts(journal: list[Attempt]) -> tuple[Change, ...]:
    return tuple(AttemptMade(attempt) for attempt in journal)
