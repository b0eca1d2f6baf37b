"""A mismatch: one thing in which candidate and control differ, or an expectation that was not met."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["Kind", "Layer", "Mismatch"]


class Layer(StrEnum):
    """What was compared, in the order in which a difference explains the next."""

    OUTCOME = "outcome"
    CONVERSATION = "conversation"
    BLACKBOARD = "blackboard"
    FILES = "files"
    TIMING = "timing"


class Kind(StrEnum):
    """In what way something differs."""

    MISSING = "missing"
    """The control has it, the candidate has not."""
    EXTRA = "extra"
    """The candidate has it, the control has not."""
    CHANGED = "changed"
    """Both have it, with other content."""
    COSMETIC = "cosmetic"
    """Source that differs in layout and comments only; still not the same bytes."""
    SWAPPED = "swapped"
    """Two files have each other's content."""
    PROMPT_DRIFT = "prompt drift"
    """The model was asked the same thing in other words."""
    OPTIONS_DRIFT = "options drift"
    """The model was asked with other options, or another model was."""
    ANSWER_DRIFT = "answer drift"
    """The model gave another answer to the same request: no fault of either engine."""
    REPEATED = "repeated"
    """The candidate asked for one piece of work more or less often than the control."""
    ERROR = "error"
    """A call ended otherwise: with an error, or without one."""
    FAILED = "failed"
    """One of the two failed or left something broken, and the other did not, or not in the same way."""
    EXPECTATION = "expectation"
    """The spec expects something that was not seen."""


class Mismatch(BaseModel):
    """One mismatch. `sentence` says it to a person; `control` and `candidate` are short renderings.

    `follows` marks what an earlier mismatch can explain: it counts, but is not where to look first.
    """

    model_config = ConfigDict(frozen=True)

    layer: Layer
    kind: Kind
    path: str
    """What it is about: `developer:Cart#1`, `files_created[3]`, `cart.py`."""
    sentence: str
    control: str | None = None
    candidate: str | None = None
    follows: bool = False
