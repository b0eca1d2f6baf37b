"""A rule of normalisation: what two runs may differ in without a mismatch, and by how much at most."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "PROJECT_RULES",
    "DurationRule",
    "KeyedListRule",
    "PlaceRule",
    "ProjectRule",
    "RetriedAttemptRule",
    "Rule",
    "RunIdRule",
    "TimestampRule",
]

_MOST_SLACK_S = 600.0
_MOST_DIFFERENCE_S = 3600.0

# Each of its parts is unlike what stands for one that is not written, and none is taken for another.
_SAMPLE = datetime(2031, 12, 28, 22, 33, 44, tzinfo=UTC)


def _id(text: str) -> str:
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError("must be words in lower case with hyphens between them")
    return text


def _where(text: str) -> str:
    parts = text.split(".")
    if "" in parts:
        raise ValueError("must be keys with dots between them, such as logs.*.timestamp")
    if any("*" in part and part != "*" for part in parts):
        raise ValueError("hides too much: * stands for one whole key or index; name the rest")
    if parts[0] == "*":
        raise ValueError("hides too much: it must begin with the name of a section")
    return text


def _glob(text: str) -> str:
    if not re.search(r"\w", text):
        raise ValueError("hides too much: name a file or what its name ends in, such as *.py")
    return text


def _pattern(text: str) -> str:
    try:
        compiled = re.compile(text, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is no regular expression: {error}") from error
    if compiled.search(""):
        raise ValueError("hides too much: it matches the empty text")
    if compiled.groups > 1:
        raise ValueError("must have one group at most, around what may differ")
    return text


def _format(text: str) -> str:
    if "%Z" in text:
        raise ValueError("must not have %Z, which reads no zone; %z does")
    if _as_read(text).date() != _SAMPLE.date():
        raise ValueError("must tell day, month and year, such as %Y-%m-%d %H:%M:%S")
    return text


def _as_read(form: str) -> datetime:
    """A time as it is read again that was written in `form`; what is not written is lost."""
    try:
        return datetime.strptime(_SAMPLE.strftime(form), form).replace(tzinfo=UTC)
    except (ValueError, re.error) as error:
        raise ValueError("is no format of strptime, such as %Y-%m-%d %H:%M:%S") from error


_Wheres = Annotated[tuple[Annotated[str, AfterValidator(_where)], ...], Field(strict=False)]
_Globs = Annotated[tuple[Annotated[str, AfterValidator(_glob)], ...], Field(strict=False)]
_Keys = Annotated[tuple[str, ...], Field(strict=False)]
_Pattern = Annotated[str, AfterValidator(_pattern)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    id: Annotated[str, AfterValidator(_id)]
    why: str = Field(min_length=1)
    """Why this may differ, in a sentence."""


class _ValueRule(_Rule):
    """A rule for values of the blackboard and for what is written in generated files."""

    where: _Wheres = ()
    """Paths in the blackboard, keys with dots between them; `*` stands for any one key or index."""
    files: _Globs = ()
    """Generated files, as `PurePath.match` takes them: `*.py` is any Python file in any folder."""

    @model_validator(mode="after")
    def _applies_somewhere(self) -> Self:
        if not self.where and not self.files:
            raise ValueError("a rule needs where (paths in the blackboard) or files (generated files)")
        return self

    def is_for_file(self, path: str) -> bool:
        """Whether the rule holds for the generated file at `path`."""
        return any(PurePosixPath(path).match(glob) for glob in self.files)


class _PatternRule(_ValueRule):
    """A rule that finds its values by a regular expression, in texts and files."""

    pattern: _Pattern | None = None
    """What to look for; its group, where it has one, is what may differ. Without it a value counts whole."""

    @model_validator(mode="after")
    def _finds_its_values_in_files(self) -> Self:
        if self.files and self.pattern is None:
            raise ValueError("a rule for files needs a pattern, whose group is what may differ")
        return self


class TimestampRule(_PatternRule):
    """Hides a time within its own run: from its begin to its end, and `slack` about it."""

    kind: Literal["timestamp"]
    format: Annotated[str, AfterValidator(_format)] | None = None
    """How it is written, for strptime; None: ISO 8601 with day, hour, minute and second."""
    slack_before_s: float = Field(default=1.0, ge=0, le=_MOST_SLACK_S)
    """How long before the begin: clocks that are read in whole seconds are late by up to one."""
    slack_after_s: float = Field(default=60.0, ge=0, le=_MOST_SLACK_S)
    """How long after the end: what went before the engine's process began is not part of the times."""

    @property
    def grain_s(self) -> float:
        """How many seconds one written time stands for: a format without minutes tells a whole hour."""
        if self.format is None:
            return 0.0
        lost_s = (_SAMPLE - _as_read(self.format)).total_seconds()
        return next(grain_s for grain_s in (0.0, 60.0, 3600.0, 86400.0) if lost_s <= grain_s)


class DurationRule(_PatternRule):
    """Hides numbers on both sides that differ by no more than `max_difference_s`."""

    kind: Literal["duration"]
    max_difference_s: float = Field(gt=0, le=_MOST_DIFFERENCE_S)
    unit: Literal["s", "ms"] = "s"
    """What the value is written in."""


class RunIdRule(_ValueRule):
    """Hides the id of the run itself, as a whole word."""

    kind: Literal["run-id"]


class PlaceRule(_Rule):
    """Hides the names of the folders that an external engine's run had to itself, everywhere."""

    kind: Literal["place"]


class KeyedListRule(_Rule):
    """Tells the members of a list apart by their keys instead of their places."""

    kind: Literal["keyed-list"]
    where: _Wheres = Field(min_length=1)
    keys: _Keys = ()
    """None of them where a member is told by itself."""
    order: Literal["compared", "ignored"] = "compared"
    """Whether another order of the same members is a mismatch."""


class RetriedAttemptRule(_Rule):
    """Leaves out attempts that failed in passing and were made again."""

    kind: Literal["retried-attempt"]
    section: str
    keys: _Keys = Field(min_length=1)
    """What attempts at the same thing have in common."""
    status: str
    """The status of an attempt that failed in passing."""
    most_in_a_row: int = Field(ge=1)
    """More of them, one after the other, are no passing failure, and none of these is left out."""


ProjectRule = Annotated[TimestampRule | DurationRule | RunIdRule | KeyedListRule, Field(discriminator="kind")]
"""A rule that a project may add."""

PROJECT_RULES: Mapping[str, type[BaseModel]] = {
    "timestamp": TimestampRule,
    "duration": DurationRule,
    "run-id": RunIdRule,
    "keyed-list": KeyedListRule,
}
"""The models of these by kind."""

Rule = Annotated[
    TimestampRule | DurationRule | RunIdRule | PlaceRule | KeyedListRule | RetriedAttemptRule,
    Field(discriminator="kind"),
]
"""Any rule."""
