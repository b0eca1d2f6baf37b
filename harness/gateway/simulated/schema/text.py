"""A text by a schema of strings: its pattern, its format, its length."""

from __future__ import annotations

from harness.gateway.simulated.schema.field import Field
from harness.gateway.simulated.schema.merging import Schema
from harness.gateway.simulated.schema.number import count_of
from harness.gateway.simulated.schema.pattern import matches, text_matching
from harness.gateway.simulated.subject import Subject
from harness.gateway.simulated.words import words

__all__ = ["text_for"]

_MOST = 100_000
_LONGEST_TRIED = 20
_FORMATS = {
    "date-time": "2025-{month:02}-{day:02}T{hour:02}:30:00Z",
    "date": "2025-{month:02}-{day:02}",
    "time": "{hour:02}:30:00Z",
    "duration": "P{day}D",
    "email": "{word}{day}@example.com",
    "idn-email": "{word}{day}@example.com",
    "hostname": "{word}{day}.example.com",
    "idn-hostname": "{word}{day}.example.com",
    "uri": "https://example.com/{word}/{day}",
    "iri": "https://example.com/{word}/{day}",
    "url": "https://example.com/{word}/{day}",
    "uri-reference": "/{word}/{day}",
    "ipv4": "192.0.2.{day}",
    "ipv6": "2001:db8::{day}",
    "uuid": "{hex:08x}-0000-4000-8000-{hex:012x}",
    "json-pointer": "/{word}/{day}",
    "regex": "^{word}{day}$",
    "binary": "{word}{day}",
    "byte": "{hex:08x}",
    "decimal": "{day}.50",
}


def text_for(schema: Schema, where: Field, subject: Subject, chance: int) -> str:
    """A text that `schema` allows, about what stands `where`."""
    least, most = count_of(schema, "minLength") or 0, count_of(schema, "maxLength")
    pattern, form = schema.get("pattern"), schema.get("format")
    text = where.text(subject)
    if isinstance(pattern, str):
        fits = least <= len(text) <= (_LONGEST_TRIED if most is None else min(most, _LONGEST_TRIED))
        if fits and matches(pattern, text):
            return text
        made = text_matching(pattern, least, most, chance)
        if made is not None:
            return made
    if isinstance(form, str) and form in _FORMATS:
        return _FORMATS[form].format(
            word=(words(where.topic.name) or ["thing"])[0],
            month=1 + chance % 12,
            day=1 + chance // 12 % 28,
            hour=chance // 336 % 24,
            hex=chance % 2**32,
        )
    if len(text) < least:
        filler = f" {where.topic.description or where.topic.name}"
        text = (text + filler * (min(least, _MOST) // len(filler) + 1))[: min(least, _MOST)]
    return text if most is None else text[: max(0, most)]
