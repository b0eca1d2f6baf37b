"""The place of the mark in an answer in JSON: the text that suffers least from saying a little more."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import JsonValue

from harness.gateway.simulated.schema.field import Field
from harness.gateway.simulated.schema.merging import Schema
from harness.gateway.simulated.schema.number import count_of

__all__ = ["Slots"]

_LENGTH = 9
_BOUND = frozenset({"const", "enum", "pattern", "format"})


@dataclass(frozen=True, slots=True)
class _Slot:
    holder: dict[str, JsonValue]
    name: str
    longest: int | None
    worth: int


@dataclass
class Slots:
    """The texts of an answer that are free to say more."""

    slots: list[_Slot] = field(default_factory=list)
    lists: list[tuple[list[JsonValue], dict[str, JsonValue]]] = field(default_factory=list)

    def see(self, holder: dict[str, JsonValue], name: str, plain: Schema, where: Field) -> None:
        """Take note of what stands at `name` in `holder`, if it is such a text."""
        text, longest = holder[name], count_of(plain, "maxLength")
        if not isinstance(text, str) or not where.is_free or not _BOUND.isdisjoint(plain):
            return
        if longest is None or longest >= _LENGTH:
            worth = 2 if where.is_prose else 1 if " " in text else 0
            self.slots.append(_Slot(holder, name, longest, worth))

    def listed(self, numbered: dict[str, JsonValue]) -> list[JsonValue]:
        """The list of these items; what is marked among them afterwards is marked in the list."""
        items = list(numbered.values())
        self.lists.append((items, numbered))
        return items

    def put(self, revision: str) -> None:
        """Write the revision into the best of the texts, if there is any."""
        if not self.slots:
            return
        slot = max(self.slots, key=lambda one: one.worth)
        text = str(slot.holder[slot.name])
        said = f"{text} (revision {revision})" if slot.worth else f"{text} {revision}"
        if slot.longest is not None and len(said) > slot.longest:
            said = f"{text[: slot.longest - _LENGTH]} {revision}"
        slot.holder[slot.name] = said
        for items, numbered in self.lists:
            if numbered is slot.holder:
                items[:] = numbered.values()
