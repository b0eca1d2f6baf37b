"""Words: their forms (one and many, verbs and what they leave behind) and how names are made of them.

English rules, good enough for names in a program; text of other languages passes through unharmed.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

__all__ = [
    "a",
    "base_verbs",
    "camel",
    "enumeration",
    "folded",
    "is_taken",
    "plural",
    "printable",
    "quoted",
    "shortened",
    "singular",
    "spoken",
    "state",
    "word_set",
    "words",
]

_IRREGULAR_PLURALS = {
    "person": "people",
    "child": "children",
    "man": "men",
    "woman": "women",
    "mouse": "mice",
    "foot": "feet",
    "tooth": "teeth",
    "criterion": "criteria",
    "diagnosis": "diagnoses",
    "analysis": "analyses",
    "movie": "movies",
    "cookie": "cookies",
    "shoe": "shoes",
    "bus": "buses",
    "quiz": "quizzes",
    "leaf": "leaves",
    "shelf": "shelves",
    "knife": "knives",
    "wife": "wives",
    "wolf": "wolves",
    "hero": "heroes",
    "potato": "potatoes",
    "tomato": "tomatoes",
}
_IRREGULAR_SINGULARS = {many: one for one, many in _IRREGULAR_PLURALS.items()}
_UNCOUNTED = frozenset({"news", "series", "data", "equipment", "feedback", "information", "stock", "status"})
_STATES = {
    "pay": "paid",
    "send": "sent",
    "write": "written",
    "sell": "sold",
    "buy": "bought",
    "lend": "lent",
    "take": "taken",
    "give": "given",
    "hold": "held",
    "find": "found",
    "win": "won",
    "lose": "lost",
    "keep": "kept",
    "begin": "begun",
    "put": "put",
    "set": "set",
    "read": "read",
    "rent": "rented",
    "cancel": "cancelled",
    "open": "open",
    "add": "active",
    "create": "active",
    "make": "active",
    "insert": "active",
    "register": "active",
    "start": "started",
    "activate": "active",
    "resume": "active",
    "reopen": "open",
    "edit": "edited",
    "visit": "visited",
    "deliver": "delivered",
    "order": "ordered",
    "enter": "entered",
    "answer": "answered",
    "offer": "offered",
    "transfer": "transferred",
    "submit": "submitted",
    "commit": "committed",
    "permit": "permitted",
}
_VOWELS = "aeiou"
_WORD = re.compile(r"[a-z][a-z0-9]*")


def word_set(listed: str) -> frozenset[str]:
    """The words of a list that is written with blanks between them."""
    return frozenset(listed.split())


def folded(text: str) -> str:
    """`text` in lower-case ASCII as far as it has one: accents go, other scripts become blanks."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    marks_gone = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^\x00-\x7f]", " ", marks_gone).lower()


def words(text: str) -> list[str]:
    """The words of `text` in lower-case ASCII; what follows an apostrophe is no word."""
    return _WORD.findall(re.sub(r"'s?\b|’s?\b", " ", folded(text)))


def printable(text: str) -> str:
    """`text` on one line, with nothing in it that YAML or a source file could not hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def quoted(text: str) -> str:
    """`text` between double quotes, as YAML, Python and JavaScript read it alike."""
    said = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{said}"'


def shortened(text: str, most: int) -> str:
    """`text`, cut after a whole word where it is longer than `most`."""
    if len(text) <= most:
        return text
    cut = text[:most].rpartition(" ")[0] or text[:most]
    return cut.rstrip(" ,;:.-") + " …"


def singular(word: str) -> str:
    """The one of many: `categories` is `category`."""
    if word in _IRREGULAR_SINGULARS:
        return _IRREGULAR_SINGULARS[word]
    if word in _UNCOUNTED or len(word) < 4 or word.endswith(("ss", "us", "is", "ics")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    return word.removesuffix("s")


def plural(word: str) -> str:
    """The many of one, of the last word in `delivery_address` likewise."""
    head, joint, last = word.rpartition("_")
    if last in _IRREGULAR_PLURALS:
        last = _IRREGULAR_PLURALS[last]
    elif last in _UNCOUNTED:
        pass
    elif last.endswith(("s", "x", "ch", "sh", "z")):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in _VOWELS:
        last = last[:-1] + "ies"
    else:
        last += "s"
    return head + joint + last


def base_verbs(word: str) -> tuple[str, ...]:
    """What `word` may be a form of, itself first: `stopping` is of stopping, stopp, stop or stoppe."""
    forms = [word]
    for ending in ("ing", "ed", "es", "s", "d"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word.removesuffix(ending)
            forms += [stem, stem[:-1]] if stem[-1:] == stem[-2:-1] else [stem]
            if ending in ("ing", "ed"):
                forms.append(stem + "e")
            if ending in ("es", "ed") and stem.endswith("i"):
                forms.append(stem[:-1] + "y")
    return tuple(dict.fromkeys(forms))


def state(verb: str) -> str:
    """What a thing is after it was done: `cancel` leaves it `cancelled`."""
    if verb in _STATES:
        return _STATES[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        return verb[:-1] + "ied"
    return (verb + verb[-1] if _doubles(verb) else verb) + "ed"


def _doubles(verb: str) -> bool:
    """Whether a short verb doubles its last letter, as in `planned`."""
    if len(verb) < 3 or len(verb) > 4 or verb[-1] in _VOWELS + "wxy":
        return False
    return verb[-2] in _VOWELS and verb[-3] not in _VOWELS


def camel(name: str) -> str:
    """`delivery_address` as `DeliveryAddress`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def spoken(name: str) -> str:
    """A name as people say it: `delivery_address` is `delivery address`."""
    return name.replace("_", " ")


def a(noun: str) -> str:
    """`noun` with its article."""
    said = spoken(noun)
    vowel = said[:1] in _VOWELS and not said.startswith(("uni", "use", "eu", "one"))
    return f"{'an' if vowel else 'a'} {said}"


def enumeration(items: list[str], last: str = "and") -> str:
    """`a, b and c`."""
    return f" {last} ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def is_taken(name: str) -> bool:
    """Whether Python itself has a use for `name`."""
    return keyword.iskeyword(name) or name in _BUILTINS


_BUILTINS = frozenset(dir(builtins))
