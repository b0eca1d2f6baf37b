"""The engines of this project, as the harness sees them before they run."""

from __future__ import annotations

import pytest

from harness.engines.finding import find_engine


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("legacy", "the legacy engine begins anew"),
        ("async:state_store=json", "its state_store is json, and only redis remembers"),
        ("async:orchestration=sequential,agent_calls=blocking", None),
        ("phase:2", None),
        ("async", None),
    ],
)
def test_a_run_can_be_resumed_where_the_state_says_which_tasks_are_done(name: str, words: str | None) -> None:
    reason = find_engine(name).not_resumable
    assert reason is None if words is None else words in (reason or "")
