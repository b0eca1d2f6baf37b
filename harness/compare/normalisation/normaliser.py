"""What is put aside before two runs are compared, and what was: rules by name, with how often each fired.

One normaliser serves one comparison. It is asked for the documents and files of either side as they are to be
compared, and counts what it put aside on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from harness.compare.normalisation.durations import without_duration, without_durations
from harness.compare.normalisation.fired import RuleFired, Side
from harness.compare.normalisation.keyed_lists import KeyedLists, Orders, in_other_order
from harness.compare.normalisation.own_names import OwnNames, own_places, own_run_id
from harness.compare.normalisation.retried import without_retried
from harness.compare.normalisation.rule import (
    DurationRule,
    KeyedListRule,
    PlaceRule,
    RetriedAttemptRule,
    Rule,
    RunIdRule,
    TimestampRule,
)
from harness.compare.normalisation.rule_file import BUILT_IN, Rules
from harness.compare.normalisation.run_span import RunSpan
from harness.compare.normalisation.timestamps import OwnTimes
from harness.compare.normalisation.where import Identity, changed_at, steps_of, values_at
from harness.record import RunRecord

__all__ = ["Normaliser"]

_Board = dict[str, object]
_V = TypeVar("_V")

# What is left out is no like of anything; likes are told by what is written; order comes when all is written.
_TURNS = (
    RetriedAttemptRule,
    DurationRule,
    PlaceRule | RunIdRule | TimestampRule,
    KeyedListRule,
)


class Normaliser:
    """The rules, as they apply to one control and one candidate."""

    def __init__(self, control: RunRecord, candidate: RunRecord, rules: Rules = BUILT_IN) -> None:
        records = {Side.CONTROL: control, Side.CANDIDATE: candidate}
        self._rules = rules
        self._boards = {side: record.blackboard for side, record in records.items()}
        self._spans = {side: RunSpan.of(record) for side, record in records.items()}
        self._ids = {side: own_run_id(record) for side, record in records.items()}
        self._places = {side: own_places(record, records[side.other]) for side, record in records.items()}
        self._lists = KeyedLists([rule for rule in rules.rule if isinstance(rule, KeyedListRule)])
        self._orders: dict[tuple[str, Side], Orders] = {}
        self._fired: Counter[tuple[str, Side]] = Counter()

    def document(self, side: Side, board: _Board) -> _Board:
        """The blackboard of `side` as it is to be compared."""
        for turn in _TURNS:
            for rule in self._rules.rule:
                if isinstance(rule, turn):
                    new = self._with_rule(rule, side, board)
                    board = new if isinstance(new, dict) else board
        return board

    def contents(self, path: str, control: bytes, candidate: bytes) -> tuple[bytes, bytes]:
        """What both sides hold in the generated file `path`, as it is to be compared."""
        # Bytes that are no text come through this as they are.
        one, other = (content.decode(errors="surrogateescape") for content in (control, candidate))
        for rule in self._rules.rule:
            one, other = (
                self._text(rule, Side.CONTROL, path, one, other),
                self._text(rule, Side.CANDIDATE, path, other, one),
            )
        return one.encode(errors="surrogateescape"), other.encode(errors="surrogateescape")

    def keys_of(self, path: tuple[object, ...]) -> tuple[str, ...] | None:
        """The keys that tell the members of the list at `path` apart.

        None where their places do; no keys where a member is told by itself.
        """
        rule = self._lists.rule_of(path)
        return rule.keys if rule else None

    @property
    def fired(self) -> tuple[RuleFired, ...]:
        """The rules that put something aside, in the order of the rules."""
        counts = self._fired.copy()
        for rule in self._rules.rule:
            turned = in_other_order(*(self._orders.get((rule.id, side), {}) for side in Side))
            counts.update({(rule.id, side): turned for side in Side})
        return tuple(
            RuleFired(rule=rule, control=counts[rule, Side.CONTROL], candidate=counts[rule, Side.CANDIDATE])
            for rule in self._rules.ids
            if any(counts[rule, side] for side in Side)
        )

    def _with_rule(self, rule: Rule, side: Side, board: _Board) -> object:
        """`board` with what `rule` puts aside put aside."""
        match rule:
            case RetriedAttemptRule():
                return self._counted(rule, side, without_retried(board, rule))
            case PlaceRule():
                return self._counted(rule, side, self._places[side].out_of_all(board))
            case KeyedListRule(order="ignored"):
                found, self._orders[rule.id, side] = self._lists.in_order(board, rule)
                return found
            case TimestampRule() | RunIdRule():
                return self._without_texts(rule, side, board)
            case DurationRule():
                return self._without_durations(rule, side, board)
        return board

    def _without_texts(self, rule: TimestampRule | RunIdRule, side: Side, board: object) -> object:
        own: OwnTimes | OwnNames = (
            OwnTimes(rule, self._spans[side]) if isinstance(rule, TimestampRule) else self._ids[side]
        )

        count = 0

        def change(_: Identity, value: object) -> object:
            nonlocal count
            if not isinstance(value, str):
                return value
            text, times = own.out_of(value)
            count += times
            return text if times else value

        for where in rule.where:
            board = changed_at(board, steps_of(where), change)
        return self._counted(rule, side, (board, count))

    def _without_durations(self, rule: DurationRule, side: Side, board: object) -> object:
        other = self._boards[side.other] or {}
        for retried in self._rules.rule:
            if isinstance(retried, RetriedAttemptRule):
                other, _ = without_retried(other, retried)
        for where in rule.where:
            steps = steps_of(where)
            # What may differ tells nothing apart.
            members = partial(self._lists.members, besides=steps[-1])
            likes = dict(values_at(other, steps, members))

            def change(path: Identity, value: object, likes: Mapping[Identity, object] = likes) -> object:
                return self._counted(rule, side, without_duration(rule, value, likes.get(path)))

            board = changed_at(board, steps, change, members)
        return board

    def _text(self, rule: Rule, side: Side, path: str, own: str, other: str) -> str:
        """The content `own` of a file of `side` without what `rule` puts aside; `other` is the other's."""
        match rule:
            case PlaceRule():
                return self._counted(rule, side, self._places[side].out_of(own))
            case RunIdRule() if rule.is_for_file(path):
                return self._counted(rule, side, self._ids[side].out_of(own))
            case TimestampRule() if rule.is_for_file(path):
                return self._counted(rule, side, OwnTimes(rule, self._spans[side]).out_of(own))
            case DurationRule() if rule.is_for_file(path):
                return self._counted(rule, side, without_durations(rule, own, other))
        return own

    def _counted(self, rule: Rule, side: Side, found: tuple[_V, int]) -> _V:
        value, times = found
        self._fired[rule.id, side] += times
        return value
