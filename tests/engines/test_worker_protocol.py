"""What the harness and an engine's process say to each other."""

from __future__ import annotations

from agents.build import EventKind, TaskEvent
from harness.engines.worker_protocol import Happened, worker_message


def test_an_event_arrives_with_all_its_facts() -> None:
    told = TaskEvent(
        EventKind.TASK_FAILED,
        "t",
        "developer:Cart",
        "«no»",
        calls=3,
        prompt_tokens=1200,
        output_tokens=340,
        retries=2,
    )
    message = worker_message(Happened.of(told).model_dump_json().encode())
    assert isinstance(message, Happened)
    assert message.task_event == told
