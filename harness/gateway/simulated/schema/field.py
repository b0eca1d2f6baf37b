"""A field of an answer in JSON, and the text that belongs into it, told from its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import JsonValue

from harness.gateway.simulated.mark import digest
from harness.gateway.simulated.subject import Subject, Topic
from harness.gateway.simulated.words import camel, singular, spoken, word_set, words

__all__ = ["Field"]

_FILES = word_set("filename file path filepath")
_NAMES = word_set("name title module class label component project app heading subject key")
_PROSE = word_set(
    "description summary spec specification purpose responsibility detail text content overview explanation "
    "rationale reason reasoning comment message remark note suggestion body answer response goal prompt"
)
_KINDS = word_set("type kind category")
_NEEDS = word_set("requires require dependency depends needs need imports import uses")
_FUNCTIONS = word_set("function method api endpoint operation")
_PROBLEMS = word_set(
    "issue problem error warning violation finding bug vulnerability correction blocker defect failure risk"
)
_SCORES = word_set("score quality rating confidence grade coverage")
_GOOD = word_set(
    "approved approve passed pass accepted accept success successful ok valid yes true done ready secure "
    "runnable lgtm complete correct"
)
_SET = word_set("port version year entrypoint language command runtime")
"""What stays as an example has it."""
_PLACEHOLDER = re.compile(
    r"\.\.\.|…|[<\[{].*[>\]}]|^\W*$|^(?:string|str|text|value|any|null|none|optional|required|foo|bar|example)\b|"
    r"\b(?:your|here|clear|detailed|list of|what|name of|e\.g|string)\b",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"^[\w/. -]*\w(?P<extension>\.(?:py|html|css|js|md|txt|json|yaml|yml|toml|sql))$")
_CAMEL = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]*)*")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|[a-z]+")
_MOST_KEPT_WORDS = 3
_MADE = {
    "email": "{word}@example.com",
    "url": "https://example.com/{word}",
    "link": "https://example.com/{word}",
    "date": "2025-01-15",
    "day": "2025-01-15",
    "time": "09:30",
    "timestamp": "2025-01-15T09:30:00Z",
    "version": "1.0.0",
    "id": "{word}-{number}",
    "colour": "#336699",
    "color": "#336699",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value stands: its key, what it is about, what an example has there, and how deep it lies."""

    key: str
    topic: Topic
    example: JsonValue = None
    depth: int = 0
    path: str = ""

    @property
    def word(self) -> str:
        """The last word of the key, in the singular."""
        found = words(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.key).replace("_", " "))
        # `depends_on` and `listed_in` say it before.
        found = [w for w in found if w not in ("on", "in", "of", "by")] or [""]
        return found[-1] if found[-1] in _NEEDS else singular(found[-1])

    @property
    def names_problems(self) -> bool:
        """Whether it lists what is wrong: there is nothing."""
        return self.word in _PROBLEMS

    @property
    def is_score(self) -> bool:
        """Whether more is better."""
        return self.word in _SCORES

    @property
    def is_set(self) -> bool:
        """Whether an example means what it says there."""
        return self.word in _SET

    @property
    def is_prose(self) -> bool:
        """Whether it holds sentences."""
        return self.word in _PROSE

    @property
    def is_free(self) -> bool:
        """Whether its text may say more: an address, a file or a kind may not."""
        return self.word not in _KINDS | _NEEDS | _FILES | _MADE.keys() | {"signature"}

    def members(self, subject: Subject) -> tuple[Topic, ...]:
        """What a list in this field goes through."""
        if self.word in _FUNCTIONS:
            return subject.functions
        if self.word in _NEEDS:
            return tuple(subject.by_name[name] for name in self.topic.requires)
        return subject.modules

    def choice(self, options: list[JsonValue], chance: int) -> JsonValue:
        """One of the values that there may be: that of the topic, a good one, or any."""
        # Where nothing is called data, a service keeps it.
        fitting = (self.topic.kind, "service") if self.word in _KINDS and self.topic.kind else ()
        kind = next((known for known in fitting if known in options), None)
        good = [o for o in options if str(o).lower() in _GOOD]
        return kind or (good[0] if good else options[chance % len(options)])

    def text(self, subject: Subject) -> str:
        """The text for it."""
        example = self.example if isinstance(self.example, str) else ""
        topic, word = self.topic, self.word
        extension = _EXTENSION.match(example)
        if word in _FILES or (extension and (word in _NEEDS or word in _KINDS | _NAMES | {"order"})):
            stem = topic.filename.removesuffix(".py") or topic.name.lower()
            return stem + (extension["extension"] if extension else ".py")
        if word == "signature":
            return topic.signature or f"{topic.name.lower()}() -> dict"
        if word in _NAMES or word in _NEEDS:
            return _styled(topic.name, example)
        if word in _KINDS and topic.kind:
            return topic.kind
        if self.is_prose:
            return topic.description
        if word in _MADE and not example:
            return _MADE[word].format(word=topic.name.lower(), number=1 + digest(self.path) % 99)
        if example and not _PLACEHOLDER.search(example) and len(example.split()) <= _MOST_KEPT_WORDS:
            return example
        return f"The {spoken(self.key) or 'value'} of {spoken(topic.name)}"


def _styled(name: str, example: str) -> str:
    """A name in the manner of an example: `ModuleName`, `module_name` or in words."""
    if _SNAKE.fullmatch(example) and ("_" in example or "-" in example):
        joint = "_" if "_" in example else "-"
        return joint.join(words(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " "))) or name
    return camel(name.replace(" ", "_")) if _CAMEL.fullmatch(example) and " " in name else name
