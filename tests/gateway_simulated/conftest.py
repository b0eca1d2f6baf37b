"""A small sequential runner: the whole workflow, driven by the simulated model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.api import FunctionSpec, ModuleApi
from agents.blackboard import ApiDesigned, AttemptMade, Change, FileWritten, PlanMade
from agents.chat_protocol import chat_messages
from agents.conversation import AgentFailure, Attempt, ModelReply, ModelRequest
from agents.drivers import drive
from agents.plan import ModuleHint, ModuleType, Plan, read_plan
from agents.project import Inputs, Order, describe_apis, describe_project
from agents.prompts import as_yaml
from agents.workflow import ANALYST, AUDITOR, Task, build_tasks, perform, reads
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer
from harness.gateway.simulated.assignment import Assignment, read_assignment
from harness.gateway.simulated.design import designed_functions
from harness.gateway.simulated.routes import designed_routes

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass
class Build:
    """What a run of the workflow has come to."""

    order: Order
    plan: Plan | None = None
    apis: dict[str, ModuleApi] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    failures: list[AgentFailure] = field(default_factory=list)

    @property
    def made_plan(self) -> Plan:
        assert self.plan is not None
        return self.plan

    def write_to(self, folder: Path) -> Path:
        """Write the files of the application."""
        for path, content in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content, encoding="utf-8")
        return folder


def _ask(request: ModelRequest) -> ModelReply:
    """One call of the model, as the protocol carries it."""
    payload: dict[str, Any] = {"model": "llama3.1", "messages": chat_messages(request)}
    if request.answer_format is not None:
        payload["format"] = dict(request.answer_format)
    return ModelReply(answer(CanonicalRequest.from_payload(payload)))


def run(order: Order) -> Build:
    """Run every task of the workflow, one after the other."""
    build = Build(order)
    _perform(build, ANALYST)
    _perform(build, AUDITOR)
    for task in build_tasks(build.made_plan):
        _perform(build, task)
    return build


def _perform(build: Build, task: Task) -> None:
    wanted = reads(task, build.made_plan) if task not in (ANALYST, AUDITOR) else None
    inputs = Inputs(build.order, build.plan)
    if wanted is not None:
        shown = build.files if wanted.all_files else {path: build.files[path] for path in wanted.files}
        inputs = Inputs(
            build.order, build.plan, {name: build.apis[name] for name in wanted.apis}, dict(shown)
        )
    report = drive(perform(task, inputs), _ask)
    if report.failure is not None:
        build.failures.append(report.failure)
    for change in report.changes:
        _apply(build, change)


def _apply(build: Build, change: Change) -> None:
    match change:
        case PlanMade(plan):
            build.plan = plan
        case ApiDesigned(module, api):
            build.apis[module] = api
        case FileWritten(path, content):
            build.files[path] = content
        case AttemptMade(attempt):
            build.attempts.append(attempt)


def order_of(example: str) -> Order:
    """The order in an example spec."""
    spec = yaml.safe_load((EXAMPLES / f"{example}.yaml").read_text(encoding="utf-8"))
    hints = (
        ModuleHint(m["name"], ModuleType(m["module_type"]), m["description"], tuple(m.get("requires", ())))
        for m in spec["modules"]
    )
    return Order(" ".join(spec["idea"].split()), tuple(hints))


def _assignment_of(name: str, modules: list[dict[str, Any]], own: dict[str, Any] | None = None) -> Assignment:
    """What the developer of a module is told, after the architects of all modules; `own` is another API."""
    plan = read_plan({"project": "Shop", "modules": modules})
    apis: dict[str, ModuleApi] = {}
    for module in plan.in_build_order():
        required = describe_apis(tuple(plan.module(n) for n in module.requires), apis)
        told = {"Project": describe_project(plan), "Module": as_yaml(module.as_dict())}
        told["APIs of the modules it requires"] = required
        assignment = read_assignment(told)
        functions = designed_functions(assignment)
        specs = tuple(FunctionSpec(function.signature, function.purpose) for function in functions)
        apis[module.name] = ModuleApi(specs, designed_routes(assignment, functions))
        if module.name == name:
            api = own or apis[name].as_dict()
            return read_assignment({**told, "API of this module": as_yaml(api)})
    raise LookupError(name)


@pytest.fixture
def assignment_of() -> Callable[..., Assignment]:
    """What the developer of one of some modules is told, without a model in between."""
    return _assignment_of


@pytest.fixture
def ask() -> Callable[[ModelRequest], ModelReply]:
    """One call of the simulated model."""
    return _ask


@cache
def _built(what: str) -> Build:
    return run(order_of(what) if (EXAMPLES / f"{what}.yaml").exists() else Order(what))


@pytest.fixture
def built() -> Callable[[str], Build]:
    """The build of an example, or of an idea; built once."""
    return _built
