"""A small shop as the agents would leave it: plan, APIs, sources, page. Every test begins from it."""

from __future__ import annotations

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.plan import ModulePlan, ModuleType, Plan
from agents.project import Inputs, Order

ORDER = Order("A shop for books.")

CATALOG = ModulePlan("Catalog", "catalog.py", ModuleType.DATA, "Keeps the books.")
CART = ModulePlan("Cart", "cart.py", ModuleType.SERVICE, "Holds what is bought.", ("Catalog",))
SHOP = ModulePlan("Shop", "shop.py", ModuleType.WEB_INTERFACE, "Shows the books.", ("Catalog", "Cart"))

PLAN = Plan("Books", "Sells books.", (SHOP, CATALOG, CART))

APIS = {
    "Catalog": ModuleApi((FunctionSpec("find_book(book_id: int) -> dict | None", "Finds a book."),)),
    "Cart": ModuleApi(
        (FunctionSpec("add_item(book_id: int, count: int=1) -> dict", "Adds a book."),),
        (RouteSpec("POST", "/cart/<int:book_id>", "Adds a book."),),
        "Keep it small.",
    ),
    "Shop": ModuleApi(
        (FunctionSpec("shelves() -> list", "The shelves."),), (RouteSpec("GET", "/shop", "The page."),)
    ),
}

CATALOG_SOURCE = '''\
"""The books."""

BOOKS = {1: {"title": "Emma"}}


def find_book(book_id: int) -> dict | None:
    """A book, if there is one."""
    return BOOKS.get(book_id)
'''

CART_SOURCE = '''\
"""The cart."""

from flask import Blueprint

import catalog

blueprint = Blueprint("cart", __name__)
_items: list[dict] = []


@blueprint.post("/cart/<int:book_id>")
def add_item(book_id: int, count: int = 1) -> dict:
    """Put a book into the cart."""
    _items.append({"book": catalog.find_book(book_id), "count": count})
    return {"items": len(_items)}
'''

SHOP_SOURCE = '''\
"""The page of the shop."""

from flask import Blueprint, render_template

from cart import add_item
from catalog import find_book

blueprint = Blueprint("shop", __name__)


def shelves() -> list:
    """What the page shows."""
    return [find_book(1), add_item]


@blueprint.route("/shop")
def page() -> str:
    """Show it."""
    return render_template("shop.html", title="Books", groups=[])
'''

MAIN_SOURCE = '''\
"""The application."""

from flask import Flask

import cart
from shop import blueprint as shop_blueprint


def create_app() -> Flask:
    """The application with every blueprint."""
    application = Flask(__name__)
    application.register_blueprint(cart.blueprint)
    application.register_blueprint(shop_blueprint)
    return application


app = create_app()
'''

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><title>{{ title }}</title></head>
<body><h1>{{ title }}</h1></body>
</html>
"""

MODULE_FILES = {"catalog.py": CATALOG_SOURCE, "cart.py": CART_SOURCE, "shop.py": SHOP_SOURCE}
FILES = MODULE_FILES | {
    "templates/shop.html": PAGE,
    "main.py": MAIN_SOURCE,
    "requirements.txt": "Flask>=3\n",
}

INPUTS = Inputs(ORDER, PLAN, APIS, FILES)


def fence(code: str, language: str = "python") -> str:
    """`code` as models answer it."""
    return f"```{language}\n{code}```\n"
