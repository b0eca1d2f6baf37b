"""A change: in what way the content of one file differs, and how much that matters."""

from __future__ import annotations

from dataclasses import dataclass

from harness.compare.mismatch import Kind, Severity

__all__ = ["LAYOUT", "Change"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a kind of file tells of two different texts; `how` follows “differs” in the sentence."""

    severity: Severity
    how: str = ""
    breaks: tuple[str, ...] = ()
    """What was promised and is gone, one clause each."""

    @property
    def kind(self) -> Kind:
        return Kind.COSMETIC if self.severity is Severity.COSMETIC else Kind.CHANGED


LAYOUT = Change(Severity.COSMETIC, " in layout or comments only")
