"""A value that is valid by a JSON schema, filled with what a conversation is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from harness.gateway.simulated.mark import digest
from harness.gateway.simulated.schema.field import Field
from harness.gateway.simulated.schema.marking import Slots
from harness.gateway.simulated.schema.merging import Schema, types_of
from harness.gateway.simulated.schema.number import count_of, number_for
from harness.gateway.simulated.schema.resolving import Resolver
from harness.gateway.simulated.schema.text import text_for
from harness.gateway.simulated.subject import Subject, Topic

__all__ = ["filled"]

_DEEP = 4
"""From this depth on only what must be there is there."""
_BROAD = 2
"""Down to this depth lists go through all there is."""
_USUAL_ITEMS = 2
_MOST_DEPTH = 60
_MOST_VALUES = 5_000
_TRIES = 40
"""How often another item is tried where no two may be equal."""
_SIGNS = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def filled(schema: JsonValue, subject: Subject) -> JsonValue:
    """A value by `schema`; the mark of the subject is in one of its texts where one has room for it."""
    filling = _Filling(Resolver(schema, subject.mark.chance), subject)
    root: dict[str, JsonValue] = {}
    filling.put(root, "value", schema, Field("value", subject.topic))
    filling.slots.put(subject.mark.revision)
    return root["value"]


@dataclass
class _Filling:
    resolver: Resolver
    subject: Subject
    made: int = 0
    slots: Slots = field(default_factory=Slots)

    def put(self, holder: dict[str, JsonValue], name: str, schema: JsonValue, where: Field) -> None:
        """Put a value by `schema` into `holder`."""
        plain = self._plain(schema, where)
        holder[name] = self._value(plain, where)
        self.slots.see(holder, name, plain, where)

    def _plain(self, schema: JsonValue, where: Field) -> Schema:
        return self.resolver.plain(schema, ending=where.depth >= _DEEP)

    def _value(self, plain: Schema, where: Field) -> JsonValue:
        self.made += 1
        if where.depth > _MOST_DEPTH or self.made > _MOST_VALUES:
            return None
        if "const" in plain:
            return plain["const"]
        kinds = types_of(plain)
        options, examples = plain.get("enum"), plain.get("examples")
        if isinstance(options, list) and options:
            fitting = [option for option in options if not kinds or _is_of(option, kinds)] or options
            return where.choice(fitting, self._chance(where))
        if where.example is None and isinstance(examples, list) and examples:
            where = replace(where, example=examples[0])
        match _kind(plain, kinds):
            case "object":
                return self._object(plain, where)
            case "array":
                return self._array(plain, where)
            case "integer" | "number" as kind:
                return self._number(plain, where, whole=kind == "integer")
            case "boolean":
                return where.example if isinstance(where.example, bool) else not where.names_problems
            case "null":
                return None
        return text_for(plain, where, self.subject, self._chance(where))

    def _chance(self, where: Field) -> int:
        return digest(f"{self.subject.mark.chance}{where.path}")

    def _number(self, plain: Schema, where: Field, *, whole: bool) -> int | float:
        example = where.example
        if plain.keys().isdisjoint(_SIGNS["number"]):
            if isinstance(example, int | float) and not isinstance(example, bool):
                if where.is_set:
                    return example
                plain = {**plain, "minimum": min(example, example // 2), "maximum": max(example, 3)}
            elif where.is_score:
                plain = {**plain, "minimum": 0, "maximum": 100 if whole else 1}
        return number_for(plain, self._chance(where), whole=whole, high=where.is_score)

    def _object(self, plain: Schema, where: Field) -> JsonValue:
        properties = plain.get("properties")
        known = properties if isinstance(properties, dict) else {}
        needed = _strings(plain.get("required"))
        spare = [name for name in known if known[name] is not False] if where.depth < _DEEP else []
        most = count_of(plain, "maxProperties")
        if most is not None and len({*needed, *spare}) > most:
            spare = []
        made: dict[str, JsonValue] = {}
        for name in dict.fromkeys([*spare, *needed]):
            self._member(made, name, known.get(name, _other(plain, name)), where)
        for name in self._more_names(plain, made, where):
            self._member(made, name, _other(plain, name), where)
        return made

    def _member(self, made: dict[str, JsonValue], name: str, schema: JsonValue, where: Field) -> None:
        example = where.example.get(name) if isinstance(where.example, dict) else None
        topic = self.subject.by_name.get(name, where.topic)
        self.put(made, name, schema, Field(name, topic, example, where.depth + 1, f"{where.path}/{name}"))

    def _more_names(self, plain: Schema, made: dict[str, JsonValue], where: Field) -> Iterator[str]:
        """Names of further properties: of a mapping some, otherwise as many as must be."""
        least, most = count_of(plain, "minProperties") or 0, count_of(plain, "maxProperties")
        is_mapping = isinstance(plain.get("additionalProperties"), dict) and not plain.get("properties")
        count = max(least, _USUAL_ITEMS if is_mapping and where.depth < _DEEP else 0)
        count = min(count, _MOST_VALUES, count if most is None else most)
        modules, names = self.subject.modules, plain.get("propertyNames")
        for number in range(count + _TRIES):
            if len(made) >= count:
                return
            topic = _nth_of(modules, number)
            name = topic.name.lower()
            if names is not None:
                key = Field("key", topic, None, _DEEP, f"{where.path}/{number}?")
                name = str(self._nth(names, key, number))
            if name not in made:
                yield name

    def _array(self, plain: Schema, where: Field) -> JsonValue:
        first, items = plain.get("prefixItems"), plain.get("items")
        leading = first if isinstance(first, list) else []
        members = where.members(self.subject)
        least, most = count_of(plain, "minItems") or 0, count_of(plain, "maxItems")
        count = max(least, self._usual_count(leading, items, where, members))
        count = min(count, _MOST_VALUES, count if most is None else most)
        distinct = plain.get("uniqueItems") is True
        example = where.example[0] if isinstance(where.example, list) and where.example else None
        made: dict[str, JsonValue] = {}
        for number in range(count + (_TRIES if distinct else 0)):
            if len(made) >= count or self.made > _MOST_VALUES:
                break
            topic = _nth_of(members or (where.topic,), number)
            # What a field is usually called may be the same for all of them; then any name will do.
            key = "item" if distinct and number > len(members) else where.key
            inner = Field(key, topic, example, where.depth + 1, f"{where.path}/{number}")
            schema = leading[len(made)] if len(made) < len(leading) else items
            if distinct:
                value = self._nth(schema, inner, number)
                if value not in made.values():
                    made[str(number)] = value
            else:
                self.put(made, str(number), schema, inner)
        return self.slots.listed(made)

    def _usual_count(
        self, leading: list[JsonValue], items: JsonValue, where: Field, members: tuple[Topic, ...]
    ) -> int:
        if leading:
            return len(leading)
        if where.depth >= _DEEP or where.names_problems:
            return 0
        if members is not self.subject.modules:
            return len(members)
        if "properties" not in self._plain(items, where):
            return _USUAL_ITEMS
        return len(members) if where.depth <= _BROAD else 1

    def _nth(self, schema: JsonValue, where: Field, number: int) -> JsonValue:
        """A value by `schema`; of an enumeration, another one for each number."""
        plain = self._plain(schema, where)
        options = plain.get("enum")
        if isinstance(options, list) and options:
            return options[(self.subject.mark.chance + number) % len(options)]
        return self._value(plain, where)


def _nth_of(members: tuple[Topic, ...], number: int) -> Topic:
    """One of `members`; when they are used up they come again, numbered."""
    again, at = divmod(number, len(members))
    topic = members[at]
    if not again:
        return topic
    stem = topic.filename.removesuffix(".py")
    described = f"{topic.description} ({again + 1})"
    return replace(
        topic, name=f"{topic.name}{again + 1}", filename=f"{stem}{again + 1}.py", description=described
    )


def _kind(plain: Schema, kinds: list[str]) -> str:
    if kinds:
        return next((kind for kind in kinds if kind != "null"), "null")
    return next((kind for kind, signs in _SIGNS.items() if not plain.keys().isdisjoint(signs)), "string")


def _other(plain: Schema, name: str) -> JsonValue:
    """The schema of a property that is not among those listed."""
    patterns = plain.get("patternProperties")
    for pattern, schema in patterns.items() if isinstance(patterns, dict) else ():
        # Only expressions of which it can be told at once.
        if pattern in ("", ".*", "^.*$", ".+", "^.+$") or name.startswith(pattern.removeprefix("^")):
            return schema
    return plain.get("additionalProperties")


def _strings(value: JsonValue) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def _is_of(value: JsonValue, kinds: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(kind in _PYTHON_TYPES and isinstance(value, _PYTHON_TYPES[kind]) for kind in kinds)
