"""A watcher of trials and resumed runs that only hears what the engine announces."""

from __future__ import annotations

from collections.abc import Callable

from agents.build import TaskEvent
from harness.record import RunRecord
from harness.session import Session
from harness.spec import Spec


class Quiet:
    """A `Watcher` that tells `on_event` and nobody else."""

    def __init__(self, on_event: Callable[[TaskEvent], None] = lambda _: None) -> None:
        self.happened = on_event

    def session_opened(self, session: Session) -> None:
        """Say nothing."""

    def run_started(self, spec: Spec, side: str, engine: str) -> None:
        """Say nothing."""

    def progressed(self, text: str) -> None:
        """Say nothing."""

    def run_finished(self, record: RunRecord) -> None:
        """Say nothing."""
