"""The model of a spec."""

from __future__ import annotations

import math
import re
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from agents.plan import ModuleHint, ModuleType, name_problem, requirement_problems
from agents.project import Order

__all__ = ["Expectations", "ModuleSpec", "Spec"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _two(value: object) -> object:
    if isinstance(value, list) and len(value) != 2:
        raise ValueError("must be a pair, two names of modules")
    return value


Pair = Annotated[tuple[str, str], Field(strict=False), BeforeValidator(_two)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _usable_option(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be a number, a text, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must be a number that JSON has, not {value}")
    return value


Option = Annotated[bool | int | float | str, BeforeValidator(_usable_option)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModuleSpec(_Strict):
    """A module that the plan must hold; what is left out is for the analyst to decide."""

    name: str
    module_type: Annotated[ModuleType | None, Field(strict=False)] = None
    description: str = ""
    requires: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @field_validator("name")
    @classmethod
    def _usable(cls, name: str) -> str:
        problem = name_problem(name)
        if problem:
            raise ValueError(problem)
        return name

    @property
    def hint(self) -> ModuleHint:
        """The module as the analyst is told of it."""
        return ModuleHint(self.name, self.module_type, " ".join(self.description.split()), self.requires)


class Expectations(_Strict):
    """What a comparison must show beyond equality."""

    modules: Annotated[int | None, Field(ge=1)] = None
    """The least number of modules that must be built."""
    parallel: Annotated[tuple[Pair, ...], Field(strict=False)] = ()
    """Pairs of modules that the concurrent engine must generate at the same time."""
    min_speedup: Annotated[float | None, Field(gt=0)] = None
    """The least speed-up of a concurrent candidate over a sequential control."""


class Spec(_Strict):
    """One thing to build, with both engines."""

    name: str
    idea: Text
    model: Annotated[str | None, Field(min_length=1)] = None
    """The model's name for Ollama."""
    options: dict[str, Option] = Field(default_factory=dict)
    """Options of the model, such as `temperature` or `num_ctx`, passed on as they are."""
    modules: Annotated[tuple[ModuleSpec, ...], Field(strict=False)] = ()
    expect: Expectations = Expectations()

    @field_validator("name")
    @classmethod
    def _usable(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"spec name {name!r} is not usable: letters, digits, '.', '_' and '-' only, "
                "a letter or digit first, at most 64"
            )
        return name

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        names = [module.name for module in self.modules]
        lowered = [name.lower() for name in names]
        for index, module in enumerate(self.modules):
            if lowered.index(module.name.lower()) < index:
                raise _incoherent(f"module name {module.name!r} is used twice", "modules", index, "name")
            if module.name in module.requires:
                raise _incoherent(f"module {module.name} requires itself", "modules", index, "requires")
            unknown = [needed for needed in module.requires if needed not in names]
            if unknown:
                reason = f"{unknown[0]!r} is not a module of this spec; there are {', '.join(names)}"
                raise _incoherent(reason, "modules", index, "requires")
        for problem in requirement_problems({module.name: module.requires for module in self.modules}):
            first = next(
                i for i, name in enumerate(names) if name in problem.rpartition(": ")[2].split(" -> ")
            )
            raise _incoherent(problem, "modules", first, "requires")
        for index, pair in enumerate(self.expect.parallel):
            if pair[0] == pair[1]:
                raise _incoherent(f"{pair[0]!r} is paired with itself", "expect", "parallel", index)
            unknown = [name for name in pair if names and name not in names]
            if unknown:
                reason = f"{unknown[0]!r} is not a module of this spec; there are {', '.join(names)}"
                raise _incoherent(reason, "expect", "parallel", index)
        return self

    @property
    def order(self) -> Order:
        """What the engines are asked for."""
        return Order(self.idea, tuple(module.hint for module in self.modules))


def _incoherent(reason: str, *location: str | int) -> PydanticCustomError:
    """An error about how parts of a spec fit together, with the place of the part that is wrong."""
    return PydanticCustomError("incoherent", "{reason}", {"reason": reason, "location": location})
