"""A path in a blackboard: keys with dots between them, of which `*` stands for any one key or index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

__all__ = ["Change", "Identity", "Members", "by_place", "changed_at", "leads_to", "steps_of", "values_at"]

ANY = "*"

Identity = tuple[object, ...]
"""A concrete path: keys, and whatever tells the members of a list apart."""
Members = Callable[[Identity, list[object]], Sequence[object]]
"""What tells the members of the list at a path apart, one thing for each."""
Change = Callable[[Identity, object], object]
"""What becomes of the value at a path."""


def steps_of(where: str) -> tuple[str, ...]:
    """The parts of `where`."""
    return tuple(where.split("."))


def leads_to(steps: Sequence[str], path: Sequence[object]) -> bool:
    """Whether `steps` lead to the concrete `path`."""
    return len(steps) == len(path) and all(
        step in (ANY, part) for step, part in zip(steps, path, strict=True)
    )


def by_place(_: Identity, members: list[object]) -> Sequence[object]:
    """Members of a list told apart by their places."""
    return range(len(members))


def values_at(
    value: object, steps: Sequence[str], members: Members = by_place, at: Identity = ()
) -> Iterator[tuple[Identity, object]]:
    """What `steps` lead to in `value`, with where it stands."""
    if not steps:
        yield at, value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        for key in _keys(value, step):
            yield from values_at(value[key], rest, members, (*at, key))
    elif isinstance(value, list) and step == ANY:
        for part, member in zip(members(at, value), value, strict=True):
            yield from values_at(member, rest, members, (*at, part))


def changed_at(
    value: object, steps: Sequence[str], change: Change, members: Members = by_place, at: Identity = ()
) -> object:
    """`value`, changed where `steps` lead to. Only what is on a way to a change is copied."""
    if not steps:
        return change(at, value)
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        plain = value
        for key in _keys(value, step):
            new = changed_at(value[key], rest, change, members, (*at, key))
            if new is not value[key]:
                plain = {**value} if plain is value else plain
                plain[key] = new
        return plain
    if isinstance(value, list) and step == ANY:
        listed = value
        for place, part in enumerate(members(at, value)):
            new = changed_at(value[place], rest, change, members, (*at, part))
            if new is not value[place]:
                listed = [*value] if listed is value else listed
                listed[place] = new
        return listed
    return value


def _keys(value: dict[str, object], step: str) -> Sequence[str]:
    if step == ANY:
        return list(value)
    return [step] if step in value else []
