"""The names of the folders that a run of an external engine had to itself: they differ from run to run.

It worked in a private copy, and may name the folder of its result by the clock. Where it wrote these names
down, the comparison puts a word for both in their place, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.record import RunRecord

__all__ = ["OwnPlaces", "own_places"]

# A shorter name of a folder stands for other things too.
_LEAST_TELLING = 8


@dataclass(frozen=True, slots=True)
class OwnPlaces:
    """What is put in place of which name, the longest names first."""

    words: tuple[tuple[str, str], ...] = ()

    def out_of_text(self, text: str) -> str:
        """`text` without the names."""
        for name, word in self.words:
            text = text.replace(name, word)
        return text

    def out_of_bytes(self, content: bytes) -> bytes:
        """`content` without the names."""
        for name, word in self.words:
            content = content.replace(name.encode(), word.encode())
        return content

    def out_of_document(self, value: object) -> object:
        """A JSON document without the names, in keys too."""
        match value:
            case str():
                return self.out_of_text(value)
            case list():
                return [self.out_of_document(member) for member in value]
            case dict():
                return {self.out_of_text(key): self.out_of_document(member) for key, member in value.items()}
        return value


def own_places(record: RunRecord, beside: RunRecord) -> OwnPlaces:
    """The names that `record` had to itself, when it is compared with `beside`."""
    here, there = record.summary.external, beside.summary.external
    if here is None:
        return OwnPlaces()
    words = [(here.workdir, "<its folder>")]
    if here.output and (there is None or there.output != here.output):
        names = (here.output, here.output.rpartition("/")[2])
        words += [(name, "<its output>") for name in names if len(name) >= _LEAST_TELLING]
    return OwnPlaces(tuple(dict(words).items()))
