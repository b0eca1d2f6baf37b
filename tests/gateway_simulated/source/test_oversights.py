"""Oversights: every one a first draft can have is seen by a review, and is not there otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.source.manner import Manner, Oversight
from harness.gateway.simulated.source.module import module_source
from harness.gateway.simulated.source.oversights import may_happen, overlooked

PRODUCTS = {
    "name": "Catalog",
    "module_type": "data",
    "description": "Products with name and price; list, search.",
    "requires": [],
}


@pytest.fixture
def source_in(assignment_of: Callable[..., Assignment]) -> Callable[[Manner], str]:
    """The source of one module, written in a certain manner."""
    return lambda manner: module_source(assignment_of("Catalog", [PRODUCTS]), manner, "0")


@pytest.mark.parametrize("oversight", Oversight)
@pytest.mark.parametrize("loops", [True, False])
def test_an_oversight_is_found_and_only_that(
    oversight: Oversight, source_in: Callable[[Manner], str], *, loops: bool
) -> None:
    """One finding about a draft that overlooks something, none about one that does not."""
    careful, careless = source_in(Manner(loops=loops)), source_in(Manner(loops=loops, oversight=oversight))

    assert overlooked(careful) == []
    assert set(may_happen(careful)) == set(Oversight)
    assert len(overlooked(careless)) == 1
    assert oversight not in may_happen(careless)


def test_a_finding_is_true(source_in: Callable[[Manner], str]) -> None:
    """The draft does what the review says it does."""
    careful: dict[str, Any] = {}
    careless: dict[str, Any] = {}
    exec(source_in(Manner()), careful)  # noqa: S102
    exec(source_in(Manner(oversight=Oversight.BLANK_TEXTS)), careless)  # noqa: S102

    assert careless["add_product"]("  ", 1)["name"] == "  "
    with pytest.raises(ValueError, match="name"):
        careful["add_product"]("  ", 1)
