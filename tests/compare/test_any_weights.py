"""Weights order what is ready, and change nothing of what is asked and made: async is equal with any."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agents.roles import Role
from async_arch.estimates import RoleWeight, TaskWeights
from harness.compare import Comparison, Status, compare
from harness.record import RunRecord
from harness.spec import Expectations
from tests.compare.rehearsal import SHOP, Parts, rehearse_candidate, rehearse_control

AMOUNTS = st.floats(0, 1e9)
WEIGHTS = st.builds(
    TaskWeights,
    st.fixed_dictionaries({role: st.builds(RoleWeight, AMOUNTS, AMOUNTS) for role in Role}),
    AMOUNTS,
    AMOUNTS,
)


# That two modules are made side by side is asked of an order, and on two slots not of any.
SPEC = SHOP.model_copy(update={"expect": Expectations()})


class Stage:
    """Where the async engine is rehearsed, with the run that all its runs are compared with."""

    def __init__(self, store: Path) -> None:
        self._folders = (store / str(number) for number in count())
        self._legacy = rehearse_control(next(self._folders), slots=2)

    def rehearse(self, weights: TaskWeights, slots: int = 2) -> RunRecord:
        return rehearse_candidate(next(self._folders), parts=Parts(weights=weights), slots=slots)

    def compared(self, weights: TaskWeights) -> Comparison:
        return compare(SPEC, self._legacy, self.rehearse(weights))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("any-weights"))


@given(weights=WEIGHTS)
# One that fails says enough; making it smaller takes longer than a test may.
@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.generate))
def test_async_equals_legacy_with_any_weights(stage: Stage, weights: TaskWeights) -> None:
    comparison = stage.compared(weights)
    assert [mismatch.sentence for mismatch in comparison.mismatches] == []
    assert comparison.verdict.status is Status.PASS


def test_weights_do_change_the_order(stage: Stage) -> None:
    """Or the test above would hold of an engine that looks at none."""
    plain = TaskWeights().roles
    orders = set()
    for page_s in (0.0, 900.0):
        page = {Role.FRONTEND_DEVELOPER: RoleWeight(page_s, 1.0)}
        record = stage.rehearse(TaskWeights({**plain, **page}), slots=1)
        orders.add(tuple((call.role, call.module) for call in record.calls))
    assert len(orders) == 2
