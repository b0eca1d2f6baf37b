"""Hybrid generation: what is asked for when, what becomes of answers, and who sees the gaps only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from agents.agent_developer import GAP_SECTION
from agents.agent_reviewer import GAPS_SECTION
from agents.api import FunctionSpec, ModuleApi
from agents.blackboard import AttemptMade, FileWritten, Logged, changed_files
from agents.conversation import AttemptStatus, Cause, ModelError, ModelReply, ModelRequest
from agents.plan import ModulePlan, ModuleType, Plan
from agents.project import Inputs, Order
from agents.prompts import sections
from agents.roles import Role
from agents.workflow import Task, TaskReport
from async_arch.hybrid_generator import HybridGenerator
from async_arch.model_calls import LimitedCalls
from async_arch.module_templates import ModuleTemplates

CART = ModulePlan("Cart", "cart.py", ModuleType.DATA, "Items.")
API = ModuleApi(
    tuple(
        FunctionSpec(signature, f"{signature.partition('(')[0]}.")
        for signature in ("add(name: str) -> dict", "get(key: int) -> dict", "count() -> int")
    )
)
PLAN = Plan("Shop", "", (CART,))
INPUTS = Inputs(Order("A shop."), PLAN, {"Cart": API})
BODIES = {
    "shared": "",
    "add": "key = next(_ids)\n_rows[key] = {'name': _text('name', name)}\nreturn _rows[key]",
    "get": "with _lock:\n    return copy.deepcopy(_known(key))",
    "count": "return len(_rows)",
}
DEVELOPER, REVIEWER, OPTIMIZER = (
    Task(role, "Cart") for role in (Role.DEVELOPER, Role.REVIEWER, Role.OPTIMIZER)
)
Answer = Callable[[ModelRequest, str], str]


def asked_for(request: ModelRequest) -> str:
    """The gap that a request is about, or who is asked."""
    parts = sections(request.messages[1].content)
    return str(yaml.safe_load(parts[GAP_SECTION])["name"]) if GAP_SECTION in parts else request.role.value


class Model:
    """Answers every gap with its body, unless `twist` says otherwise; remembers how many asked at once."""

    def __init__(self, twist: Callable[[ModelRequest, str], str | None] = lambda *_: None) -> None:
        self.asked: list[str] = []
        self.requests: list[ModelRequest] = []
        self.most = self._now = 0
        self._twist = twist

    async def __call__(self, request: ModelRequest) -> ModelReply:
        name = asked_for(request)
        self.asked.append(name)
        self.requests.append(request)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await asyncio.sleep(0.01)
            said = self._twist(request, name)
        finally:
            self._now -= 1
        if said is None:
            said = json.dumps({"code": BODIES[name]}) if name in BODIES else _judged(name)
        return ModelReply(said, "now")


def _judged(name: str) -> str:
    return (
        "```yaml\nverdict: approve\nfindings: []\nremarks: fine\n```"
        if name == "reviewer"
        else '{"changes": []}'
    )


async def performed(model: Model, task: Task, source: str | None = None) -> TaskReport:
    files = {} if source is None else {"cart.py": source}
    inputs = Inputs(INPUTS.order, PLAN, INPUTS.apis, files)
    return await HybridGenerator(model, ModuleTemplates()).perform(task, inputs)


async def developed() -> str:
    return changed_files((await performed(Model(), DEVELOPER)).changes)["cart.py"]


def logged(report: TaskReport) -> list[str]:
    return [change.message for change in report.changes if isinstance(change, Logged)]


def attempts(report: TaskReport) -> list[tuple[str, AttemptStatus]]:
    made = [change.attempt for change in report.changes if isinstance(change, AttemptMade)]
    return [(attempt.error or "", attempt.status) for attempt in made]


async def test_what_is_shared_comes_first_and_then_all_bodies_at_the_same_time() -> None:
    model = Model()
    report = await performed(model, DEVELOPER)
    assert model.asked[0] == "shared"
    assert sorted(model.asked[1:]) == ["add", "count", "get"]
    assert model.most == 3
    source = changed_files(report.changes)["cart.py"]
    assert "    return len(_rows)\n" in source
    assert "NotImplementedError" not in source
    # The template imports what the code uses.
    assert "import copy\nimport itertools\nimport threading\n" in source
    assert logged(report) == ["Cart: 4 gaps filled"]
    assert all(request.answer_format is not None for request in model.requests)


async def test_no_more_calls_are_under_way_than_there_may_be() -> None:
    model = Model()
    await HybridGenerator(LimitedCalls(model, 2), ModuleTemplates()).perform(DEVELOPER, INPUTS)
    assert model.most == 2


async def test_what_is_noted_is_in_the_order_of_the_gaps_whoever_answers_first() -> None:
    async def slowly(request: ModelRequest) -> ModelReply:
        await asyncio.sleep({"add": 0.05, "get": 0.02}.get(asked_for(request), 0.0))
        return ModelReply(json.dumps({"code": BODIES[asked_for(request)]}), asked_for(request))

    report = await HybridGenerator(slowly, ModuleTemplates()).perform(DEVELOPER, INPUTS)
    noted = [change.attempt.at for change in report.changes if isinstance(change, AttemptMade)]
    assert noted == ["shared", "add", "get", "count"]


async def test_a_gap_that_stays_bad_fails_the_module_by_name_and_the_others_are_let_go() -> None:
    def twist(request: ModelRequest, name: str) -> str | None:
        return '{"code": "return os.getcwd()"}' if name == "get" else None

    report = await performed(Model(twist), DEVELOPER)
    assert report.failure is not None
    assert (report.failure.role, report.failure.module, report.failure.cause) == (
        Role.DEVELOPER,
        "Cart",
        Cause.ANSWER,
    )
    assert report.failure.reason.startswith(
        "gap get: no usable answer in 3 attempts; the last: not in scope: os"
    )
    assert changed_files(report.changes) == {}
    rejected = [error for error, status in attempts(report) if status is AttemptStatus.REJECTED]
    assert len(rejected) == 3


async def test_that_nothing_usable_is_shared_breaks_nothing_and_is_told() -> None:
    def twist(request: ModelRequest, name: str) -> str | None:
        return '{"code": "print(1)"}' if name == "shared" else None

    report = await performed(Model(twist), DEVELOPER)
    assert report.failure is None
    warning, filled = logged(report)
    assert warning.startswith("Cart: nothing is shared: gap shared: no usable answer in 3 attempts")
    assert filled == "Cart: 4 gaps filled"


@pytest.mark.parametrize("name", ["shared", "add"])
async def test_a_model_that_is_not_there_fails_the_module_whatever_was_asked_for(name: str) -> None:
    def twist(request: ModelRequest, asked: str) -> str | None:
        if asked == name:
            raise ModelError("no answer", status=404)
        return None

    report = await performed(Model(twist), DEVELOPER)
    assert report.failure is not None
    assert (report.failure.cause, report.failure.reason) == (Cause.REQUEST, f"gap {name}: no answer")


async def test_the_reviewer_sees_the_gaps_only_and_what_it_names_is_written_anew() -> None:
    verdicts = iter(
        [
            "```yaml\nverdict: revise\nfindings: ['count: it must not count what is gone']\nremarks: a\n```",
            _judged("reviewer"),
        ]
    )

    def twist(request: ModelRequest, name: str) -> str | None:
        if name == "reviewer":
            return next(verdicts)
        return '{"code": "return sum(1 for _ in _rows)"}'

    model = Model(twist)
    report = await performed(model, REVIEWER, await developed())
    assert model.asked == ["reviewer", "count", "reviewer"]
    shown = yaml.safe_load(sections(model.requests[0].messages[1].content)[GAPS_SECTION])
    assert set(shown) == {"add", "get", "count"}
    assert "threading.Lock" not in str(shown)
    assert "- count: it must not count what is gone" in model.requests[1].messages[-1].content
    source = changed_files(report.changes)["cart.py"]
    assert "return sum(1 for _ in _rows)" in source
    assert "return copy.deepcopy(_known(key))" in source


async def test_findings_that_name_no_gap_are_put_to_all_of_them() -> None:
    verdicts = iter(
        ["```yaml\nverdict: revise\nfindings: ['be kinder']\nremarks: no\n```", _judged("reviewer")]
    )
    model = Model(lambda _, name: next(verdicts) if name == "reviewer" else None)
    await performed(model, REVIEWER, await developed())
    assert sorted(model.asked) == ["add", "count", "get", "reviewer", "reviewer"]


async def test_the_optimizer_changes_gaps_and_nothing_else() -> None:
    better = json.dumps({"changes": [{"gap": "count", "code": "return _rows.__len__()"}]})
    good = json.dumps({"changes": [{"gap": "count", "code": "return sum(1 for _ in _rows)"}]})
    answers = iter([better, good])
    report = await performed(Model(lambda *_: next(answers)), OPTIMIZER, await developed())
    before, after = await developed(), changed_files(report.changes)["cart.py"]
    assert [line for line in after.split("\n") if line not in before] == ["    return sum(1 for _ in _rows)"]
    assert (await performed(Model(), OPTIMIZER, before)).changes[1:] == ()


async def test_a_file_that_somebody_wrote_otherwise_is_reviewed_whole() -> None:
    model = Model()
    await performed(model, REVIEWER, "def add(name: str) -> dict:\n    return {}\n")
    assert "Source" in sections(model.requests[0].messages[1].content)


@contextmanager
def _given(tmp_path: Path, text: str) -> Iterator[ModuleTemplates]:
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "data.py.j2").write_text(text)
    yield ModuleTemplates(tmp_path)


async def test_a_module_without_a_template_is_written_whole_and_the_log_says_so(tmp_path: Path) -> None:
    heads = ("add(name: str) -> dict", "get(key: int) -> dict", "count() -> int")
    source = "\n".join(["```python", *(f"def {head}: ..." for head in heads), "```"])
    model = Model(lambda *_: source)
    with _given(tmp_path, "{# none #}") as templates:
        report = await HybridGenerator(model, templates).perform(DEVELOPER, INPUTS)
    assert model.asked == ["developer"]
    assert logged(report) == ["Cart is written whole: no template for data fits it"]
    assert [change for change in report.changes if isinstance(change, FileWritten)]


async def test_the_integrator_is_not_asked() -> None:
    model = Model()
    inputs = Inputs(INPUTS.order, PLAN, INPUTS.apis, {"cart.py": await developed()})
    report = await HybridGenerator(model, ModuleTemplates()).perform(Task(Role.INTEGRATOR), inputs)
    assert model.asked == []
    assert {"main.py", "requirements.txt"} <= set(changed_files(report.changes))
    assert logged(report) == ["rendered what puts 1 modules together"]
