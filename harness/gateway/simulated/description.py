"""What the description of a module says: the thing it is about, its fields, and what is done with it.

Descriptions have a loose grammar, `Things of an owner with fields; verb, verb an object, verb by a field.`,
and every part of it may be missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.gateway.simulated.vocabulary import FUNCTION_WORDS, GATHERINGS, VERBS, Archetype
from harness.gateway.simulated.words import base_verbs, folded, is_taken, singular, word_set, words

__all__ = ["Action", "Description", "read_description"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done: `change the stock` has the object `stock`, `find by email` the key `email`."""

    verb: str
    object: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """A description, taken apart. `entity` and `fields` are names; '' and () where it does not say."""

    entity: str
    fields: tuple[str, ...]
    actions: tuple[Action, ...]
    subjects: tuple[str, ...]
    """What it is about, in the singular: the notes of `Searches over the notes by tag`."""
    origin: str
    """What a thing is made from: the cart of `Orders made from a cart`."""
    mentioned: frozenset[str]
    """Every word of it, in the singular."""


_PREPOSITIONS = word_set("of for from over about on in to by at into as who that which")
_PARTICIPLES = word_set("made written held kept sent bought sold lent given taken")
_ENDS = r"[;:—–]|\.(?:\s|$)"
_VERBS_OF_MODULES = re.compile(
    r"^\s*(?:this module |it |a module that |the module |module for )?"
    r"(?:manages?|handles?|stores?|keeps?|provides?|holds?|maintains?|defines?|implements?|contains?|offers?)\b"
)
_OWN_COLUMNS = frozenset({"id", "status", "history"})
"""What a module gives its things itself."""
_OTHER_WITHS = re.compile(r"\b(?:having|mit|avec|con)\b")
_FIELDS = re.compile(r"\bwith\b(?P<fields>.*)", re.DOTALL)
_ORIGIN = re.compile(r"\bfrom (?:an?|the) (?P<noun>[a-z]+)")
_ARTICLED = re.compile(r"\b(?:on|in|for) an? (?P<noun>[a-z]+)\b")
_LONGEST = 2000
_MOST_FIELDS = 6
_MOST_ACTIONS = 8
_LONGEST_NAME = 24


def read_description(text: str) -> Description:
    """Take `text`, as much of it as people would read, apart."""
    said = _OTHER_WITHS.sub("with", folded(text[:_LONGEST]))
    head, *rest = re.split(_ENDS, said, maxsplit=1)
    tail = rest[0] if rest else ""
    head = _VERBS_OF_MODULES.sub(" ", head)
    named, _, _ = head.partition(" with ")
    actions = _actions(tail) if tail.strip() else _verbs_in(named)
    fields = _fields(head)
    return Description(
        entity=_added(actions, fields) or _entity(named),
        fields=fields,
        actions=actions,
        subjects=_subjects(named),
        origin=found["noun"] if (found := _ORIGIN.search(head)) else "",
        mentioned=frozenset(singular(word) for word in words(said)),
    )


def _entity(named: str) -> str:
    """The last noun before the first preposition or participle."""
    noun = ""
    for word in words(named):
        if word in _PREPOSITIONS or (noun and (word.endswith("ed") or word in _PARTICIPLES)):
            break
        if word not in FUNCTION_WORDS:
            noun = singular(word)
    return noun[:_LONGEST_NAME]


def _added(actions: tuple[Action, ...], fields: tuple[str, ...]) -> str:
    """What is said to be added: the item of `adding items`."""
    for action in actions:
        if VERBS.get(action.verb) is Archetype.CREATE and action.object and action.object not in fields:
            return singular(action.object)
    return ""


def _subjects(named: str) -> tuple[str, ...]:
    found = re.search(r"\b(?:over|of|about|in|on) (?P<what>.*)", named, re.DOTALL)
    subjects = []
    for word in words(found["what"]) if found else ():
        if word in _PREPOSITIONS or word.endswith("ed"):
            break
        if word not in FUNCTION_WORDS:
            subjects.append(singular(word))
    return tuple(subjects)


def _fields(head: str) -> tuple[str, ...]:
    found = _FIELDS.search(head)
    listed = re.split(r",|\band\b|\bor\b|\bwith\b", found["fields"]) if found else []
    entity = _entity(head.partition(" with ")[0])
    names = [_field(phrase) for phrase in listed]
    if entity in GATHERINGS:
        names += [_field(match["noun"]) for match in _ARTICLED.finditer(head)]
    kept = dict.fromkeys(name for name in names if name and name != entity)
    return tuple(kept)[:_MOST_FIELDS]


def _field(phrase: str) -> str:
    name = []
    for word in words(phrase):
        if word in _PREPOSITIONS:
            break
        if word not in FUNCTION_WORDS and word != "optional":
            name.append(word)
    joined = "_".join(name[-2:])[:_LONGEST_NAME].strip("_")
    if joined in _OWN_COLUMNS:
        return ""
    return f"{joined}_value" if is_taken(joined) else joined


def _actions(tail: str) -> tuple[Action, ...]:
    actions = [
        action
        for phrase in re.split(r"[,;.]|\band\b|\bor\b|\bthen\b", tail)
        for action in [_action(phrase)]
        if action is not None
    ]
    return tuple(dict.fromkeys(actions))[:_MOST_ACTIONS]


def _action(phrase: str) -> Action | None:
    done, _, keyed = phrase.partition(" by ")
    said = [word for word in words(done) if word not in FUNCTION_WORDS]
    if not said or len(said[0]) > _LONGEST_NAME:
        return None
    verb = _known_verb(said[0]) or said[0]
    if verb not in VERBS and (len(said) > 2 or singular(verb) != verb or len(verb) < 3):
        return None
    what = next((word for word in said[1:] if word not in _PREPOSITIONS), "")
    keys = tuple(singular(word) for word in words(keyed) if word not in FUNCTION_WORDS)[:2]
    return Action(verb, what[:_LONGEST_NAME], keys)


def _verbs_in(named: str) -> tuple[Action, ...]:
    """The verbs of a description that has no list of them; nouns such as `orders` are not taken for verbs."""
    found = [_known_verb(word) for word in words(named)[1:] if not word.endswith("s") or word in VERBS]
    verbs = [verb for verb in found if verb and VERBS[verb] is not Archetype.GROUPS]
    return tuple(Action(verb) for verb in dict.fromkeys(verbs))[:_MOST_ACTIONS]


def _known_verb(word: str) -> str:
    return next((form for form in base_verbs(word) if form in VERBS), "")
