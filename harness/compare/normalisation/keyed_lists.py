"""Lists whose members are told apart by keys, and those of them whose order means nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from harness.compare.normalisation.rule import KeyedListRule
from harness.compare.normalisation.where import Identity, changed_at, leads_to, steps_of

__all__ = ["KeyedLists", "in_other_order"]

Orders = dict[Identity, list[str]]
"""The members' names of each list, in the order they had."""


class KeyedLists:
    """The lists that the rules name; of several rules for one list the first holds."""

    def __init__(self, rules: Sequence[KeyedListRule]) -> None:
        self._wheres = [(steps_of(where), rule) for rule in rules for where in rule.where]

    def rule_of(self, path: Sequence[object]) -> KeyedListRule | None:
        """The rule of the list at `path`."""
        return next((rule for steps, rule in self._wheres if leads_to(steps, path)), None)

    def members(self, path: Identity, listed: list[object], besides: str) -> Sequence[object]:
        """What tells the members of the list at `path` apart, but for the key `besides`: names with numbers.

        Their places, where no key is left.
        """
        rule = self.rule_of(path)
        keys = [key for key in rule.keys if key != besides] if rule else []
        if not keys:
            return range(len(listed))
        seen: Counter[str] = Counter()
        return list(_numbered((_name(keys, member) for member in listed), seen))

    def in_order(self, board: object, rule: KeyedListRule) -> tuple[object, Orders]:
        """`board` with the lists of `rule`, whose order is ignored, in one order, and the orders they had."""
        orders: Orders = {}

        def one_order(path: Identity, value: object) -> object:
            if not isinstance(value, list) or self.rule_of(path) is not rule:
                return value
            names = [_name(rule.keys, member) for member in value]
            orders[path] = names
            places = sorted(range(len(value)), key=lambda place: (names[place], json.dumps(value[place])))
            return value if places == sorted(places) else [value[place] for place in places]

        for where in rule.where:
            board = changed_at(board, steps_of(where), one_order)
        return board, orders


def in_other_order(ours: Orders, theirs: Orders) -> int:
    """How many lists of both have the members that both have in another order."""
    both = ours.keys() & theirs.keys()
    return sum(_common(ours[path], theirs[path]) != _common(theirs[path], ours[path]) for path in both)


def _common(names: list[str], others: list[str]) -> list[str]:
    """Those of `names` that are among `others`, as often as there."""
    left = Counter(others)
    left &= Counter(names)
    common = []
    for name in names:
        if left[name]:
            left[name] -= 1
            common.append(name)
    return common


def _numbered(names: Iterator[str], seen: Counter[str]) -> Iterator[tuple[str, int]]:
    for name in names:
        seen[name] += 1
        yield name, seen[name]


def _name(keys: Sequence[str], member: object) -> str:
    told = [member.get(key) for key in keys] if isinstance(member, dict) and keys else member
    return json.dumps(told, sort_keys=True)
