"""What a stranger's conversation is about is told from labels, files and programs in it."""

from __future__ import annotations

import pytest

from tests.gateway_simulated.conversation import subject


@pytest.mark.parametrize(
    ("told", "project"),
    [
        ("App idea: a recipe sharing platform", "Recipe sharing platform"),
        ("Return JSON.\n\nAPPLICATION CONTEXT:\na chess club\n\nSPEC:\nx", "Chess club"),
        ('Build a shop for lamps. Return JSON like {"name": "x"}.', "Shop"),
        ("Give me JSON for a bike rental", "Bike rental"),
    ],
)
def test_the_idea_is_found(told: str, project: str) -> None:
    """By its label, or as what is said besides the form of the answer."""
    assert subject(told).plan.project == project


def test_there_are_two_to_five_modules_with_one_page() -> None:
    """Of a large idea as of a small one; none requires what was left out."""
    for told in (
        "Idea: x",
        "Idea: an online store with reviews, comments, search, reports and admins",
    ):
        modules = subject(told).modules
        assert 2 <= len(modules) <= 5
        assert [module.kind for module in modules].count("web_interface") == 1
        assert {name for module in modules for name in module.requires} <= {module.name for module in modules}


@pytest.mark.parametrize(
    ("told", "name", "filename", "kind"),
    [
        ("FILENAME: user_store.py\nMODULE_TYPE: data", "UserStore", "user_store.py", "data"),
        ("Write src/shop/cart.py.", "Cart", "cart.py", "service"),
        ("name: OrderBook\nresponsibility: Orders with amount.", "OrderBook", "order_book.py", "service"),
        ("Review this:\n\nclass CartService:\n    name: str\n", "CartService", "cart_service.py", "service"),
        ("Module name: Shopping cart\nfile: list.py", "ShoppingCart", "list_module.py", "service"),
    ],
)
def test_the_module_at_hand_is_found(told: str, name: str, filename: str, kind: str) -> None:
    """By file, by name and description, or by what a program defines first."""
    module = subject(told).module
    assert module is not None
    assert (module.name, module.filename, module.module_type) == (name, filename, kind)


def test_a_conversation_about_the_project_has_no_module_at_hand() -> None:
    """A name alone is none, and what the system shows as an example is not spoken of."""
    about = subject("name: Shop\nIdea: a shop", "Write module_name.py")
    assert about.module is None
    assert about.topic.name == "Shop"
