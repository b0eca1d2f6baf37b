"""A random spec: what people could ask for, in any script, with modules that need each other in any way."""

from __future__ import annotations

from random import Random

from agents.plan import ModuleType
from harness.spec import Spec

__all__ = ["random_spec"]

_THINGS = (
    *("Book", "Order", "Invoice", "Patient", "Ticket", "Recipe", "Sensor", "Parcel", "Loan", "Vote", "Route"),
    *("Member", "Photo", "Song", "Task", "Room", "Meter", "Garden", "Claim", "Badge", "Lesson", "Horse"),
)
_ENDINGS = ("", "s", "Store", "Service", "_log", "_v2", "Page", "Index2", "Queue", "_of_the_day")
_PLACES = (
    *("a library", "a small clinic", "une école de musique", "ein Bürgeramt", "магазин", "図書館", "مكتبة"),
    *('a bakery\'s "early" shift', "an allotment (40 plots)", "the night bus", "o mercado de São João"),
)
_PHRASES = (
    *("list them", "find one by its name", "close it; never twice", "count what is left", "100 % of {all}"),
    *("mit Preis in €", "naïve façade", "数える", "добавить и удалить", "تسجيل الدخول", "café au lait ☕"),
    *("a: b, c - d", "'quoted' and \"quoted\"", "back\\slash", "# not a comment", "<b>bold</b> & more"),
    *("e\u0301 and é", "👩‍👩‍👧 together", "tabs\tand\nlines", "true", "null", "1e3", "{{ braces }}"),
)
_OPTIONS: tuple[dict[str, float | str], ...] = (
    {},
    {},
    {"temperature": 0},
    {"temperature": 0.2, "seed": 7},
    {"num_ctx": 8192, "stop": "END"},
)


def random_spec(draw: Random, name: str, *, most_modules: int = 8) -> Spec:
    """A spec of 1 to `most_modules` modules; it expects nothing of times."""
    names = _module_names(draw, draw.randint(1, most_modules))
    modules = [
        {
            "name": module,
            "module_type": draw.choice([None, *ModuleType]),
            "description": "" if draw.random() < 0.1 else _sentence(draw),
            "requires": draw.sample(names[:place], draw.randint(0, min(place, 3))),
        }
        for place, module in enumerate(names)
    ]
    if draw.random() < 0.3:
        # The plan must not depend on the order in which a person writes modules down.
        draw.shuffle(modules)
    return Spec.model_validate(
        {
            "name": name,
            "idea": f"An application for {draw.choice(_PLACES)}: {_sentence(draw)}.",
            "options": draw.choice(_OPTIONS),
            "modules": [] if draw.random() < 0.05 else modules,
        }
    )


def _module_names(draw: Random, count: int) -> list[str]:
    names: dict[str, str] = {}
    while len(names) < count:
        name = draw.choice(_THINGS) + draw.choice(_ENDINGS)
        names.setdefault(name.lower(), name)
    return list(names.values())


def _sentence(draw: Random) -> str:
    return ", ".join(draw.sample(_PHRASES, draw.randint(1, 4)))
