"""The estimates that put the critical path first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.plan import ModulePlan, ModuleType, Plan
from agents.roles import Role
from agents.workflow import Task, build_tasks
from async_arch.estimates import PathEstimates, RoleWeight, TaskWeights

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


def test_by_default_a_path_is_what_is_still_to_be_written_at_a_plain_pace() -> None:
    """So the order is the one of characters: of the sizes by role at first, then of what answers foretell."""
    estimates = PathEstimates(TASKS)
    per_char_s = TaskWeights().per_char_s
    behind = 1800 + 100
    module = {Role.ARCHITECT: 1000, Role.DEVELOPER: 4000, Role.REVIEWER: 600, Role.OPTIMIZER: 2400}

    def written(task: Task) -> float:
        return estimates.path(task) / per_char_s

    assert written(Task(Role.ARCHITECT, "Leaf")) == pytest.approx(sum(module.values()) + behind)
    assert written(Task(Role.ARCHITECT, "Root")) == pytest.approx(1000 + sum(module.values()) + behind)
    estimates.learn(Task(Role.ARCHITECT, "Leaf"), 3000)
    foreseen = 3.5 * 3000
    assert written(Task(Role.DEVELOPER, "Leaf")) == pytest.approx(foreseen + 600 + 0.6 * foreseen + behind)
    estimates.learn(Task(Role.DEVELOPER, "Leaf"), 2000)
    assert written(Task(Role.REVIEWER, "Leaf")) == pytest.approx(600 + 0.6 * 2000 + behind)


def _weights(**task_s: float) -> TaskWeights:
    plain = TaskWeights()
    given = {Role(role): replace(plain.roles[Role(role)], task_s=seconds) for role, seconds in task_s.items()}
    return replace(plain, roles={**plain.roles, **given})


def test_weights_say_which_of_two_branches_is_longer() -> None:
    root, leaf = Task(Role.ARCHITECT, "Root"), Task(Role.REVIEWER, "Leaf")
    assert PathEstimates(TASKS).path(root) > PathEstimates(TASKS).path(leaf)
    slow = PathEstimates(TASKS, _weights(architect=0.1, developer=0.1, optimizer=0.1, reviewer=90.0))
    assert slow.path(leaf) > 90.0
    assert slow.path(root) == pytest.approx(0.1 + slow.path(Task(Role.ARCHITECT, "User")))


def test_a_longer_answer_foretells_later_ones_by_the_sizes_and_the_pace_of_the_weights() -> None:
    """What a task takes beside its answer, being asked again, it takes whatever the size."""
    plain = TaskWeights()
    sizes = {Role.ARCHITECT: RoleWeight(5.0, 500), Role.DEVELOPER: RoleWeight(40.0, 1000)}
    weights = replace(plain, roles={**plain.roles, **sizes}, per_char_s=0.01, first_token_s=2.0)
    assert weights.foreseen_s(Role.DEVELOPER, Role.ARCHITECT, 500) == 40.0
    assert weights.foreseen_s(Role.DEVELOPER, Role.ARCHITECT, 1000) == pytest.approx(40.0 + 1000 * 0.01)
    assert weights.foreseen_s(Role.DEVELOPER, Role.ARCHITECT, 250) == pytest.approx(40.0 - 500 * 0.01)


def test_no_task_is_foreseen_below_its_first_token() -> None:
    plain = TaskWeights()
    sizes = {Role.ARCHITECT: RoleWeight(5.0, 500), Role.DEVELOPER: RoleWeight(3.0, 1000)}
    weights = replace(plain, roles={**plain.roles, **sizes}, per_char_s=0.01, first_token_s=2.0)
    assert weights.foreseen_s(Role.DEVELOPER, Role.ARCHITECT, 1) == 2.0


def test_a_role_whose_answers_were_empty_foretells_nothing() -> None:
    plain = TaskWeights()
    weights = replace(plain, roles={**plain.roles, Role.ARCHITECT: RoleWeight(5.0, 0)})
    assert weights.foreseen_s(Role.DEVELOPER, Role.ARCHITECT, 999) == plain.roles[Role.DEVELOPER].task_s
