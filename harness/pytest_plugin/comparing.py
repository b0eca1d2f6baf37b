"""A comparison that a test asks for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.compare import Comparison, Status
from harness.errors import BadInputError
from harness.gateway.settings import SimulateSettings
from harness.pytest_plugin.options import NO_SPEC, Choices, chosen
from harness.report.failure import failure_text
from harness.report.progress import TrialProgress
from harness.session import SessionSettings
from harness.spec import Spec, find_specs
from harness.trial import run_trial

__all__ = ["Compare", "assert_pass"]


class Compare:
    """What the fixture `compare` is: called, it runs both engines on a spec and compares what they did.

    What is not said in the call is as pytest's options have it. Speed-up and ids of the runs become
    properties of the test, as JUnit XML shows them. It raises `BadInputError` and `SurroundingsError`.
    """

    def __init__(self, node: pytest.Item, spec: Spec | None) -> None:
        self._node = node
        self._spec = spec

    def __call__(
        self,
        spec: Spec | Path | str | None = None,
        *,
        control: str | None = None,
        candidate: str | None = None,
        model: str | None = None,
        repeat: int | None = None,
        slots: int | None = None,
    ) -> Comparison:
        """Compare on `spec`, or on the one that the test is run with."""
        said: dict[str, Any] = {
            "control": control,
            "candidate": candidate,
            "model": model,
            "repeat": repeat,
            "slots": slots,
        }
        wanted = self._wanted(spec)
        choices = replace(
            chosen(self._node.config), **{name: choice for name, choice in said.items() if choice is not None}
        )
        comparison = _compared(wanted, choices)
        self._node.user_properties += [
            ("harness_spec", comparison.spec),
            ("harness_verdict", comparison.verdict.status.value),
            ("harness_speedup", f"{comparison.speedup:.3f}"),
            ("harness_control_run", comparison.control.run),
            ("harness_candidate_run", comparison.candidate.run),
        ]
        return comparison

    def _wanted(self, spec: Spec | Path | str | None) -> Spec:
        if isinstance(spec, Spec):
            return spec
        if spec is None:
            if self._spec is None:
                pytest.skip(NO_SPEC)
            return self._spec
        found = find_specs([Path(spec)])
        if len(found) > 1:
            raise BadInputError(f"{spec}: holds {len(found)} specs; a comparison is on one")
        return found[0]


def assert_pass(comparison: Comparison) -> None:
    """Fail the test with what differs, and why, unless the verdict is PASS."""
    __tracebackhide__ = True
    if comparison.verdict.status is not Status.PASS:
        pytest.fail(failure_text(comparison), pytrace=False)


def _compared(spec: Spec, choices: Choices) -> Comparison:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_run(spec, choices))
    raise BadInputError("compare() has an event loop of its own: call it in a test that is not async")


async def _run(spec: Spec, choices: Choices) -> Comparison:
    usual = SimulateSettings()
    settings = SessionSettings(
        model=choices.model,
        slots=choices.slots,
        redis=choices.redis,
        simulated=SimulateSettings(
            ttft_s=usual.ttft_s if choices.ttft is None else choices.ttft,
            tokens_per_s=choices.tokens_per_second or usual.tokens_per_s,
        ),
        store=choices.store,
    )
    # What it says is among the output that pytest captures, and shows where a test fails.
    with TrialProgress(Console(stderr=True)) as progress:
        trial = run_trial(
            [spec], choices.control, choices.candidate, settings, progress, repeat=choices.repeat
        )
        (comparison,) = [comparison async for comparison in trial]
    return comparison
