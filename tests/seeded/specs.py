"""The specs that seeded faults are looked for on, and what is to go wrong with the model on some of them."""

from __future__ import annotations

from harness.spec import Spec

__all__ = ["MODEL_FAULTS", "SPECS"]

_SHOP = {
    "name": "shop",
    "idea": "Ein Laden für Bücher – a café with pages, naïve and 日本.",
    "options": {"temperature": 0, "num_ctx": 8192},
    "modules": [
        {"name": "Users", "module_type": "data", "description": "Users with a name"},
        {"name": "Catalog", "module_type": "data", "description": "Products with a price"},
        {
            "name": "Shop",
            "module_type": "web_interface",
            "description": "Pages for users who buy products",
            "requires": ["Users", "Catalog"],
        },
    ],
    "expect": {"modules": 3},
}

_FLAKY = {
    "name": "flaky",
    "idea": "A desk whose model stumbles.",
    "modules": [{"name": "Flaky", "module_type": "data", "description": "Notes with a title"}],
}

_BROKEN = {
    "name": "broken",
    "idea": "A desk of which one part cannot be had.",
    "modules": [
        {"name": "Broken", "module_type": "data", "description": "Parts with a number"},
        {"name": "Sound", "module_type": "data", "description": "Notes with a title"},
        {"name": "After", "module_type": "data", "description": "Orders", "requires": ["Broken"]},
    ],
}

_GIVEN_UP = {
    "name": "given_up",
    "idea": "A desk whose model stays away.",
    "modules": [{"name": "Away", "module_type": "data", "description": "Notes with a title"}],
}

_UNEVEN = {
    "name": "uneven",
    "idea": "A desk of which one part takes its time.",
    "modules": [
        {"name": "Tortoise", "module_type": "data", "description": "Parts with a number"},
        {"name": "Hare", "module_type": "data", "description": "Notes with a title"},
    ],
}

_ALL = (_SHOP, _FLAKY, _BROKEN, _GIVEN_UP, _UNEVEN)
SPECS = {spec.name: spec for spec in map(Spec.model_validate, _ALL)}

MODEL_FAULTS = (
    # It stumbles once, breaks off once, and says nothing usable once.
    "role=developer,module=Flaky,times=1:500",
    "role=optimizer,module=Flaky,times=1:cut",
    "role=architect,module=Flaky,attempt=1:empty",
    "role=architect,module=Broken:empty",
    "module=Tortoise:slow:50x",
    # Once more than anybody asks again.
    "role=reviewer,module=Away,times=5:503",
)
