"""Documents that a blackboard might be, and more: strategies for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["DEEP", "changed", "documents", "json_values", "names"]

# All of Unicode, half of surrogate pairs included, which JSON can write.
texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
names = st.one_of(
    st.sampled_from(["", "a", ":", "%", "a:b", "%3A", "modules", "logs", "Größe 店", "{}", " "]), texts
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from([1, 1.0, True, 0, -0.0]),
    texts,
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
documents = st.dictionaries(names, json_values, max_size=6)


def nested(depth: int) -> object:
    """A value that many levels deep."""
    value: object = "bottom"
    for level in range(depth):
        value = {f"level {level}": value} if level % 2 else [value]
    return value


DEEP = nested(50)


@st.composite
def changed(draw: st.DrawFn, document: dict[str, object]) -> dict[str, object]:
    """A document that has most in common with `document`: parts moved, dropped, added, replaced."""
    items = list(document.items())
    for _ in range(draw(st.integers(0, 4))):
        action = draw(st.integers(0, 4))
        if action == 0:
            items.append((draw(names), draw(json_values)))
        elif not items:
            continue
        index = draw(st.integers(0, len(items) - 1))
        name, value = items[index]
        if action == 1:
            del items[index]
        elif action == 2:
            items.insert(draw(st.integers(0, len(items) - 1)), items.pop(index))
        elif action == 3:
            items[index] = (name, draw(json_values))
        elif isinstance(value, list):
            items[index] = (
                name,
                draw(st.permutations([*value, draw(json_values)]))[draw(st.integers(0, 2)) :],
            )
        elif isinstance(value, dict):
            items[index] = (name, draw(changed(value)))
    return dict(items)
