"""Whole files against gaps with a real small model: how many modules compile with either?

    uv run --extra local-model python -m tests.campaigns.local_hybrid

The plans and APIs of the examples are made by the simulated model, as the local one (SmolLM2-135M, on this
machine) makes none that could be built on. The modules are then written by the local model: whole, and as the
gaps of a template, with the schema of the answer. A module counts as compiled where its developer was content
with it and it compiles; what is said beside it is how much of what was asked for came to that.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.answers import parse_python
from agents.blackboard import ApiDesigned, AttemptMade, PlanMade, changed_files
from agents.chat_protocol import ModelSettings
from agents.conversation import AttemptStatus, UnusableAnswer
from agents.drivers import drive
from agents.plan import Plan
from agents.project import Inputs
from agents.roles import Role
from agents.workflow import ANALYST, Task, TaskReport, perform
from async_arch.composition import AgentCalls
from async_arch.hybrid_generator import HybridGenerator
from async_arch.model_calls import open_calls
from async_arch.module_templates import ModuleTemplates
from async_arch.performing import Perform, performing
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from harness.spec import Spec, find_specs
from harness.surroundings import chosen_model
from tests.simulated_calls import SimulatedModel

__all__ = ["main"]

_MOST_TOKENS = {"llm": 1500, "hybrid": 300}
"""Of an answer: enough for a whole file, and for a gap. A small model does not always come to an end."""

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one module."""

    compiled: bool
    calls: int
    accepted: int
    """How many answers could be used."""
    output_tokens: int
    reason: str


def planned(spec: Spec) -> Inputs:
    """The plan of `spec` and the APIs of its modules, by the simulated model."""
    model = SimulatedModel()
    inputs = Inputs(spec.order)
    (plan,) = [c.plan for c in drive(perform(ANALYST, inputs), model).changes if isinstance(c, PlanMade)]
    apis = dict(inputs.apis)
    for module in plan.in_build_order():
        report = drive(perform(Task(Role.ARCHITECT, module.name), Inputs(spec.order, plan, apis)), model)
        apis |= {change.module: change.api for change in report.changes if isinstance(change, ApiDesigned)}
    return Inputs(spec.order, plan, apis)


async def written(perform_task: Perform, name: str, inputs: Inputs, plan: Plan) -> Written:
    """Let the developer write the module called `name`."""
    module = plan.module(name)
    apis = {each: inputs.apis[each] for each in (name, *module.requires)}
    report = await perform_task(Task(Role.DEVELOPER, name), Inputs(inputs.order, plan, apis))
    attempts = [change.attempt for change in report.changes if isinstance(change, AttemptMade)]
    return Written(
        compiled=_compiles(report, module.filename),
        calls=len(attempts),
        accepted=sum(attempt.status is AttemptStatus.OK for attempt in attempts),
        output_tokens=sum(attempt.output_tokens for attempt in attempts),
        reason=report.failure.reason if report.failure else "",
    )


def _compiles(report: TaskReport, filename: str) -> bool:
    source = changed_files(report.changes).get(filename)
    try:
        return source is not None and bool(parse_python(source).body)
    except UnusableAnswer:
        return False


async def compare_generations(specs: Sequence[Spec], most: int | None) -> dict[str, list[Written]]:
    """What became of the modules of `specs`, `most` of each, with whole files and with gaps."""
    model = await chosen_model("local", "--model", 1)
    upstream = model.settings(SimulateSettings(), time_scale=1.0, upstream_timeout_s=600.0)
    found: dict[str, list[Written]] = {"llm": [], "hybrid": []}
    async with running_gateway(
        GatewaySettings(upstream=upstream, token=secrets.token_urlsafe(24))
    ) as gateway:
        await gateway.open_run("local-hybrid", 1, "")
        os.environ["OLLAMA_HOST"] = gateway.ollama_host("local-hybrid")
        async with (
            open_calls(AgentCalls.ASYNC, _settings("llm"), lambda: "") as calls,
            open_calls(AgentCalls.ASYNC, _settings("hybrid"), lambda: "") as calls_for_gaps,
        ):
            ways = {
                "llm": performing(calls),
                "hybrid": HybridGenerator(calls_for_gaps, ModuleTemplates()).perform,
            }
            for spec in specs:
                inputs = planned(spec)
                plan = inputs.made_plan
                for module in plan.modules[:most]:
                    for way, perform_task in ways.items():
                        result = await written(perform_task, module.name, inputs, plan)
                        found[way].append(result)
                        _say(f"{spec.name} {module.name} {way}: {_told(result)}")
    return found


def _settings(way: str) -> ModelSettings:
    return ModelSettings(options={"temperature": 0, "num_predict": _MOST_TOKENS[way]}, call_timeout_s=600.0)


def _told(result: Written) -> str:
    state = "compiles" if result.compiled else f"nothing that compiles ({result.reason[:160]})"
    usable = f"{result.accepted} of {result.calls} answers could be used"
    return f"{state}; {usable}; {result.output_tokens} tokens out"


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 0 where hybrid is at least as good as whole files, 1 where it is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.local_hybrid", description=__doc__)
    parser.add_argument("--most", type=int, help="modules of each example (default: all)")
    options = parser.parse_args(arguments)
    specs = find_specs([EXAMPLES / name for name in ("ecommerce.yaml", "clinic.yaml", "notes_cli.yaml")])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        found = asyncio.run(compare_generations(specs, options.most))
    _say("")
    for way, results in found.items():
        compiled = sum(result.compiled for result in results)
        accepted, calls = sum(r.accepted for r in results), sum(r.calls for r in results)
        tokens = sum(result.output_tokens for result in results)
        _say(
            f"{way}: {compiled} of {len(results)} modules compile; "
            f"{accepted} of {calls} answers could be used; {tokens} tokens out"
        )
    compiled = {way: sum(result.compiled for result in results) for way, results in found.items()}
    return 0 if compiled["hybrid"] >= compiled["llm"] else 1


if __name__ == "__main__":
    sys.exit(main())
