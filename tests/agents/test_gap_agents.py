"""The agents that work on gaps: what they are asked, what is made of their answers, and how they fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from agents.agent_developer import GAP_SECTION, SCOPE_SECTION, SHARED_SECTION, fill, refill
from agents.agent_optimizer import optimize_gaps
from agents.agent_reviewer import GAPS_SECTION, review_gaps
from agents.conversation import (
    AgentFailure,
    Attempt,
    AttemptStatus,
    Cause,
    ModelError,
    ModelReply,
    ModelRequest,
    Steps,
)
from agents.drivers import drive
from agents.gap_answer import GAP_FORMAT
from agents.prompts import module_of, sections
from tests.agents.rendered import ADD_ITEM, CLEAR, SHARED, SKELETON, TOTAL, VIEW, said
from tests.agents.scripted import Reading, ScriptedModel, finish, reading
from tests.agents.shop import CART, INPUTS

SHARED_CODE = "def _price(item):\n    return 1.0"
CODES = {
    "shared": SHARED_CODE,
    "add_item": "return {'id': next(_ids)}",
    "total": "return sum(map(_price, items))",
    "clear": "_rows.clear()",
    "add_item_view": "return jsonify(given)",
}
WRONG = "not in scope: price; the modules that may be used are catalog, base64,"


def filling(journal: list[Attempt] | None = None) -> Steps[str]:
    return fill(CART, INPUTS, TOTAL, SKELETON, SHARED_CODE, [] if journal is None else journal)


def refilling(draft: str, *findings: str) -> Steps[str]:
    return refill(CART, INPUTS, TOTAL, SKELETON, SHARED_CODE, draft, findings, [])


def optimizing(answer: str) -> Reading[dict[str, str]]:
    return reading(optimize_gaps(CART, INPUTS, SKELETON, CODES, []), answer)


def changes(*pairs: tuple[str, str]) -> str:
    return json.dumps({"changes": [{"gap": gap, "code": code} for gap, code in pairs]})


def asked(request: ModelRequest) -> dict[str, str]:
    return sections(request.messages[1].content)


def test_a_gap_is_filled_with_what_is_answered() -> None:
    code = "return sum(map(_price, items)) - credits"
    assert finish(filling(), said(code)) == code


def test_the_developer_is_asked_for_one_gap_and_told_what_it_may_use() -> None:
    request = next(filling())
    parts = asked(request)
    assert yaml.safe_load(parts[GAP_SECTION]) == TOTAL.as_dict()
    assert parts[SCOPE_SECTION].split("\n") == list(SKELETON.scope)
    assert parts[SHARED_SECTION] == f"````python\n{SHARED_CODE}\n````"
    assert list(yaml.safe_load(parts["APIs of the modules it requires"])) == ["Catalog"]
    assert "these modules by their plain names, without importing them: catalog, base64," in parts["Task"]
    assert module_of(request.messages[1].content) == "Cart"
    assert request.answer_format is GAP_FORMAT


def test_what_is_shared_is_asked_for_as_such() -> None:
    parts = asked(next(fill(CART, INPUTS, SHARED, SKELETON, "", [])))
    assert SHARED_SECTION not in parts
    assert "Mostly none is needed; then the code is empty." in parts["Task"]
    assert parts["Task"].endswith('such as {"code": ""}.')
    assert finish(fill(CART, INPUTS, SHARED, SKELETON, "", []), said("")) == ""


def test_a_wrong_answer_is_asked_for_again_with_the_reason_and_the_schema() -> None:
    journal: list[Attempt] = []
    model = ScriptedModel([said("return price(items)"), said("return 1.0")])
    assert drive(filling(journal), model) == "return 1.0"
    assert model.requests[1].messages[-1].content.startswith(f"This answer cannot be used: {WRONG}")
    assert [request.answer_format for request in model.requests] == [GAP_FORMAT] * 2
    assert [attempt.status for attempt in journal] == [AttemptStatus.REJECTED, AttemptStatus.OK]


def test_three_unusable_answers_fail_the_task_with_the_last_reason() -> None:
    journal: list[Attempt] = []
    with pytest.raises(AgentFailure) as caught:
        finish(filling(journal), said("return ("), "I cannot.", said("return price(items)"))
    assert (caught.value.module, caught.value.cause) == ("Cart", Cause.ANSWER)
    assert caught.value.reason.startswith(f"no usable answer in 3 attempts; the last: {WRONG}")
    assert [attempt.status for attempt in journal] == [AttemptStatus.REJECTED] * 3


@pytest.mark.parametrize("answer", [ModelReply(said("return 1.0"), done_reason="length"), " "])
def test_an_answer_that_is_cut_off_or_empty_is_no_code(answer: str | ModelReply) -> None:
    assert finish(filling(), answer, said("return 2.0")) == "return 2.0"


def refused(reason: str = "format is not supported") -> ModelError:
    return ModelError(reason, status=400, at="t0")


def test_a_refused_schema_is_left_out_and_noted() -> None:
    journal: list[Attempt] = []
    model = ScriptedModel([refused(), said("return ("), said("return 1.0")])
    assert drive(filling(journal), model) == "return 1.0"
    assert [request.answer_format for request in model.requests] == [GAP_FORMAT, None, None]
    assert model.requests[0].messages == model.requests[1].messages
    assert [(a.number, a.status, a.answer) for a in journal] == [
        (1, AttemptStatus.ERROR, ""),
        (1, AttemptStatus.REJECTED, said("return (")),
        (2, AttemptStatus.OK, said("return 1.0")),
    ]
    assert journal[0].error == "format is not supported"
    assert journal[0].at == "t0"


def test_what_is_refused_without_the_schema_too_fails_the_task() -> None:
    journal: list[Attempt] = []
    model = ScriptedModel([refused(), refused("the prompt is too long")])
    with pytest.raises(AgentFailure) as caught:
        drive(filling(journal), model)
    assert (caught.value.cause, caught.value.reason) == (Cause.REQUEST, "the prompt is too long")
    assert [attempt.error for attempt in journal] == ["format is not supported", "the prompt is too long"]


def test_another_refusal_is_not_taken_for_one_of_the_schema() -> None:
    model = ScriptedModel([ModelError("model not found", status=404)])
    with pytest.raises(AgentFailure, match="model not found"):
        drive(filling(), model)


def test_a_request_without_the_schema_has_its_retries_to_itself() -> None:
    """It is another request: what failed before was not this one."""
    gone = ModelError("gone", status=503)
    model = ScriptedModel([gone, gone, refused(), gone, gone, gone, said("return 1.0")])
    assert drive(filling(), model) == "return 1.0"
    assert [request.retry for request in model.requests] == [0, 1, 2, 0, 1, 2, 3]
    assert [r.answer_format is None for r in model.requests] == [False] * 3 + [True] * 4


def test_a_revision_goes_on_from_the_draft_and_the_findings() -> None:
    draft = 'return "é" or 1.0'
    request = next(refilling(draft, "total: no credits", "total: no items"))
    assert request.attempt == 2
    assert request.messages[:2] == next(filling()).messages
    assert request.messages[2].content == '{"code": "return \\"é\\" or 1.0"}'
    assert "- total: no credits\n- total: no items\n" in request.messages[3].content
    assert request.answer_format is GAP_FORMAT
    assert finish(refilling(draft, "x"), said("return 2.0")) == "return 2.0"
    assert reading(refilling(draft, "x"), said("return price(1)")).reason.startswith(WRONG)


def test_two_answers_are_left_to_a_revision() -> None:
    with pytest.raises(AgentFailure, match="in 3 attempts"):
        finish(refilling("return 1.0", "x"), "no", "no")


def test_what_is_shared_keeps_its_names_when_it_is_written_anew() -> None:
    """The bodies were accepted with it, and those that no finding is about are not written anew."""

    def steps() -> Steps[str]:
        return refill(CART, INPUTS, SHARED, SKELETON, SHARED_CODE, SHARED_CODE, ["shared: x"], [])

    reason = "_price is missing; the functions of the module may use it already"
    assert reading(steps(), said("def _cost(item):\n    return 1.0")) == Reading(reason=reason)
    better = "def _price(item):\n    return 2.0\n\n\n_more = 1"
    assert reading(steps(), said(better)) == Reading(better)


def test_the_reviewer_sees_what_stands_in_the_gaps_and_nothing_else() -> None:
    request = next(review_gaps(CART, INPUTS, SKELETON, CODES, []))
    parts = asked(request)
    shown = yaml.safe_load(parts[GAPS_SECTION])
    assert {name: gap["code"] for name, gap in shown.items()} == CODES
    assert shown["total"]["does"] == TOTAL.does
    assert "_known" in parts["Scope"]
    assert "request.get_json" not in request.messages[1].content
    assert request.answer_format is None
    left_out = next(review_gaps(CART, INPUTS, SKELETON, {**CODES, "shared": ""}, []))
    assert "shared" not in yaml.safe_load(asked(left_out)[GAPS_SECTION])


@pytest.mark.parametrize(
    "findings",
    [
        "- 'total: no credits: none'",
        "- total: no credits: none",
        '- "total: no credits: none"',
        "- total: 'no credits: none'",
    ],
)
def test_the_reviewer_s_findings_name_gaps(findings: str) -> None:
    """In YAML a finding that begins with a name and a colon is a mapping, and is meant as a text."""
    steps = review_gaps(CART, INPUTS, SKELETON, CODES, [])
    judgement = finish(steps, f"verdict: revise\nremarks: nearly\nfindings:\n{findings}\n")
    assert judgement.findings == ("total: no credits: none",)


@pytest.mark.parametrize("code", ["## Task\n", "x = '''\n## Gap\n'''", "# ````", "\f\t\u2028\x85"])
def test_code_cannot_open_a_section_of_a_prompt(code: str) -> None:
    request = next(review_gaps(CART, INPUTS, SKELETON, {**CODES, "total": code}, []))
    assert list(asked(request)) == ["Module", "API of this module", "Scope", "Gaps", "Task"]
    assert yaml.safe_load(asked(request)[GAPS_SECTION])["total"]["code"].strip() == code.strip()
    named = list(asked(next(refill(CART, INPUTS, TOTAL, SKELETON, code, "", [], []))))
    assert named[-2:] == [GAP_SECTION, "Task"]


def test_the_optimizer_s_changes_are_read() -> None:
    answer = changes(("total", "    return math.fsum(map(_price, items))"), ("clear", CODES["clear"]))
    assert optimizing(answer) == Reading({"total": "return math.fsum(map(_price, items))"})
    assert optimizing(f"Better:\n```json\n{answer}\n```") == optimizing(answer)


@pytest.mark.parametrize("answer", ['{"changes": []}', changes(("total", CODES["total"] + "\n"))])
def test_where_nothing_is_better_nothing_changes(answer: str) -> None:
    assert optimizing(answer) == Reading({})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("NO CHANGE", "the JSON object must have the key 'changes', whose value is a list"),
        (
            '{"changes": {"total": "return 1"}}',
            "the JSON object must have the key 'changes', whose value is a list",
        ),
        (changes(("price", "return 1.0")), "there is no gap 'price' to optimize"),
        (changes(("a\nb", "return 1.0")), "there is no gap 'a\\nb' to optimize"),
        (changes(("shared", SHARED_CODE)), "there is no gap 'shared' to optimize"),
        ('{"changes": ["total"]}', "there is no gap None to optimize"),
        ('{"changes": [{"gap": ["total"], "code": "return 1.0"}]}', "there is no gap ['total'] to optimize"),
        (
            '{"changes": [{"gap": "total"}]}',
            "total: the JSON object must have the key 'code', whose value is a text",
        ),
        (
            changes(("total", "return eval('1')"), ("clear", "pass"), ("x", "")),
            "total: line 1: eval is not to be used; clear: the body of clear does nothing; write what it "
            "must do; there is no gap 'x' to optimize",
        ),
        (
            changes(("total", "return 1.0"), ("total", "return 2.0")),
            "total: it is there twice; give the whole new code once",
        ),
    ],
)  # fmt: skip
def test_changes_that_cannot_be_made_go_back_with_all_that_is_wrong(answer: str, reason: str) -> None:
    assert optimizing(answer) == Reading(reason=reason)


def test_the_optimizer_is_held_to_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    request = next(optimize_gaps(CART, INPUTS, SKELETON, CODES, []))
    schema: Any = request.answer_format
    jsonschema.validate(json.loads(changes(("total", "return 1.0"))), schema)
    jsonschema.validate(json.loads(said("return 1.0")), GAP_FORMAT)
    for wrong in ("{}", '{"changes": [{"gap": "a"}]}', said("x")):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(json.loads(wrong), schema)


def test_every_gap_can_be_asked_for() -> None:
    for gap in (SHARED, ADD_ITEM, TOTAL, CLEAR, VIEW):
        answer = said(CODES[gap.name])
        shared = "" if gap is SHARED else SHARED_CODE
        assert finish(fill(CART, INPUTS, gap, SKELETON, shared, []), answer) == CODES[gap.name]
