"""A schema made plain: references followed, and of every choice one branch taken."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from pydantic import JsonValue

from harness.gateway.simulated.schema.merging import NO_TYPE, Schema, merged, types_of

__all__ = ["Resolver"]

_MOST_STEPS = 100
_INDIRECT = ("$ref", "allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class Resolver:
    """Makes the parts of the schema `root` plain; `chance` takes the branches."""

    root: JsonValue
    chance: int

    def plain(self, schema: JsonValue, *, ending: bool = False) -> Schema:
        """`schema` without references and choices; `ending`: by branches that hold nothing more."""
        plain = dict(_as_schema(schema))
        for _ in range(_MOST_STEPS):
            key = next((key for key in _INDIRECT if key in plain), None)
            if key is None:
                break
            indirect = plain.pop(key)
            if isinstance(indirect, str):
                plain = merged(plain, _as_schema(self._target(indirect)))
            elif key == "allOf" and isinstance(indirect, list):
                for part in indirect:
                    plain = merged(plain, _as_schema(part))
            elif isinstance(indirect, list):
                plain = self._branch(plain, indirect, ending=ending)
        return plain

    def _target(self, reference: str) -> JsonValue:
        """What a reference within the schema refers to."""
        target = self.root if reference.startswith("#") else None
        for part in reference.removeprefix("#").split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict):
                target = target.get(name)
            elif isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                return None
        return target

    def _branch(self, plain: Schema, branches: list[JsonValue], *, ending: bool) -> Schema:
        met = [merged(plain, _as_schema(branch)) for branch in branches if branch is not False]
        possible = [one for one in met if types_of(one) != [NO_TYPE] and one.get("enum") != []] or met
        if not possible:
            return plain
        ends = [one for one in possible if one.keys().isdisjoint((*_INDIRECT, "properties", "items"))]
        if ending and ends:
            return ends[-1]
        saying = [one for one in possible if types_of(one) != ["null"]] or possible
        return saying[self.chance % len(saying)]


def _as_schema(schema: JsonValue) -> Schema:
    return schema if isinstance(schema, dict) else {}
