"""The workflow: tasks and what they need, the loops of review and audit, the reports of what failed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.blackboard import ApiDesigned, AttemptMade, FileWritten, Logged, PlanMade, Reasoned
from agents.conversation import MAX_ATTEMPTS, AgentFailure, AttemptStatus, Cause, ModelError
from agents.drivers import drive
from agents.plan import ModulePlan, ModuleType, Plan
from agents.project import Inputs
from agents.roles import Role
from agents.workflow import (
    ANALYST,
    AUDITOR,
    Reads,
    Task,
    TaskReport,
    blocked,
    build_tasks,
    failed,
    perform,
    reads,
    skipped,
)
from tests.agents.scripted import Answer, ScriptedModel, finish
from tests.agents.shop import (
    APIS,
    CART_SOURCE,
    FILES,
    INPUTS,
    MAIN_SOURCE,
    MODULE_FILES,
    ORDER,
    PAGE,
    PLAN,
    fence,
)

APPROVE = "verdict: approve\nremarks: fine"
REVISE = "verdict: revise\nfindings: [no check]\nremarks: nearly"
OTHER_PLAN = "modules:\n  - name: Stock\n    module_type: data\n"
BETTER_CART = CART_SOURCE.replace("_items", "_entries")


def done(task: Task, *answers: Answer, inputs: Inputs = INPUTS) -> TaskReport:
    """The report of a task that is given `answers`, each of which it must ask for; attempts stand first."""
    report = finish(perform(task, inputs), *answers)
    kinds = [isinstance(change, AttemptMade) for change in report.changes]
    assert kinds == sorted(kinds, reverse=True)
    assert sum(kinds) == len(answers)
    return report


def results(report: TaskReport) -> list[object]:
    return [change for change in report.changes if not isinstance(change, AttemptMade)]


def statuses(report: TaskReport) -> list[str]:
    return [change.attempt.status.value for change in report.changes if isinstance(change, AttemptMade)]


# --- The graph


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    names = [f"M{number}" for number in range(draw(st.integers(1, 6)))]
    return Plan(
        "P",
        "",
        tuple(
            ModulePlan(
                name,
                f"{name.lower()}.py",
                draw(st.sampled_from(ModuleType)),
                "",
                tuple(draw(st.lists(st.sampled_from(names[place + 1 :]), unique=True)))
                if names[place + 1 :]
                else (),
            )
            for place, name in enumerate(names)
        ),
    )


def test_the_tasks_of_the_example_and_what_each_needs() -> None:
    tasks = {str(task): [str(need) for need in needs] for task, needs in build_tasks(PLAN).items()}
    assert tasks == {
        "architect:Catalog": [],
        "developer:Catalog": ["architect:Catalog"],
        "reviewer:Catalog": ["developer:Catalog"],
        "optimizer:Catalog": ["reviewer:Catalog"],
        "architect:Cart": ["architect:Catalog"],
        "developer:Cart": ["architect:Cart"],
        "reviewer:Cart": ["developer:Cart"],
        "optimizer:Cart": ["reviewer:Cart"],
        "architect:Shop": ["architect:Catalog", "architect:Cart"],
        "developer:Shop": ["architect:Shop"],
        "reviewer:Shop": ["developer:Shop"],
        "optimizer:Shop": ["reviewer:Shop"],
        "frontend_developer:Shop": ["architect:Shop"],
        "integrator": ["optimizer:Catalog", "optimizer:Cart", "optimizer:Shop", "frontend_developer:Shop"],
        "debugger": ["integrator"],
    }


@given(plans())
def test_every_task_stands_behind_what_it_needs(plan: Plan) -> None:
    seen: set[Task] = set()
    for task, needs in build_tasks(plan).items():
        assert seen.issuperset(needs)
        seen.add(task)


@given(plans())
def test_what_a_task_reads_was_written_by_what_it_needs(plan: Plan) -> None:
    """A task that reads more than its needs have written finds it or not, as the clock has it."""
    tasks = build_tasks(plan)
    behind: dict[Task, set[Task]] = {}
    for task, needs in tasks.items():
        behind[task] = set(needs).union(*(behind[need] for need in needs))
        wanted = reads(task, plan)
        own = {Task(Role.ARCHITECT, task.module)} if task.module else set()
        assert {Task(Role.ARCHITECT, name) for name in wanted.apis} <= behind[task] | own - {task}
        authors = {module.filename: Task(Role.DEVELOPER, module.name) for module in plan.modules}
        assert {authors[path] for path in wanted.files} <= behind[task]
        if wanted.all_files:
            assert set(authors.values()) <= behind[task]


def test_architect_and_developer_see_the_apis_of_what_their_module_requires() -> None:
    assert reads(Task(Role.ARCHITECT, "Shop"), PLAN) == Reads(apis=("Catalog", "Cart"))
    assert reads(Task(Role.DEVELOPER, "Shop"), PLAN) == Reads(apis=("Shop", "Catalog", "Cart"))
    assert reads(Task(Role.REVIEWER, "Cart"), PLAN) == Reads(apis=("Cart", "Catalog"), files=("cart.py",))
    assert reads(Task(Role.DEBUGGER), PLAN) == Reads(apis=("Shop", "Catalog", "Cart"), all_files=True)


# --- What a failure stops


def reachable(tasks: Mapping[Task, tuple[Task, ...]], broken: set[Task]) -> dict[Task, set[Task]]:
    """For each task the broken ones that it meets first when one goes back along what is needed."""
    found: dict[Task, set[Task]] = {}
    for task in tasks:
        met: set[Task] = set()
        waiting, seen = [*tasks[task]], set()
        while waiting:
            need = waiting.pop()
            if need in broken:
                met.add(need)
            elif need not in seen:
                seen.add(need)
                waiting.extend(tasks[need])
        if met and task not in broken:
            found[task] = met
    return found


@given(plans(), st.data())
def test_blocked_is_what_a_broken_task_stands_before(plan: Plan, data: st.DataObject) -> None:
    tasks = build_tasks(plan)
    broken = data.draw(st.sets(st.sampled_from(list(tasks)), max_size=4))
    waits = blocked(tasks, broken)
    assert {task: set(causes) for task, causes in waits.items()} == reachable(tasks, broken)
    assert list(waits) == [task for task in tasks if task in waits]
    assert all(len(causes) == len(set(causes)) for causes in waits.values())


def test_a_failed_module_skips_what_depends_on_it_and_nothing_else() -> None:
    tasks = build_tasks(PLAN)
    waits = blocked(tasks, {Task(Role.ARCHITECT, "Cart")})
    left = {str(task) for task in tasks if task not in waits} - {"architect:Cart"}
    assert left == {f"{role}:Catalog" for role in ("architect", "developer", "reviewer", "optimizer")}


def test_a_skipped_task_says_what_it_waited_for() -> None:
    report = skipped(Task(Role.INTEGRATOR), (Task(Role.DEVELOPER, "Cart"), Task(Role.ARCHITECT, "Shop")))
    assert report.changes == (
        Logged("warning", "integrator skipped: it needs developer:Cart, architect:Shop"),
    )
    assert report.failure is None


class CountedTask(Task):
    """A task that counts how often it is looked up."""

    __slots__ = ()
    lookups = 0

    def __hash__(self) -> int:
        CountedTask.lookups += 1
        return hash((self.role, self.module))


def test_a_chain_of_thousands_of_modules_is_planned_and_blocked_in_linear_time() -> None:
    def lookups(length: int) -> int:
        modules = tuple(
            ModulePlan(
                f"M{i}", f"m{i}.py", ModuleType.WEB_INTERFACE, "", (f"M{i + 1}",) if i + 1 < length else ()
            )
            for i in range(length)
        )
        tasks = build_tasks(Plan("P", "", modules))
        assert len(tasks) == 5 * length + 2
        counted: dict[Task, tuple[Task, ...]] = {
            CountedTask(task.role, task.module): tuple(CountedTask(n.role, n.module) for n in needs)
            for task, needs in tasks.items()
        }
        CountedTask.lookups = 0
        first = next(iter(counted))
        assert len(blocked(counted, {first})) == len(tasks) - 1
        return CountedTask.lookups

    assert lookups(2_000) < 2.5 * lookups(1_000)


# --- The work


def test_the_analyst_plans() -> None:
    report = done(ANALYST, OTHER_PLAN, inputs=Inputs(ORDER))
    (made, logged) = results(report)
    assert isinstance(made, PlanMade)
    assert [module.name for module in made.plan.modules] == ["Stock"]
    assert logged == Logged("info", "planned 1 modules")


def test_an_approved_plan_stays() -> None:
    assert results(done(AUDITOR, APPROVE, inputs=Inputs(ORDER, PLAN))) == [
        Reasoned("auditor", None, "fine"),
        Logged("info", "the plan was approved"),
    ]


def test_a_plan_with_faults_is_made_anew_and_audited_anew() -> None:
    report = done(AUDITOR, REVISE, OTHER_PLAN, APPROVE, inputs=Inputs(ORDER, PLAN))
    nearly, no_check, made, fine, logged = results(report)
    assert isinstance(made, PlanMade)
    assert [module.name for module in made.plan.modules] == ["Stock"]
    assert [nearly, no_check, fine] == [
        Reasoned("auditor", None, text) for text in ("nearly", "no check", "fine")
    ]
    assert logged == Logged("info", "the plan was approved")


def test_the_audit_judges_the_new_plan_and_the_analyst_sees_the_findings() -> None:
    model = ScriptedModel([REVISE, OTHER_PLAN, APPROVE])
    drive(perform(AUDITOR, Inputs(ORDER, PLAN)), model)
    first, revision, second = model.requests
    assert [request.role for request in model.requests] == [Role.AUDITOR, Role.ANALYST, Role.AUDITOR]
    assert "Catalog" in first.messages[1].content
    assert "- no check" in revision.messages[-1].content
    assert "Catalog" in revision.messages[-2].content
    assert "Stock" in second.messages[1].content
    assert "Catalog" not in second.messages[1].content


def test_an_audit_that_never_approves_ends_with_the_last_plan_and_a_warning() -> None:
    report = done(AUDITOR, REVISE, OTHER_PLAN, REVISE, OTHER_PLAN, REVISE, inputs=Inputs(ORDER, PLAN))
    assert report.failure is None
    assert sum(isinstance(change, PlanMade) for change in report.changes) == MAX_ATTEMPTS - 1
    assert report.changes[-1] == Logged("warning", "the audit left 1 findings open")


def test_a_design_is_the_api_with_its_notes() -> None:
    report = done(
        Task(Role.ARCHITECT, "Catalog"), "functions: [f()]\nnotes: small", inputs=Inputs(ORDER, PLAN)
    )
    designed, reasoned = results(report)
    assert isinstance(designed, ApiDesigned)
    assert (designed.module, set(designed.api.names)) == ("Catalog", {"f"})
    assert reasoned == Reasoned("architect", "Catalog", "small")


def test_a_developer_writes_the_file_of_its_module() -> None:
    assert results(done(Task(Role.DEVELOPER, "Cart"), fence(CART_SOURCE))) == [
        FileWritten("cart.py", CART_SOURCE)
    ]


def test_approved_source_stays() -> None:
    assert results(done(Task(Role.REVIEWER, "Cart"), APPROVE)) == [Reasoned("reviewer", "Cart", "fine")]


def test_source_with_faults_is_written_anew_and_reviewed_anew() -> None:
    model = ScriptedModel([REVISE, fence(BETTER_CART), APPROVE])
    report = drive(perform(Task(Role.REVIEWER, "Cart"), INPUTS), model)
    assert FileWritten("cart.py", BETTER_CART) in report.changes
    first, revision, second = model.requests
    assert [request.role for request in model.requests] == [Role.REVIEWER, Role.DEVELOPER, Role.REVIEWER]
    assert CART_SOURCE in first.messages[1].content
    assert CART_SOURCE in revision.messages[-2].content
    assert "- no check" in revision.messages[-1].content
    assert BETTER_CART in second.messages[1].content


def test_a_review_that_never_approves_ends_with_the_last_source_and_a_warning() -> None:
    answers = [REVISE, fence(BETTER_CART), REVISE, fence(CART_SOURCE), REVISE]
    report = done(Task(Role.REVIEWER, "Cart"), *answers)
    written = [change.content for change in report.changes if isinstance(change, FileWritten)]
    assert written == [BETTER_CART, CART_SOURCE]
    assert report.changes[-1] == Logged("warning", "the review of Cart left 1 findings open")
    assert report.failure is None


@pytest.mark.parametrize("answer", ["NO CHANGE", fence(CART_SOURCE)])
def test_source_that_is_left_alone_is_not_written_again(answer: str) -> None:
    assert results(done(Task(Role.OPTIMIZER, "Cart"), answer)) == []


def test_better_source_is_written() -> None:
    assert results(done(Task(Role.OPTIMIZER, "Cart"), fence(BETTER_CART))) == [
        FileWritten("cart.py", BETTER_CART)
    ]


def test_pages_entry_point_and_repairs_are_written() -> None:
    (page,) = results(done(Task(Role.FRONTEND_DEVELOPER, "Shop"), fence(PAGE, "html")))
    assert isinstance(page, FileWritten)
    assert page.path == "templates/shop.html"
    integrated = results(
        done(
            Task(Role.INTEGRATOR),
            fence(MAIN_SOURCE) + "```text\nFlask\n```",
            inputs=Inputs(ORDER, PLAN, APIS, MODULE_FILES),
        )
    )
    assert integrated == [
        FileWritten("main.py", MAIN_SOURCE),
        FileWritten("requirements.txt", "Flask\n"),
        Logged("info", "integrated 3 modules"),
    ]
    assert results(done(Task(Role.DEBUGGER), "status: ok")) == [Logged("info", "nothing needed mending")]
    broken = Inputs(ORDER, PLAN, APIS, FILES | {"cart.py": "x = ("})
    assert results(done(Task(Role.DEBUGGER), fence("# file: cart.py\n" + CART_SOURCE), inputs=broken)) == [
        FileWritten("cart.py", CART_SOURCE),
        Logged("info", "mended cart.py"),
    ]


# --- What fails

TASKS = [ANALYST, AUDITOR, *(task for task in build_tasks(PLAN) if task.module in (None, "Shop"))]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_any_task_fails_typed_after_its_last_retry_and_writes_nothing(task: Task) -> None:
    report = done(task, *["nonsense"] * MAX_ATTEMPTS)
    failure = report.failure
    assert isinstance(failure, AgentFailure)
    assert (failure.role, failure.module, failure.cause) == (task.role, task.module, Cause.ANSWER)
    assert failure.reason.startswith("no usable answer in 3 attempts; the last: ")
    assert statuses(report) == [AttemptStatus.REJECTED] * MAX_ATTEMPTS
    assert results(report) == [Logged("error", f"{task} failed: {failure.reason}")]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_any_task_fails_at_once_where_the_model_gives_no_answer(task: Task) -> None:
    report = done(task, ModelError("the model answered 404: not found", status=404, at="t"))
    assert report.failure is not None
    assert (report.failure.cause, report.failure.module) == (Cause.REQUEST, task.module)
    assert statuses(report) == [AttemptStatus.ERROR]


def test_a_review_that_fails_in_its_revision_blames_the_developer_and_keeps_all_attempts() -> None:
    """The draft is the first answer of that conversation, so two more are asked for."""
    report = done(Task(Role.REVIEWER, "Cart"), "well", REVISE, "nonsense", "nonsense")
    assert report.failure is not None
    assert (report.failure.role, report.failure.module) == (Role.DEVELOPER, "Cart")
    assert statuses(report) == ["rejected", "ok", "rejected", "rejected"]
    assert not any(isinstance(change, FileWritten) for change in report.changes)


@pytest.mark.parametrize(
    ("answers", "calls", "retries"),
    [
        (["well", APPROVE], 2, 1),
        ([ModelError("cut", passing=True), "well", REVISE, fence(BETTER_CART), APPROVE], 5, 2),
        # The last call failed as well, and was not made again.
        (["well", REVISE, "nonsense", "nonsense"], 4, 2),
    ],
)
def test_the_event_of_its_end_says_what_a_task_cost(answers: list[Answer], calls: int, retries: int) -> None:
    """A judgement that asks for more is no retry."""
    event = done(Task(Role.REVIEWER, "Cart"), *answers).event("t")
    assert (event.calls, event.retries) == (calls, retries)


def test_a_failure_can_be_reported_with_what_was_done_before_it() -> None:
    failure = AgentFailure(Role.ANALYST, None, Cause.ENGINE, "broke")
    report = failed(ANALYST, failure, (Logged("info", "begun"),))
    assert report == TaskReport(
        ANALYST, (Logged("info", "begun"), Logged("error", "analyst failed: broke")), failure
    )


def test_a_fault_of_the_engine_is_no_failure_of_an_agent() -> None:
    """It must not be told as something the model did."""
    with pytest.raises(LookupError, match="needs a plan"):
        finish(perform(AUDITOR, Inputs(ORDER)), APPROVE)
