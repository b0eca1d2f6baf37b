"""The auditor: what it judges."""

from __future__ import annotations

import yaml

from agents.agent_auditor import audit
from agents.plan import read_plan
from agents.prompts import module_of, sections
from agents.roles import Role, role_of
from agents.verdicts import Judgement
from tests.agents.scripted import Reading, reading
from tests.agents.shop import ORDER, PLAN


def test_the_auditor_sees_the_idea_and_the_whole_plan() -> None:
    request = next(audit(ORDER, PLAN, []))
    parts = sections(request.messages[1].content)
    assert role_of(request.messages[0].content) is Role.AUDITOR
    assert parts["Idea"] == ORDER.idea
    assert read_plan(yaml.safe_load(parts["Plan"])) == PLAN
    assert module_of(request.messages[1].content) is None


def test_the_auditor_answers_with_a_verdict() -> None:
    assert reading(audit(ORDER, PLAN, []), "verdict: approve") == Reading(Judgement(True, (), ""))
    assert "must be approve or revise" in reading(audit(ORDER, PLAN, []), "verdict: fine").reason
