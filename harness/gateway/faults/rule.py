"""A fault rule: which calls are spoilt, and how; `role=developer,module=Cart,attempt=1:500` as text."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents.roles import Role
from harness.gateway.lane import UNKNOWN_ROLE, Lane

__all__ = ["FaultKind", "FaultRule", "FaultRuleError", "parse_fault"]

_ROLES = (*(role.value for role in Role), UNKNOWN_ROLE)


class FaultRuleError(Exception):
    """A text that is no fault rule; one sentence that says what is wrong and what would be right."""


class FaultKind(StrEnum):
    """What goes wrong with a call. The value is its name in a rule."""

    ERROR = "500"
    BUSY = "503"
    HANG = "hang"
    CUT = "cut"
    GARBAGE = "garbage"
    SLOW = "slow"
    EMPTY = "empty"


_KINDS = ", ".join("slow:5x" if kind is FaultKind.SLOW else kind.value for kind in FaultKind)
_WANTED = {
    "role": f"one of {', '.join(_ROLES)}",
    "module": "the name of a module, without ',' and ':'",
    "attempt": "a whole number from 1",
    "times": "a whole number from 1",
    "p": "a number above 0 and up to 1",
    "seed": "a whole number",
}
"""The keys of conditions, in the order of the canonical text, each with what its value has to be."""


def _known_role(role: str) -> str:
    if role not in _ROLES:
        raise ValueError(f"must be {_WANTED['role']}")
    return role


def _writable(module: str) -> str:
    if not module or module != module.strip() or "," in module or ":" in module:
        raise ValueError(f"must be {_WANTED['module']}")
    return module


class FaultRule(BaseModel):
    """Which calls are spoilt, and how; a condition that is None holds for every call.

    The rule acts `times` times at most in a run for the calls of one role about one module, whatever their
    attempt, so that a retry can succeed. `p` is the share of calls it acts on, and `seed` picks them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    factor: float | None = Field(default=None, gt=1, allow_inf_nan=False)
    """How many times as late every chunk of a slow answer comes; None for every other kind."""
    role: Annotated[str, AfterValidator(_known_role)] | None = None
    module: Annotated[str, AfterValidator(_writable)] | None = None
    attempt: int | None = Field(default=None, ge=1)
    times: int | None = Field(default=None, ge=1)
    p: float | None = Field(default=None, gt=0, le=1)
    seed: int = 0

    @model_validator(mode="after")
    def _says_nothing_in_vain(self) -> Self:
        if (self.factor is None) == (self.kind is FaultKind.SLOW):
            raise ValueError("slow has a factor, and nothing else has one: say slow:5x")
        if self.seed and self.p is None:
            raise ValueError("a seed says nothing without a probability: add p=0.5")
        return self

    def fits(self, lane: Lane) -> bool:
        """Whether the rule is about the calls of `lane`; `times` and `p` are not looked at."""
        return (
            self.role in (None, lane.role)
            and self.module in (None, lane.module)
            and self.attempt in (None, lane.attempt)
        )

    @property
    def text(self) -> str:
        """The canonical text, from which `parse_fault` makes an equal rule."""
        fields = (
            ("role", self.role),
            ("module", self.module),
            ("attempt", self.attempt),
            ("times", self.times),
            ("p", _shortest(self.p)),
            ("seed", self.seed or None),
        )
        conditions = ",".join(f"{key}={value}" for key, value in fields if value is not None)
        factor = f":{_shortest(self.factor)}x" if self.factor is not None else ""
        return (f"{conditions}:" if conditions else "") + self.kind.value + factor

    def __str__(self) -> str:
        return self.text


def parse_fault(text: str) -> FaultRule:
    """The rule that `text` says: `key=value,...:kind`, where the conditions may be left out.

    Raises `FaultRuleError`.
    """
    conditions, kind, factor = _parts(text)
    if kind not in tuple(FaultKind):
        raise _error(text, f"{kind!r} is no kind of fault: end with one of {_KINDS}")
    fields = _conditions(text, conditions)
    if factor is not None:
        if not factor.endswith("x"):
            raise _bad_factor(text, factor)
        fields["factor"] = factor.removesuffix("x")
    try:
        return FaultRule.model_validate({"kind": kind, **fields})
    except ValidationError as problem:
        first = problem.errors()[0]
    if not first["loc"]:
        raise _error(text, first["msg"].removeprefix("Value error, "))
    match str(first["loc"][0]):
        case "factor":
            raise _bad_factor(text, factor or "")
        case key:
            raise _error(text, f"{key}={fields[key]} is out of place: {key} is {_WANTED[key]}")


def _parts(text: str) -> tuple[str, str, str | None]:
    """(conditions, kind, factor); only the factor of a slow answer has a colon before it and is no kind."""
    before, _, last = (part.strip() for part in text.rpartition(":"))
    conditions, _, kind = (part.strip() for part in before.rpartition(":"))
    if kind == FaultKind.SLOW:
        return conditions, kind, last
    return before, last, None


def _conditions(text: str, conditions: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for condition in conditions.split(",") if conditions else ():
        key, equals, value = (part.strip() for part in condition.partition("="))
        if not equals:
            raise _error(text, f"{condition.strip()!r} is no condition: say key=value")
        if key not in _WANTED:
            raise _error(text, f"there is no condition {key!r}: say one of {', '.join(_WANTED)}")
        if key in fields:
            raise _error(text, f"{key} is given twice: give it once")
        fields[key] = value
    return fields


def _bad_factor(text: str, factor: str) -> FaultRuleError:
    return _error(text, f"{factor!r} is no factor: say slow:5x, with any number above 1")


def _error(text: str, reason: str) -> FaultRuleError:
    return FaultRuleError(f"fault rule {text!r}: {reason}")


def _shortest(number: float | None) -> str | None:
    """The shortest text that is read back as `number`."""
    return None if number is None else repr(number).removesuffix(".0")
