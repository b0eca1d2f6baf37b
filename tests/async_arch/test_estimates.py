"""The estimates that put the critical path first."""

from __future__ import annotations

from agents.plan import ModulePlan, ModuleType, Plan
from agents.roles import Role
from agents.workflow import Task, build_tasks
from async_arch.estimates import PathEstimates

PLAN = Plan(
    "P",
    "",
    (
        ModulePlan("Root", "root.py", ModuleType.DATA, ""),
        ModulePlan("Leaf", "leaf.py", ModuleType.DATA, ""),
        ModulePlan("User", "user.py", ModuleType.SERVICE, "", ("Root",)),
    ),
)
TASKS = build_tasks(PLAN)


def test_a_path_shrinks_from_each_task_to_those_that_need_it() -> None:
    estimates = PathEstimates(TASKS)
    for task, needs in TASKS.items():
        for need in needs:
            assert estimates.path(need) > estimates.path(task)


def test_a_module_that_another_waits_for_goes_first() -> None:
    estimates = PathEstimates(TASKS)
    assert estimates.path(Task(Role.ARCHITECT, "Root")) > estimates.path(Task(Role.ARCHITECT, "Leaf"))


def test_a_large_api_puts_its_module_before_a_small_one() -> None:
    estimates = PathEstimates(TASKS)
    root, leaf = Task(Role.DEVELOPER, "Root"), Task(Role.DEVELOPER, "Leaf")
    assert estimates.path(root) == estimates.path(leaf)
    estimates.learn(Task(Role.ARCHITECT, "Leaf"), 3000)
    assert estimates.path(leaf) > estimates.path(root)
    # What comes after the developer is foreseen as well.
    assert estimates.path(Task(Role.REVIEWER, "Leaf")) > estimates.path(Task(Role.REVIEWER, "Root"))


def test_a_source_that_turned_out_short_goes_back() -> None:
    estimates = PathEstimates(TASKS)
    estimates.learn(Task(Role.ARCHITECT, "Leaf"), 3000)
    estimates.learn(Task(Role.DEVELOPER, "Leaf"), 10)
    assert estimates.path(Task(Role.OPTIMIZER, "Leaf")) < estimates.path(Task(Role.OPTIMIZER, "Root"))


def test_a_task_without_an_answer_changes_nothing() -> None:
    estimates = PathEstimates(TASKS)
    before = {task: estimates.path(task) for task in TASKS}
    estimates.learn(Task(Role.ARCHITECT, "Leaf"), 0)
    assert {task: estimates.path(task) for task in TASKS} == before
