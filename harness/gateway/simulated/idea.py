"""An idea, read: what it wants kept, which features it asks for, and how people are to use it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.gateway.simulated.description import read_description
from harness.gateway.simulated.features import (
    COMMAND_LINE_WORDS,
    EMPTY_WORDS,
    FEATURES,
    WEB_WORDS,
)
from harness.gateway.simulated.formats import mentioned_formats
from harness.gateway.simulated.mark import digest
from harness.gateway.simulated.things import DOMAINS, THINGS, PlainThing
from harness.gateway.simulated.vocabulary import FUNCTION_WORDS, VERBS, Archetype
from harness.gateway.simulated.words import (
    base_verbs,
    enumeration,
    folded,
    plural,
    printable,
    shortened,
    singular,
    spoken,
    word_set,
    words,
)

__all__ = ["Idea", "plain_thing", "read_idea", "thing_description"]

_NEUTRAL = ("entry", "item", "record", "note")
"""What is kept where an idea does not say what."""

_LONGEST_IDEA = 4000
_LONGEST_NAME = 40
_LONGEST_WORD = 24
_LONGEST_SUMMARY = 160
_MOST_THINGS = 3
_ACTIONS = word_set(
    "complete finish approve reject archive publish cancel close resolve like vote rank share confirm "
    "pause assign"
)


@dataclass(frozen=True, slots=True)
class Idea:
    """What an idea says. `things` are singular names with what is known of them; `features` are keys."""

    project: str
    summary: str
    things: Mapping[str, PlainThing]
    features: frozenset[str]
    on_command_line: bool
    is_clear: bool
    """Whether it says how people are to use it."""
    formats: tuple[str, ...]
    """The formats between which texts are to be converted."""


def read_idea(text: str) -> Idea:
    """Read `text`, as much of it as people would."""
    said = folded(text[:_LONGEST_IDEA])
    spelled = [singular(word) for word in words(said)]
    forms = {form for word in spelled for form in base_verbs(word)}
    domains = [DOMAINS[key] for key in _domain_keys(spelled)]
    listed = [member for domain in domains for member in domain]
    calls = forms | set(listed)
    asked = [feature for feature in FEATURES if feature.calls & calls]
    converts = any(VERBS.get(form) is Archetype.CONVERT for form in forms) or "converter" in forms
    formats = tuple(mentioned_formats(said)[:2]) if converts else ()
    on_command_line = bool(COMMAND_LINE_WORDS & set(spelled)) or "command line" in " ".join(spelled)
    things = _things(said, spelled, listed, formats)
    if not things and (not asked or any({"core", "things"} & set(feature.needs) for feature in asked)):
        neutral = _NEUTRAL[digest(text) % len(_NEUTRAL)]
        things = {neutral: plain_thing(neutral)}
    features = {feature.key for feature in asked} | (set() if things else {"account"})
    return Idea(
        project=_project(text),
        summary=shortened(printable(text), _LONGEST_SUMMARY) or "An application",
        things=things,
        features=frozenset(features),
        on_command_line=on_command_line,
        is_clear=on_command_line or bool(WEB_WORDS & set(spelled)),
        formats=formats if len(formats) == 2 else (),
    )


def plain_thing(name: str) -> PlainThing:
    """What is known of things called `name`; where nothing is, what such things mostly have."""
    guesses = ("name and notes", "title and text", "name, kind and notes", "title, place and day")
    return THINGS.get(name) or PlainThing(guesses[digest(name) % len(guesses)])


def thing_description(name: str, thing: PlainThing) -> str:
    """The description of a module that keeps such things."""
    return f"{spoken(plural(name)).capitalize()} with {thing.fields}; add, list, search, {thing.actions}."


_OPENING = re.compile(
    r"^(?:(?:please|i|we|want|need|would like|build|create|make|write|develop|me|us)\s+)*"
    r"(?:(?:an?|the|eine?|une?|el|la|le)\s+)?",
    re.IGNORECASE,
)


def _domain_keys(spelled: list[str]) -> Iterator[str]:
    for before, word in zip(["", *spelled], spelled, strict=False):
        yield from (key for key in (f"{before} {word}", word) if key in DOMAINS)


def _project(text: str) -> str:
    """A name for the project: the beginning of the idea, up to where it goes into detail."""
    parts = re.split(
        r"[:;,.!?(\n]| (?:that|which|with|where|to) ", printable(text[:_LONGEST_IDEA]), maxsplit=1
    )
    named, joint, detail = parts[0].partition(" for ")
    if all(word in EMPTY_WORDS | FUNCTION_WORDS | COMMAND_LINE_WORDS for word in words(named)):
        named += joint + detail
    bare = _OPENING.sub("", named.strip())
    if not any(character.isalnum() for character in bare):
        return "Application"
    return shortened(bare[:1].upper() + bare[1:], _LONGEST_NAME)


def _things(
    said: str, spelled: list[str], listed: list[str], formats: tuple[str, ...]
) -> dict[str, PlainThing]:
    known = [word for word in spelled if word in THINGS and word not in EMPTY_WORDS]
    known += [word for word in listed if word in THINGS]
    names = list(dict.fromkeys(known or (["document"] if formats else _nouns(said))))[:_MOST_THINGS]
    asked = [action for word in spelled for action in base_verbs(word) if action in _ACTIONS]
    things: dict[str, PlainThing] = {}
    for name in names:
        thing = plain_thing(name)
        told = [spoken(field) for field in _told_fields(said, name)]
        more = [a for a in dict.fromkeys(asked) if a not in thing.actions] if not things else []
        things[name] = PlainThing(
            enumeration(told) if told else thing.fields, ", ".join([*more[:2], thing.actions])
        )
    return things


def _told_fields(said: str, name: str) -> list[str]:
    """The fields that the idea itself gives a thing: `a note with a title and tags`."""
    found = re.search(rf"\b(?:{name}|{plural(name)}) (?:each )?(with [^.;:]*)", said)
    fields = read_description(f"things {found[1]}").fields if found else ()
    return [field for field in fields if field in _KNOWN_FIELDS]


_KNOWN_FIELDS = frozenset(
    field.replace(" ", "_") for thing in THINGS.values() for field in re.split(r", | and ", thing.fields)
)
_FEATURE_WORDS = frozenset(word for feature in FEATURES for word in feature.calls)
_NO_NOUNS = EMPTY_WORDS | _FEATURE_WORDS | COMMAND_LINE_WORDS | WEB_WORDS


def _nouns(said: str) -> list[str]:
    """The nouns of a text that names nothing known: the last word of every phrase, empty ones left out."""
    nouns: list[str] = []
    for phrase in re.split(r"[^a-z0-9' -]+", said):
        run: list[str] = []
        for word in [*words(phrase), ""]:
            if word and not _ends_phrase(word):
                run.append(singular(word))
                continue
            named = [w for w in run if w not in _NO_NOUNS and w not in DOMAINS]
            nouns += [w for w in named[-1:] if 3 <= len(w) <= _LONGEST_WORD]
            run = []
    return nouns


def _ends_phrase(word: str) -> bool:
    if word in FUNCTION_WORDS or word.endswith("ly"):
        return True
    return any(form in VERBS for form in base_verbs(word)) and singular(word) not in THINGS
