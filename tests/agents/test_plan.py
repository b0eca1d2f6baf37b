"""A plan: which names, files and requirements it may have, and the order in which it is built."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.conversation import UnusableAnswer
from agents.plan import (
    ModuleHint,
    ModulePlan,
    ModuleType,
    Plan,
    default_filename,
    filename_problem,
    name_problem,
    read_plan,
    requirement_problems,
)
from tests.agents.shop import PLAN


def module(name: str, *requires: str) -> ModulePlan:
    return ModulePlan(name, f"{name.lower()}.py", ModuleType.SERVICE, "", requires)


def plan_of(*modules: ModulePlan) -> Plan:
    return Plan("P", "", modules)


def entry(**changes: Any) -> dict[str, object]:
    return {"name": "Cart", "module_type": "service"} | changes


def read(*entries: object, hints: Sequence[ModuleHint] = ()) -> Plan:
    return read_plan({"modules": list(entries)}, hints)


def only(item: object) -> ModulePlan:
    (found,) = read(item).modules
    return found


# --- Names and files


@pytest.mark.parametrize("name", ["Cart", "cart", "OrderItems", "A", "a_1", "X" * 64])
def test_a_name_is_letters_digits_and_underscores(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    ["", "1Cart", "_cart", "Cart Items", "Cart-Items", "Cart.py", "Größe", "Cart\n", "X" * 65, "../Cart"],
)
def test_other_names_are_refused(name: str) -> None:
    assert repr(name) in (name_problem(name) or "")


@pytest.mark.parametrize("filename", ["cart.py", "order_items.py", "a1.py", "x" * 64 + ".py"])
def test_a_file_name_is_plain_and_lower_case(filename: str) -> None:
    assert filename_problem(filename) is None


@pytest.mark.parametrize(
    "filename",
    [
        *("", "cart", "cart.txt", "Cart.py", "cart.PY", "_cart.py", "1cart.py", "cart.py\n", "cart.py.py"),
        *(
            "../cart.py",
            "/cart.py",
            "src/cart.py",
            "src\\cart.py",
            "c:cart.py",
            ".py",
            ".cart.py",
            "größe.py",
        ),
        *("cart\0.py", "cart .py", "x" * 65 + ".py", "carte\u0301.py", "con:.py"),
    ],
)
def test_other_file_names_are_refused(filename: str) -> None:
    """Every path of the workspace comes from here: one that leaves it overwrites a file of the person."""
    assert "is not usable" in (filename_problem(filename) or "")


@pytest.mark.parametrize(
    "stem", ["json", "string", "site", "logging", "flask", "jinja2", "main", "app", "templates", "conftest"]
)
def test_a_file_must_not_hide_a_module_that_the_application_imports(stem: str) -> None:
    assert f"use {stem}_module.py" in (filename_problem(f"{stem}.py") or "")
    assert filename_problem(f"{stem}_module.py") is None


@pytest.mark.parametrize("stem", [word for word in keyword.kwlist if word.islower()])
def test_a_file_must_have_a_name_that_can_be_imported(stem: str) -> None:
    """`import class` is a syntax error, and a school has classes."""
    assert f"use {stem}_module.py" in (filename_problem(f"{stem}.py") or "")


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        ("Cart", "cart.py"),
        ("OrderItems", "order_items.py"),
        ("HTTPClient", "http_client.py"),
        ("Area51Map", "area51_map.py"),
        ("order_items", "order_items.py"),
        ("Json", "json_module.py"),
        ("Class", "class_module.py"),
        ("Main", "main_module.py"),
    ],
)
def test_a_module_without_a_file_gets_one_after_its_name(name: str, filename: str) -> None:
    assert default_filename(name) == filename


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,63}", fullmatch=True))
@example("Ab" * 32)
def test_every_name_has_a_usable_default_file(name: str) -> None:
    """Otherwise the model is told off for a file name that it never gave."""
    assert filename_problem(default_filename(name)) is None


@given(
    st.sampled_from([*sys.stdlib_module_names, *keyword.kwlist]).filter(
        lambda name: name_problem(name) is None
    )
)
def test_the_default_file_hides_nothing(name: str) -> None:
    assert default_filename(name).removesuffix(".py") not in sys.stdlib_module_names


# --- Requirements


@pytest.mark.parametrize(
    ("requires", "problem"),
    [
        pytest.param({"A": ["B"], "B": []}, None, id="fine"),
        pytest.param({}, None, id="nothing"),
        pytest.param({"A": ["X"]}, "module A requires X, which is not a module", id="unknown"),
        pytest.param({"A": ["b"], "B": []}, "module A requires b, which is not", id="case counts"),
        pytest.param({"A": ["A"]}, "in a circle: A -> A", id="itself"),
        pytest.param({"A": ["B"], "B": ["A"]}, "in a circle", id="two"),
    ],
)
def test_requirements_name_modules_and_form_no_circle(
    requires: dict[str, list[str]], problem: str | None
) -> None:
    found = requirement_problems(requires)
    assert len(found) == (problem is not None)
    assert (problem or "") in "".join(found)


def test_a_circle_is_named_in_the_order_of_requiring() -> None:
    (problem,) = requirement_problems({"A": ["B"], "B": ["C"], "C": ["A"]})
    circle = problem.rpartition(": ")[2].split(" -> ")
    assert circle[0] == circle[-1]
    assert set(pairwise(circle)) == {("A", "B"), ("B", "C"), ("C", "A")}


# --- Build order


def graph(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 8))
    names = draw(st.permutations([f"M{number}" for number in range(count)]))
    return plan_of(
        *(
            module(name, *(draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else ()))
            for place, name in enumerate(names)
        )
    )


@given(st.data())
def test_each_module_is_built_once_and_behind_what_it_requires(data: st.DataObject) -> None:
    plan = data.draw(st.composite(graph)())
    shuffled = plan_of(*data.draw(st.permutations(plan.modules)))
    order = [module.name for module in shuffled.in_build_order()]
    assert sorted(order) == sorted(module.name for module in shuffled.modules)
    for module_ in shuffled.modules:
        assert all(order.index(needed) < order.index(module_.name) for needed in module_.requires)


@given(st.data())
def test_a_plan_that_is_in_order_is_built_in_its_order(data: st.DataObject) -> None:
    plan = data.draw(st.composite(graph)())
    assert plan.in_build_order() == plan.modules


def test_modules_that_nothing_orders_keep_the_order_of_the_plan() -> None:
    plan = plan_of(module("C", "A"), module("B"), module("A"), module("D"))
    assert [m.name for m in plan.in_build_order()] == ["A", "C", "B", "D"]


class CountedName(str):
    """A name that counts how often it is looked up."""

    __slots__ = ()
    lookups = 0

    def __hash__(self) -> int:
        CountedName.lookups += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


def lookups(modules: Sequence[ModulePlan]) -> int:
    CountedName.lookups = 0
    assert len(plan_of(*modules).in_build_order()) == len(modules)
    return CountedName.lookups


def chain(length: int) -> list[ModulePlan]:
    names = [CountedName(f"M{number}") for number in range(length)]
    return [
        ModulePlan(name, "m.py", ModuleType.DATA, "", tuple(names[i + 1 : i + 2]))
        for i, name in enumerate(names)
    ]


def test_a_chain_of_thousands_is_ordered_in_linear_time_and_without_recursion() -> None:
    """The first requires the second and so on: the worst order to begin with."""
    assert lookups(chain(4_000)) < 2.5 * lookups(chain(2_000))


def test_a_dense_plan_is_ordered_in_the_time_of_its_edges() -> None:
    """Each requires all others behind it. Looking at every edge of every repeated visit is cubic."""

    def dense(size: int) -> list[ModulePlan]:
        names = [CountedName(f"M{number}") for number in range(size)]
        return [
            ModulePlan(name, "m.py", ModuleType.DATA, "", tuple(names[i + 1 :]))
            for i, name in enumerate(names)
        ]

    assert lookups(dense(160)) < 5 * lookups(dense(80))


# --- Reading


def test_a_plan_is_read_back_as_it_was() -> None:
    assert read_plan(PLAN.as_dict()) == PLAN


def test_what_a_plan_does_not_say_has_a_default() -> None:
    plan = read_plan({"modules": [{"name": "Cart", "module_type": "service"}]})
    assert plan == Plan("Application", "", (ModulePlan("Cart", "cart.py", ModuleType.SERVICE, ""),))
    assert not plan.has_web_interface


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param({"Cart": {"module_type": "service", "description": "x"}}, id="mapping from names"),
        pytest.param([{"Cart": {"module_type": "service", "description": "x"}}], id="list of such mappings"),
        pytest.param(
            [{"name": "Cart", "type": "Service", "spec": " x\n"}], id="other keys, spaces, capitals"
        ),
        pytest.param([{"name": "Cart", "module_type": "backend", "description": "x"}], id="synonym"),
        pytest.param([{"name": "Cart", "file": "cart.py", "type": "business-logic", "spec": "x"}], id="file"),
        pytest.param([{"name": "Cart", "type": "API", "spec": "x", "requires": None}], id="requires nothing"),
        pytest.param([{"name": "Cart", "type": "core", "spec": "x", "requires": "None"}], id="requires None"),
        pytest.param([{"name": "Cart", "type": "core", "spec": "x", "dependencies": []}], id="dependencies"),
        pytest.param([{"name": "Cart", "type": "core", "spec": "x", "extra": [1]}], id="more keys"),
    ],
)
def test_modules_are_read_in_every_form_that_models_give_them(modules: object) -> None:
    assert read_plan({"modules": modules}).modules == (
        ModulePlan("Cart", "cart.py", ModuleType.SERVICE, "x"),
    )


@pytest.mark.parametrize(
    ("name", "joined"),
    [
        ("Shopping Cart", "ShoppingCart"),
        ("order-items", "OrderItems"),
        (" Cart ", "Cart"),
        ("cart_items", "cart_items"),
    ],
)
def test_a_name_of_several_words_becomes_one_also_where_it_is_required(name: str, joined: str) -> None:
    plan = read(entry(name=name), entry(name="Shop", requires=[name]))
    assert plan.modules[0].name == joined
    assert plan.modules[1].requires == (joined,)


@pytest.mark.parametrize(
    "requires", [["Cart", "Stock"], "Cart, Stock", ["Cart", "Stock", "Cart"], ["Cart", "", "Stock"]]
)
def test_requirements_are_a_list_or_a_text_with_commas(requires: object) -> None:
    plan = read(entry(), entry(name="Stock"), entry(name="Shop", requires=requires))
    assert plan.module("Shop").requires == ("Cart", "Stock")


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        pytest.param([], "at least one module", id="none"),
        pytest.param(None, "at least one module", id="nothing"),
        pytest.param("Cart, Shop", "at least one module", id="text"),
        pytest.param([[]], "is not usable", id="list in list"),
        pytest.param([None], "module name '' is not usable", id="empty item"),
        pytest.param(["Cart"], "module Cart has the module_type ''", id="only a name"),
        pytest.param([entry(name="Größe")], "module name 'Größe' is not usable", id="letters"),
        pytest.param([entry(filename="../../etc/cron.py")], "no folder", id="path that leaves"),
        pytest.param([entry(filename="json.py")], "use json_module.py", id="hides json"),
        pytest.param([entry(filename="class.py")], "use class_module.py", id="keyword"),
        pytest.param([entry(module_type="magic")], "'magic'; it must be one of web_interface", id="type"),
        pytest.param([entry(), entry(filename="b.py")], "module name 'Cart' is used twice", id="name twice"),
        pytest.param(
            [entry(), entry(name="cART", filename="b.py")], "'cART' is used twice", id="but for case"
        ),
        pytest.param(
            [entry(), entry(name="B", filename="cart.py")], "file name 'cart.py' is used", id="file twice"
        ),
        pytest.param(
            [entry(name="OrderItems"), entry(name="Order_Items")],
            "'order_items.py' is used twice",
            id="same default",
        ),
        pytest.param([entry(requires=["Stock"])], "requires Stock, which is not a module", id="unknown"),
        pytest.param([entry(requires=["Cart"])], "in a circle: Cart -> Cart", id="itself"),
        pytest.param([entry(requires={"a": 1})], "which is not a module", id="mapping as requires"),
    ],
)
def test_a_plan_that_cannot_be_built_is_refused_with_the_reason(modules: object, reason: str) -> None:
    with pytest.raises(UnusableAnswer, match=reason):
        read_plan({"modules": modules})


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """There are three attempts: one problem each is three problems at most."""
    with pytest.raises(UnusableAnswer) as caught:
        read(entry(name="1"), entry(module_type="x"), entry(name="B", filename="B.py", requires=["C"]))
    assert [part in str(caught.value) for part in ("'1'", "'x'", "'B.py'", "requires C")] == [True] * 4


HINT = ModuleHint("Cart", ModuleType.SERVICE, "Holds books.", ("Stock",))


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        pytest.param([entry(name="Basket")], "module Cart was asked for and is missing", id="left out"),
        pytest.param([entry(requires=["Stock"], module_type="data")], "must have the module_type", id="type"),
        pytest.param([entry(requires=[])], "module Cart must require Stock", id="requirement lost"),
    ],
)
def test_the_plan_must_heed_what_was_asked_for(entries: list[object], reason: str) -> None:
    with pytest.raises(UnusableAnswer, match=reason):
        read(*entries, entry(name="Stock"), hints=[HINT])


def test_the_plan_may_decide_what_was_left_open() -> None:
    hints = [ModuleHint("Cart"), ModuleHint("Stock", requires=())]
    plan = read(
        entry(requires=["Stock"]), entry(name="Stock", module_type="data"), entry(name="X"), hints=hints
    )
    assert [m.name for m in plan.modules] == ["Cart", "Stock", "X"]


def test_a_module_is_found_by_its_name() -> None:
    assert PLAN.module("Cart").stem == "cart"
    with pytest.raises(KeyError):
        PLAN.module("cart")


def test_an_application_is_for_the_browser_as_soon_as_one_module_is() -> None:
    assert PLAN.has_web_interface


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["Cart", "service", "x.py"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "filename", "module_type", "requires", "Cart"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_any_data_is_a_plan_or_refused(modules: object, project: object) -> None:
    try:
        plan = read_plan({"modules": modules, "project": project})
    except UnusableAnswer:
        return
    assert all(filename_problem(m.filename) is None and name_problem(m.name) is None for m in plan.modules)
    assert read_plan(plan.as_dict()) == plan
