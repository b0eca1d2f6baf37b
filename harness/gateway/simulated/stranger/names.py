"""The names that a prompt gives to functions and classes, with signatures where it shows them."""

from __future__ import annotations

import ast
import re

from agents.answers import parse_python
from agents.conversation import UnusableAnswer
from harness.gateway.simulated.words import is_taken

__all__ = ["asked_classes", "asked_signatures"]

_MOST = 12
_SIGNATURE = re.compile(
    r"(?P<def>\bdef )?(?<![\w.@])(?P<name>[a-z_]\w*)\((?P<parameters>[^()\n]{0,200})\)"
    r"(?P<returns> *-> *[\w.]+(?:\[[^\n()]{0,80}\])?(?: *\| *[\w.]+)*)?"
)
_NAMED = re.compile(
    r"\b(?P<kind>function|method|class)(?:s|es)?(?: called| named)?:? [`\"']?(?P<name>[A-Za-z_]\w*)\b"
    r"(?P<end>[`\"']?)"
)
_SPEAKS_OF_FUNCTIONS = re.compile(r"\b(?:function|method|signature|implement)", re.IGNORECASE)
_SELF = re.compile(r"^\s*self\b,?\s*")


def asked_signatures(text: str) -> list[str]:
    """The signatures in `text`, and those without parameters of functions that it only names."""
    found: dict[str, str] = {}
    for match in _SIGNATURE.finditer(text):
        name = match["name"]
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.end()]
        is_meant = match["def"] or match["returns"] or _SPEAKS_OF_FUNCTIONS.search(line)
        signature = f"{name}({_SELF.sub('', match['parameters'])}){match['returns'] or ''}"
        if is_meant and not is_taken(name) and not name.startswith("__") and _is_plain(signature):
            found.setdefault(name, signature)
    for match in _NAMED.finditer(text):
        name = match["name"]
        if match["kind"] != "class" and (match["end"] or "_" in name.strip("_")) and not is_taken(name):
            found.setdefault(name, f"{name}()")
    return list(found.values())[:_MOST]


def asked_classes(text: str) -> list[str]:
    """The classes that `text` names."""
    named = [match for match in _NAMED.finditer(text) if match["kind"] == "class"]
    names = [match["name"] for match in named if match["end"] or match["name"][:1].isupper()]
    return [name for name in dict.fromkeys(names) if not is_taken(name)][:_MOST]


def _is_plain(signature: str) -> bool:
    """Whether it is that of a function whose arguments all have a name of their own."""
    try:
        definition = parse_python(f"def {signature}: ...").body[0]
    except UnusableAnswer:
        return False
    return isinstance(definition, ast.FunctionDef) and not (definition.args.vararg or definition.args.kwarg)
