"""The verdict of an agent that judges: the forms in which models give it, and what is refused."""

from __future__ import annotations

import pytest

from agents.conversation import UnusableAnswer
from agents.verdicts import FORM, Judgement, read_judgement


@pytest.mark.parametrize(
    ("text", "judgement"),
    [
        pytest.param("```yaml\nverdict: approve\n```", Judgement(True, (), ""), id="fenced"),
        pytest.param("verdict: Approved", Judgement(True, (), ""), id="bare, other word"),
        pytest.param(
            "I like it.\n\nverdict: APPROVE\nfindings: none\n", Judgement(True, (), ""), id="chatter"
        ),
        pytest.param('{"verdict": "approve", "findings": []}', Judgement(True, (), ""), id="JSON"),
        pytest.param(
            "verdict: approve\nfindings: [nothing much]\nremarks: good",
            Judgement(True, (), "good"),
            id="findings",
        ),
        pytest.param(
            "verdict: revise\nfindings: no check", Judgement(False, ("no check",), ""), id="one finding"
        ),
        pytest.param(
            "verdict: revise\nfindings:\n  - line 3: no check\n  - |\n    two\n    lines\n",
            Judgement(False, ("line 3: no check", "two lines"), ""),
            id="findings with a colon and with lines",
        ),
        pytest.param(
            "verdict: revise\nfindings:\n  - file: a.py\n    problem: empty\n",
            Judgement(False, ("file: a.py; problem: empty",), ""),
            id="findings as mappings",
        ),
        pytest.param(
            "verdict: revise\nfindings: ['', x]\n", Judgement(False, ("x",), ""), id="empty finding"
        ),
        pytest.param(
            "verdict: approve\nremarks:\n  good: yes\n",
            Judgement(True, (), "good: yes"),
            id="remarks as a mapping",
        ),
    ],
)
def test_a_verdict_is_read_in_every_form_that_models_give_it(text: str, judgement: Judgement) -> None:
    assert read_judgement(text) == judgement


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("Looks good to me!", "no YAML mapping with the key 'verdict'", id="prose"),
        pytest.param("verdict: maybe", "'maybe'; it must be approve or revise", id="neither"),
        pytest.param("verdict:", "it must be approve or revise", id="nothing"),
        pytest.param("verdict: [approve]", "it must be approve or revise", id="list"),
        pytest.param("verdict: approve | revise", "it must be approve or revise", id="the form itself"),
        pytest.param("verdict: revise", "'findings' is empty", id="revise, nothing found"),
        pytest.param(
            "verdict: revise\nfindings: ['', ' ']", "'findings' is empty", id="revise, empty findings"
        ),
        pytest.param("```yaml\nverdict: [approve\n```", "cannot be read", id="broken"),
    ],
)
def test_what_is_no_verdict_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnusableAnswer, match=reason):
        read_judgement(text)


def test_the_form_that_is_shown_can_be_read() -> None:
    assert read_judgement(FORM) == Judgement(True, (), "one sentence on the whole")
