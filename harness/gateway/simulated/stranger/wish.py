"""What a stranger wishes for: the kinds of answer that a conversation asks for, told from its wording."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.gateway.simulated.stranger.example import json_example

__all__ = ["Kind", "Wish", "wish_of"]


class Kind(StrEnum):
    """The kinds of answer; the value is the language of a fenced block."""

    JSON = "json"
    YAML = "yaml"
    PYTHON = "python"
    HTML = "html"
    CSS = "css"
    JAVASCRIPT = "javascript"
    MARKDOWN = "markdown"
    REQUIREMENTS = "text"
    VERDICT = "verdict"


_PAGES = (Kind.HTML, Kind.CSS, Kind.JAVASCRIPT)

_MENTIONS = {
    Kind.JSON: re.compile(r"\bjson\b", re.IGNORECASE),
    Kind.YAML: re.compile(r"\bya?ml\b", re.IGNORECASE),
    Kind.PYTHON: re.compile(r"\bpython\b|\w\.py\b", re.IGNORECASE),
    Kind.HTML: re.compile(r"\bhtml5?\b|\bweb ?page\b", re.IGNORECASE),
    Kind.CSS: re.compile(r"\bcss3?\b|\bstyle ?sheet\b", re.IGNORECASE),
    Kind.JAVASCRIPT: re.compile(r"\bjavascript\b|\bjs\b", re.IGNORECASE),
    Kind.MARKDOWN: re.compile(
        r"\bmarkdown\b(?! (?:code|block|fence|backtick|format))|\breadme\b", re.IGNORECASE
    ),
    Kind.REQUIREMENTS: re.compile(r"\brequirements\.txt\b", re.IGNORECASE),
}
_CODE = re.compile(r"\b(?:function|class|script|program|code|method|unit tests?|module)\b", re.IGNORECASE)
_ASKING = re.compile(
    r"\b(?:output|respond|reply|answer|return|produce|generate|write|create|give|provide|implement|emit|print"
    r"|send|response|refactor|fix|optimi[sz]e|rewrite|build|make|need|want|expect|convert)\b",
    re.IGNORECASE,
)
_STRICTLY = re.compile(
    r"\b(?:only|just|exactly|strictly|strict|valid|nothing but|raw|format|as)\b[^.\n]{0,30}$", re.IGNORECASE
)
_FORM_AFTER = re.compile(
    r"\W{0,4}(?:code )?(?:only|alone|and nothing else|format|object|array)\b", re.IGNORECASE
)
_REFUSED = re.compile(
    r"\b(?:no|not|don't|never|without|avoid)\b(?![^,;(]*\b(?:than|except|but|only)\b)[^,;(]{0,40}$",
    re.IGNORECASE,
)
_IDEA = re.compile(r"^[^\w\n]*(?:\w+[ _])?idea\W{0,3}:.*$", re.IGNORECASE | re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n")
_FENCED = re.compile(r"^(`{3,}+).*?^\1", re.MULTILINE | re.DOTALL)
_REACH = 90
_LONGEST = 20_000

_GOOD = r"APPROVED?|PASS(?:ED)?|LGTM|ACCEPT(?:ED)?|YES"
_ALSO_GOOD = r"VALID|OK(?:AY)?|DONE|RUNNABLE|SECURE|CORRECT|SUCCESS"
_BAD = r"REJECT(?:ED)?|FAIL(?:ED)?|NOT [A-Z]+|INVALID|CHANGES[_ ]REQUESTED|REVISE|INCORRECT|VULNERABLE|NO"
_LABELLED = re.compile(
    rf"\b(?P<label>(?:(?:SYSTEM|FINAL|REVIEW) )?(?i:verdict|status|result|decision) ?[:=] ?)[\"'`*]*"
    rf"(?P<word>{_GOOD}|{_ALSO_GOOD})\b"
)
_SAID = re.compile(
    r"\b(?i:output|respond|reply|answer|return|say|start|begin|print|state)\b[^.\n]{0,60}?"
    rf"(?:[\"'`*](?P<quoted>{_GOOD}|{_ALSO_GOOD})[\"'`*]|\b(?P<plain>{_GOOD})\b)"
    r"|\b(?i:respond|reply|answer|say)\b[^.\n]{0,60}?\b(?P<low>yes|approved?|pass(?:ed)?|ok|lgtm)\b"
    r"(?=\W{0,2}(?:$|[.,;/]|or\b|if\b|when\b))",
    re.MULTILINE,
)
_UNLABELLED_BAD = re.compile(rf"\b(?:{_BAD.removesuffix('|NO')})\b")

_FENCE_WANTED = re.compile(
    r"```(?:\w+)? ?\.{3}"
    r"|\b(?:enclose|wrap|inside|within|in)\b[^.\n]{0,40}(?:```|code ?block|markdown block|fence)",
    re.IGNORECASE,
)
_FENCE_REFUSED = re.compile(
    r"\b(?:no|not|never|without|don't)\b[^.\n]{0,40}(?:markdown|code ?block|fence|backtick|```)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """The kinds that are asked for (none: nothing that is known), and the text that asks for them.

    `verdict` is the good word that is asked for as it is to be written, `refusal` the bad one.
    """

    kinds: tuple[Kind, ...]
    text: str
    fenced: bool = True
    verdict: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _Ask:
    kind: Kind
    strength: int
    at: int


def wish_of(systems: Sequence[str], told: Sequence[str]) -> Wish:
    """The wish in a conversation: that worded most strongly; of those alike the system's, then the last."""
    texts = [text[:_LONGEST] for text in (*systems, *reversed(told))]
    asks = [_asks(text) for text in texts]
    strengths = [max((ask.strength for ask in found), default=0) for found in asks]
    best = max(strengths, default=0)
    if best < 2:
        shown = next((text for text in texts if json_example(text)), None)
        if shown is not None:
            return _wish([_Ask(Kind.JSON, 2, 0)], shown, texts)
    if not best:
        return Wish((), texts[0] if texts else "")
    number = strengths.index(best)
    return _wish(asks[number], texts[number], texts)


def _wish(asks: list[_Ask], text: str, texts: list[str]) -> Wish:
    first = max(asks, key=lambda ask: (ask.strength, ask.kind is Kind.VERDICT, -ask.at))
    kinds = [first.kind]
    asked = {ask.kind for ask in asks if ask.strength >= min(first.strength, 3)}
    if first.kind in _PAGES:
        kinds = [kind for kind in _PAGES if kind in asked]
    if first.kind is Kind.PYTHON and Kind.REQUIREMENTS in asked:
        kinds.append(Kind.REQUIREMENTS)
    good, bad = "", ""
    if first.kind is Kind.VERDICT:
        good, bad = _verdict(text)
    return Wish(tuple(kinds), text, _is_fenced(first.kind, "\n".join(texts)), good, bad)


def _asks(text: str) -> list[_Ask]:
    """Everything that `text` speaks of, from 0 (in a question) and 1 (at all) to 4 (nothing else will do)."""
    found = [] if not _verdict(text)[0] else [_Ask(Kind.VERDICT, 4, 0)]
    for at, sentence in enumerate(_sentences(text), start=1):
        asking = _ASKING.search(sentence)
        for kind, mention in _MENTIONS.items():
            for match in mention.finditer(sentence):
                before = sentence[max(0, match.start() - _REACH) : match.start()]
                if not _REFUSED.search(before):
                    found.append(_Ask(kind, _strength(sentence, before, match.end()), at))
        if (
            asking
            and _CODE.search(sentence, asking.end())
            and not _REFUSED.search(sentence[: asking.start()])
        ):
            found.append(_Ask(Kind.PYTHON, 2, at))
    return found


def _sentences(text: str) -> Iterator[str]:
    # What the application is to do is no wish for the answer.
    without_idea = _IDEA.sub("", text)
    text = without_idea if without_idea.strip() else text
    for sentence in _SENTENCE.split(_FENCED.sub("", text)):
        # What begins like data is not said but shown.
        if not sentence.lstrip().startswith(('"', "'", "{", "[{", "<")):
            yield sentence


def _strength(sentence: str, before: str, end: int) -> int:
    asked = _ASKING.search(before) is not None
    if sentence.rstrip().endswith("?"):
        return 2 if asked else 0
    strict = _STRICTLY.search(before) or _FORM_AFTER.match(sentence, end)
    if strict and (asked or re.search(r"\bformat\b", sentence, re.IGNORECASE)):
        return 4
    return 3 if asked else 1


def _verdict(text: str) -> tuple[str, str]:
    """The good word that an answer is to begin with and the bad one, with their label; '' where none is."""
    plain = "\n".join(_sentences(text))
    if labelled := _LABELLED.search(plain):
        label = labelled["label"]
        bad = re.search(rf"{re.escape(label)}[\"'`*]*({_BAD})\b", plain)
        return label + labelled["word"], label + bad[1] if bad else ""
    if said := _SAID.search(plain):
        bad = _UNLABELLED_BAD.search(plain)
        return said["quoted"] or said["plain"] or said["low"], bad[0] if bad else ""
    return "", ""


def _is_fenced(kind: Kind, text: str) -> bool:
    sentences = _SENTENCE.split(text)
    refused = [sentence for sentence in sentences if _FENCE_REFUSED.search(sentence)]
    if any(_FENCE_WANTED.search(sentence) for sentence in sentences if sentence not in refused):
        return True
    return not refused and kind not in (Kind.JSON, Kind.YAML)
