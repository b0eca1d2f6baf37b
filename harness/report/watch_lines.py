"""A run that is watched, in lines: plain ones for people, or JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from rich.console import Console

from agents.build import EventKind
from harness.compare.text import visible
from harness.record import RunManifest
from harness.report.run_words import describe_end, describe_expectation, surroundings
from harness.watch import BuildView, CallView, Expectation, NumberedEvent, RunEnd, TaskState

__all__ = ["JsonLines", "PlainLines"]


class JsonLines:
    """A line of JSON for each event, with all its facts; what else is to be said goes to standard error."""

    def happened(self, event: NumberedEvent) -> None:
        """Print the event."""
        facts = {"number": event.number, "ident": event.ident or None, **asdict(event.event)}
        sys.stdout.write(f"{json.dumps(facts)}\n")
        # Whoever reads it through a pipe sees an event when it happens.
        sys.stdout.flush()

    def planned(self, tasks: tuple[str, ...]) -> None:
        """Nothing: it is no event."""

    def called(self, call: CallView) -> None:
        """Nothing: it is no event."""

    def noted(self, text: str) -> None:
        """Say what stands in the way."""
        if text:
            _say(text)

    def ended(self, end: RunEnd) -> None:
        """Say how the run ended."""
        _say(f"{end.manifest.id}: {describe_end(end)}")


class PlainLines:
    """A line for each event, with the seconds that the run has been worked on."""

    def __init__(self, console: Console, manifest: RunManifest, expected: Expectation | None) -> None:
        self._console = console
        self._view = BuildView()
        self._print(f"{manifest.spec.name}: {' · '.join(surroundings(manifest))} · run {manifest.id}")
        if expected is not None:
            self._print(describe_expectation(expected))

    def happened(self, event: NumberedEvent) -> None:
        """Print the event in words."""
        self._view.add(event.event)
        at = f"{self._view.worked_s() or 0.0:8.1f} s  "
        self._print(f"{at}{_in_words(event, self._view)}")

    def planned(self, tasks: tuple[str, ...]) -> None:
        """Print how many tasks there are in all."""
        self._view.plan(tasks)
        self._print(f"the plan is made: {len(tasks)} tasks in all")

    def called(self, call: CallView) -> None:
        """Print the call."""
        self._view.called(call)
        ended = call.error or f"{call.prompt_tokens or 0} tokens in, {call.output_tokens or 0} out"
        self._print(f"{call.end_s:8.1f} s  {call.task} asked the model: {ended}")

    def noted(self, text: str) -> None:
        """Print what stands in the way."""
        if text:
            self._print(text)

    def ended(self, end: RunEnd) -> None:
        """Print the sums, and how the run ended."""
        spent = self._view.spent
        counts = [
            f"{len(self._view.of_state(state))} {state.value}"
            for state in (TaskState.DONE, TaskState.FAILED, TaskState.SKIPPED)
        ]
        tasks = f"tasks: {', '.join(counts)}; " if self._view.is_told else ""
        self._print(
            f"{tasks}calls: {spent.calls}, retries: {spent.retries}; "
            f"tokens: {spent.prompt_tokens} in, {spent.output_tokens} out"
        )
        self._print(f"{end.manifest.id}: {describe_end(end)}")

    def _print(self, line: str) -> None:
        self._console.print(visible(line), markup=False, emoji=False, highlight=False, soft_wrap=True)


def _in_words(event: NumberedEvent, view: BuildView) -> str:
    """What happened, and who else is at work."""
    happened = event.event
    if happened.kind is EventKind.TASK_STARTED:
        others = [task.name for task in view.under_way if task.name != happened.task]
        return f"{happened.task} begun" + (f", beside {', '.join(others)}" if others else "")
    if happened.kind in (EventKind.TASK_COMPLETED, EventKind.TASK_FAILED):
        ended = "done" if happened.kind is EventKind.TASK_COMPLETED else f"failed: {happened.detail}"
        return (
            f"{happened.task} {ended} (calls: {happened.calls}, retries: {happened.retries}; "
            f"tokens: {happened.prompt_tokens} in, {happened.output_tokens} out)"
        )
    if happened.kind is EventKind.TASK_SKIPPED:
        return f"{happened.task} skipped: {happened.detail}"
    if happened.kind is EventKind.BUILD_FINISHED:
        return f"the build is over: {happened.detail}"
    return "the build is begun" if happened.kind is EventKind.BUILD_STARTED else "the build is taken up again"


def _say(line: str) -> None:
    sys.stderr.write(f"harness: {visible(line)}\n")
    sys.stderr.flush()
