"""Reading data as prompts show it: JSON that is nearly JSON, with `...`, options and hints in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import JsonValue

__all__ = ["Hint", "Unreadable", "read_data"]

_MOST_DEPTH = 20
_BLANK = re.compile(r"(?:[\s,;]|//[^\n]*|#[^\n]*)*")
_TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'')
_BARE = re.compile(r"(?:(?!\s(?:#|//))[^\n,\]}])*")
_KEY = re.compile(r"([\w.-]+)\s*:")
_MORE_OPTIONS = re.compile(r"\s*(?:\||\bor\b)\s*")
_REMARK = re.compile(r"[^\n,\]}\"']*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WORDS: dict[str, JsonValue] = {"true": True, "false": False, "null": None, "True": True, "False": False}


class Unreadable(Exception):
    """What stands there is not data."""


class Hint(str):
    """What stands without quotes for a value and says what it should be: `0-100 integer`."""

    __slots__ = ()


def read_data(text: str, at: int) -> tuple[JsonValue, int]:
    """The object or list that begins at `at`, and where it ends; raises `Unreadable`."""
    reader = _Reader(text, at)
    return reader.value(0), reader.at


@dataclass
class _Reader:
    text: str
    at: int

    def value(self, depth: int) -> JsonValue:
        if depth > _MOST_DEPTH:
            raise Unreadable
        self._skip()
        match self.text[self.at : self.at + 1]:
            case "{":
                return self._object(depth)
            case "[":
                return self._list(depth)
            case '"' | "'":
                return self._options()
        bare = self._take(_BARE).strip()
        if _NUMBER.fullmatch(bare):
            return float(bare) if "." in bare else int(bare)
        return _WORDS[bare] if bare in _WORDS else Hint(bare)

    def _object(self, depth: int) -> JsonValue:
        self.at += 1
        made: dict[str, JsonValue] = {}
        while not self._closes("}"):
            if self._is_left_out():
                continue
            key = self._text() if self.text[self.at] in "\"'" else self._bare_key()
            self._skip()
            if self.text[self.at : self.at + 1] == ":":
                self.at += 1
            made[key] = self.value(depth + 1)
            self._take(_REMARK)
        return made

    def _list(self, depth: int) -> JsonValue:
        self.at += 1
        made: list[JsonValue] = []
        while not self._closes("]"):
            if not self._is_left_out():
                made.append(self.value(depth + 1))
                self._take(_REMARK)
        return made

    def _closes(self, bracket: str) -> bool:
        self._skip()
        if self.at >= len(self.text) or self.text[self.at] in "]}":
            if self.text[self.at : self.at + 1] != bracket:
                raise Unreadable
            self.at += 1
            return True
        return False

    def _is_left_out(self) -> bool:
        """Whether three dots stand here for more of the same."""
        left_out = self.text.startswith(("...", "…"), self.at)
        if left_out:
            self.at += 1 if self.text[self.at] == "…" else 3
        return left_out

    def _options(self) -> JsonValue:
        """A text, or texts with `|` between them, which are options."""
        found = [self._text()]
        while (more := _MORE_OPTIONS.match(self.text, self.at)) and self.text[more.end() :][:1] in ('"', "'"):
            self.at = more.end()
            found.append(self._text())
        return "|".join(found)

    def _text(self) -> str:
        match = _TEXT.match(self.text, self.at)
        if match is None:
            raise Unreadable
        self.at = match.end()
        return (match[1] if match[1] is not None else match[2] or "").replace('\\"', '"').replace("\\n", "\n")

    def _bare_key(self) -> str:
        match = _KEY.match(self.text, self.at)
        if match is None:
            raise Unreadable
        self.at = match.end()
        return match[1]

    def _skip(self) -> None:
        self._take(_BLANK)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]
