"""A mismatch: one thing in which candidate and control differ."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["Kind", "Layer", "Mismatch", "Severity", "by_weight", "following"]


class Layer(StrEnum):
    """What was compared, in the order in which it is reported."""

    OUTCOME = "outcome"
    CONVERSATION = "conversation"
    BLACKBOARD = "blackboard"
    FILES = "files"
    EVENTS = "events"
    TIMING = "timing"
    BEHAVIOUR = "behaviour"


class Kind(StrEnum):
    """In what way something differs."""

    MISSING = "missing"
    """The control has it, the candidate has not."""
    EXTRA = "extra"
    """The candidate has it, the control has not."""
    CHANGED = "changed"
    """Both have it, with other content."""
    COSMETIC = "cosmetic"
    """A file that differs in what means nothing, such as layout; still not the same bytes."""
    SWAPPED = "swapped"
    """Two files have each other's content."""
    RENAMED = "renamed"
    """A file has another name in the candidate, in letter case only or with the same content."""
    PROMPT_DRIFT = "prompt drift"
    """The model was asked the same thing in other words."""
    OPTIONS_DRIFT = "options drift"
    """The model was asked with other options, or another model was."""
    ANSWER_DRIFT = "answer drift"
    """The model gave another answer to the same request: no fault of either engine."""
    REPEATED = "repeated"
    """Both have it, but not equally often."""
    ERROR = "error"
    """A call ended otherwise: with an error, or without one."""
    FAILED = "failed"
    """One of the two failed or left something broken, and the other did not, or not in the same way."""
    HELD_BACK = "held back"
    """Calls that were ready were not made, although the model had a slot free and others were under way."""
    STALLED = "stalled"
    """The engine let time go by in which nothing was under way."""
    BUSY = "busy"
    """The engine's process kept a processor busy with nothing to show for it."""
    LEAKED = "leaked"
    """The engine's process opened something and did not close it."""


class Severity(StrEnum):
    """How much a mismatch matters to whoever uses what was built, the least first.

    The policy `exact` counts every mismatch; `contract` counts what breaks.
    """

    COSMETIC = "cosmetic"
    """Layout, comments, the order of what has none: nobody who runs it can tell."""
    MINOR = "minor"
    """Words that people read: a docstring, the text of a page, a line of a log."""
    MAJOR = "major"
    """It may behave otherwise."""
    BREAKING = "breaking"
    """Something that was promised is gone: a file, a parameter, a route, an application that starts."""


class Mismatch(BaseModel):
    """One mismatch. `sentence` says it to a person; `control` and `candidate` are short renderings.

    `follows` marks what another mismatch can explain: it counts, but is not where to look first.
    """

    model_config = ConfigDict(frozen=True)

    layer: Layer
    kind: Kind
    path: str
    """What it is about: `developer:Cart#1`, `files_created[cart.py]`, `cart.py`."""
    sentence: str
    severity: Severity = Severity.MAJOR
    phase: str | None = None
    """The flag of the migration that is blamed, `state_store` for one; None where that is not known."""
    control: str | None = None
    candidate: str | None = None
    words: str | None = None
    """What differs word by word, where texts do: `the [-old-]{+new+} shop`."""
    follows: bool = False


def by_weight(mismatches: Iterable[Mismatch]) -> list[Mismatch]:
    """`mismatches` with what follows from another last, else the most severe first, else as they came."""
    weights = tuple(Severity)
    return sorted(mismatches, key=lambda found: (found.follows, -weights.index(found.severity)))


def following(mismatches: Iterable[Mismatch]) -> tuple[Mismatch, ...]:
    """`mismatches`, marked as following from another."""
    return tuple(mismatch.model_copy(update={"follows": True}) for mismatch in mismatches)
