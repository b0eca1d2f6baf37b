"""Sample projects that templates are tried on: every type of module, with and without routes and needs."""

from __future__ import annotations

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.plan import ModulePlan, ModuleType, Plan
from agents.project import Inputs, Order
from agents.source import check_module

__all__ = ["SAMPLES", "described", "stub"]

_FUNCTIONS = (
    FunctionSpec(
        "add_item(title: str, price: float, stock: int, tags: list, active: bool) -> dict", "Add an item."
    ),
    FunctionSpec("get_item(item_id: int) -> dict", "Give the item with this id."),
    FunctionSpec("list_items(tag: str | None = None) -> list", "List the items, or those with a tag."),
    FunctionSpec("change_price(item_id: int, price: float) -> dict", "Change what an item costs."),
    FunctionSpec("remove_item(item_id: int) -> None", "Remove the item."),
    FunctionSpec("total_price() -> float", "Give what all items cost."),
)


def _routes(stem: str) -> tuple[RouteSpec, ...]:
    """Routes that name the function they answer with, and one that names none."""
    return (
        RouteSpec("POST", f"/{stem}", "add_item from the JSON body, answers 201"),
        RouteSpec("GET", f"/{stem}/<int:item_id>", "get_item, or 404"),
        RouteSpec("GET", f"/{stem}", "list_items as JSON"),
        RouteSpec("PATCH", f"/{stem}/<int:item_id>", "change_price as JSON"),
        RouteSpec("DELETE", f"/{stem}/<int:item_id>", "remove_item"),
        RouteSpec("GET", f"/{stem}/overview", "A short account of everything there is"),
    )


_TOLD = 'Keeps "items", their {{ prices }} and \\tags.'
_PLAIN = (
    ModulePlan("Catalog", "catalog.py", ModuleType.DATA, _TOLD),
    ModulePlan("Ledger", "ledger.py", ModuleType.DATA, _TOLD, ("Catalog",)),
    ModulePlan("Rules", "rules.py", ModuleType.UTILITY, _TOLD),
    ModulePlan("Audit", "audit.py", ModuleType.UTILITY, _TOLD, ("Ledger",)),
    ModulePlan("Orders", "orders.py", ModuleType.SERVICE, _TOLD, ("Catalog", "Rules")),
    ModulePlan("Reports", "reports.py", ModuleType.SERVICE, _TOLD),
)
_PAGES = (
    ModulePlan("Shop", "shop.py", ModuleType.WEB_INTERFACE, _TOLD, ("Orders",)),
    ModulePlan("Desk", "desk.py", ModuleType.WEB_INTERFACE, _TOLD),
)
_PAGE_FUNCTIONS = (FunctionSpec("page_groups() -> list", "What the page shows."),)
_ORDER = Order('A shop that\'s "small".')


def _apis(plan: Plan, serving: frozenset[str]) -> dict[str, ModuleApi]:
    apis = {}
    for module in plan.modules:
        if module.module_type is ModuleType.WEB_INTERFACE:
            apis[module.name] = ModuleApi(
                _PAGE_FUNCTIONS, (RouteSpec("GET", f"/{module.stem}", "The page."),)
            )
        else:
            routes = _routes(module.stem) if module.name in serving else ()
            apis[module.name] = ModuleApi(_FUNCTIONS, routes)
    return apis


def _sample(modules: tuple[ModulePlan, ...], serving: frozenset[str]) -> Inputs:
    plan = Plan('The "small" shop', "Sells what's there.", modules)
    return Inputs(_ORDER, plan, _apis(plan, serving))


_NAMES = frozenset(module.name for module in _PLAIN)
SAMPLES = {
    "web application": _sample(_PLAIN + _PAGES, _NAMES),
    "web application where only pages have routes": _sample(_PLAIN + _PAGES, frozenset()),
    "command-line tool": _sample(_PLAIN, frozenset()),
}
"""Plans with their APIs and no files yet, by what they are."""


def described(module: ModulePlan, inputs: Inputs) -> str:
    """What a sample module is: its type, and whether it has routes and needs others."""
    routes = "with routes" if inputs.apis[module.name].routes else "without routes"
    needs = "needs others" if module.requires else "needs no other"
    return f"{module.module_type.value} module {routes} that {needs}"


def stub(module: ModulePlan, inputs: Inputs) -> str:
    """A source that has what the API of `module` promises, for a module that no template yields."""
    api = inputs.apis[module.name]
    lines = ["from __future__ import annotations", ""]
    lines += [
        "from flask import Blueprint",
        "",
        f'blueprint = Blueprint("{module.stem}", __name__)',
        "",
    ] * bool(api.routes)
    for number, route in enumerate(api.routes):
        lines += [
            "",
            f"@blueprint.{route.method.lower()}({route.path!r})",
            f"def _view_{number}(**_): ...",
            "",
        ]
    lines += [f"def {function.signature}: ..." for function in api.functions]
    source = "\n".join([*lines, ""])
    check_module(source, module, inputs.made_plan, inputs.apis)
    return source
