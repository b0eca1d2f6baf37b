"""Tightening: rewriting loops that build a list or a sum as the expressions that Python has for them."""

from __future__ import annotations

import re

__all__ = ["tightened"]

_WIDTH = 88

_COLLECTING = re.compile(
    r"""^(?P<margin>\ +)(?P<list>\w+)\ =\ \[\]\n
        (?P=margin)for\ (?P<item>\w+)\ in\ (?P<items>[^\n]+):\n
        (?P=margin)\ {4}if\ (?P<condition>[^\n]+):\n
        (?P=margin)\ {8}(?P=list)\.append\((?P<value>[^\n]+)\)\n
        (?!(?P=margin)\ )""",
    re.MULTILINE | re.VERBOSE,
)
_ADDING = re.compile(
    r"""^(?P<margin>\ +)(?P<sum>\w+)\ =\ 0\.0\n
        (?P=margin)for\ (?P<item>\w+)\ in\ (?P<items>[^\n]+):\n
        (?P=margin)\ {4}(?P=sum)\ \+=\ (?P<value>[^\n]+)\n
        (?!(?P=margin)\ )""",
    re.MULTILINE | re.VERBOSE,
)


def tightened(source: str) -> str:
    """`source` with such loops rewritten; `source` itself where there are none."""
    return _ADDING.sub(_sum, _COLLECTING.sub(_comprehension, source))


def _comprehension(match: re.Match[str]) -> str:
    margin, target = match["margin"], match["list"]
    if re.search(rf"\b{target}\b", " ".join(match.group("condition", "value", "items"))):
        return match[0]
    parts = [match["value"], f"for {match['item']} in {match['items']}", f"if {match['condition']}"]
    return _bracketed(f"{margin}{target} = [", parts, "]", margin)


def _sum(match: re.Match[str]) -> str:
    margin, target = match["margin"], match["sum"]
    if re.search(rf"\b{target}\b", " ".join(match.group("value", "items"))):
        return match[0]
    loop = f"for {match['item']} in {match['items']}"
    line = f"{margin}{target} = sum(({match['value']} {loop}), start=0.0)\n"
    if len(line) <= _WIDTH:
        return line
    inside = f"{margin}    ({match['value']} {loop}),\n{margin}    start=0.0,\n"
    return f"{margin}{target} = sum(\n{inside}{margin})\n"


def _bracketed(head: str, parts: list[str], tail: str, margin: str) -> str:
    inside = " ".join(parts)
    if len(head) + len(inside) + len(tail) <= _WIDTH:
        return f"{head}{inside}{tail}\n"
    if len(margin) + 4 + len(inside) <= _WIDTH:
        return f"{head}\n{margin}    {inside}\n{margin}{tail}\n"
    listed = "".join(f"{margin}    {part}\n" for part in parts)
    return f"{head}\n{listed}{margin}{tail}\n"
