"""Names that a run had to itself, which differ from run to run, and the words that are put in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.record import RunRecord

__all__ = ["OwnNames", "own_places", "own_run_id"]

# A shorter name stands for other things too.
_LEAST_TELLING = 8


@dataclass(frozen=True, slots=True)
class OwnNames:
    """The names, and what is put in place of which; `found` finds them all, the longest first."""

    words: Mapping[str, str]
    found: re.Pattern[str] | None

    def out_of(self, text: str) -> tuple[str, int]:
        """`text` without the names, and how many there were."""
        if self.found is None or not any(name in text for name in self.words):
            return text, 0
        return self.found.subn(lambda match: self.words[match[0]], text)

    def out_of_all(self, value: object) -> tuple[object, int]:
        """A JSON document without the names, in keys too, and how many there were."""
        if not self.words:
            return value, 0
        match value:
            case str():
                return self.out_of(value)
            case list():
                members = [self.out_of_all(member) for member in value]
                count = sum(times for _, times in members)
                return ([member for member, _ in members] if count else value), count
            case dict():
                inner = {key: self.out_of_all(member) for key, member in value.items()}
                names = {key: self.out_of(key) for key in value}
                if len({name for name, _ in names.values()}) < len(names):
                    # Two keys would become one, and what stands behind one of them be hidden.
                    names = {key: (key, 0) for key in value}
                count = sum(times for _, times in (*inner.values(), *names.values()))
                return ({names[key][0]: inner[key][0] for key in value} if count else value), count
        return value, 0


def own_places(record: RunRecord, beside: RunRecord) -> OwnNames:
    """The names of the folders that `record` had to itself, when it is compared with `beside`.

    An external engine worked in a private copy, and may name the folder of its result by the clock.
    """
    here, there = record.summary.external, beside.summary.external
    if here is None:
        return _names({}, "")
    words = {here.workdir: "<its folder>"}
    if here.output and (there is None or there.output != here.output):
        names = (here.output, here.output.rpartition("/")[2])
        words.update({name: "<its output>" for name in names if len(name) >= _LEAST_TELLING})
    return _names(words, "[^\\W_]")


def own_run_id(record: RunRecord) -> OwnNames:
    """The id of the run of `record`, as a whole word; an id without a digit is taken for any word."""
    name = record.summary.id
    tells = len(name) >= _LEAST_TELLING and re.search(r"\d", name)
    return _names({name: "<id of its run>"} if tells else {}, r"[\w-]")


def _names(words: Mapping[str, str], goes_on: str) -> OwnNames:
    """Names in a text, where no letter that `goes_on` stands before or behind them."""
    if not words:
        return OwnNames(words, None)
    any_name = "|".join(re.escape(name) for name in sorted(words, key=len, reverse=True))
    return OwnNames(words, re.compile(f"(?<!{goes_on})(?:{any_name})(?!{goes_on})"))
