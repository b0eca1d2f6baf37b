"""Lines: a body that comes in chunks, cut at its line ends wherever the chunks were cut."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Lines"]


@dataclass(slots=True)
class Lines:
    """The lines of a body, as far as it came."""

    _rest: list[bytes] = field(default_factory=list)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; the lines that they end, without their ends."""
        if b"\n" not in chunk:
            self._rest.append(chunk)
            return []
        *lines, rest = b"".join([*self._rest, chunk]).split(b"\n")
        self._rest = [rest] if rest else []
        return lines

    def take_rest(self) -> bytes:
        """What came after the last line end; nothing is left of it."""
        rest = b"".join(self._rest)
        self._rest = []
        return rest
