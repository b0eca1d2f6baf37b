"""The model of a spec: what a good one holds, and how it is handed on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from agents.plan import ModuleType
from harness.spec import Spec, find_specs

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_least_spec_is_a_name_and_an_idea() -> None:
    spec = Spec(name="a", idea="  a shop\n")
    assert (spec.idea, spec.model, spec.options, spec.modules) == ("a shop", None, {}, ())
    assert (spec.expect.modules, spec.expect.parallel, spec.expect.min_speedup) == (None, (), None)


def test_the_order_is_what_the_engines_are_asked_for() -> None:
    spec = Spec.model_validate(
        {
            "name": "a",
            "idea": "a shop",
            "modules": [
                {"name": "B", "module_type": "data", "description": "  many\n words "},
                {"name": "A", "requires": ["B"]},
            ],
        }
    )
    assert spec.order.idea == "a shop"
    first, second = spec.order.hints
    assert (first.name, first.module_type, first.description) == ("B", ModuleType.DATA, "many words")
    assert (second.name, second.module_type, second.requires) == ("A", None, ("B",))


@pytest.mark.parametrize("value", [0.5, 4096, True, "text", -1])
def test_options_are_handed_on_as_they_are(value: object) -> None:
    options = Spec.model_validate({"name": "a", "idea": "b", "options": {"x": value}}).options
    assert options["x"] is value


@pytest.mark.parametrize("name", ["a", "Shop-2.0_x", "0", "a" * 64])
def test_names_that_are_usable_as_folders(name: str) -> None:
    assert Spec(name=name, idea="x").name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/b", "a\\b", "-a", "_a", "a b", "a\n", "é", "a" * 65]
)
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(ValidationError, match="is not usable"):
        Spec(name=name, idea="x")


def test_pairs_may_name_modules_that_the_analyst_will_plan() -> None:
    """Without modules in the spec nobody knows their names yet."""
    spec = Spec.model_validate({"name": "a", "idea": "b", "expect": {"parallel": [["X", "Y"]]}})
    assert spec.expect.parallel == (("X", "Y"),)


def test_a_chain_of_a_thousand_modules_is_no_cycle() -> None:
    modules = [{"name": f"M{i}", "requires": [f"M{i + 1}"]} for i in range(999)] + [{"name": "M999"}]
    assert len(Spec.model_validate({"name": "a", "idea": "b", "modules": modules}).modules) == 1000


def test_a_spec_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Spec(name="a", idea="b").name = "c"  # type: ignore[misc]


def test_the_examples_are_good_specs() -> None:
    names = [spec.name for spec in find_specs([EXAMPLES])]
    assert {"clinic", "ecommerce", "notes-cli"} <= set(names)
