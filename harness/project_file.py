"""A project's own settings, `harness.toml`: what may differ, what may be installed, how to compare."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from harness.compare.normalisation import BUILT_IN, PROJECT_RULES, ProjectRule, Rules
from harness.errors import BadInputError
from harness.gates import Criteria, default_criteria
from harness.gates.budgets import Budgets
from harness.spec.toml_document import read_toml_document

__all__ = [
    "CompareTable",
    "ExecuteTable",
    "MigrationTable",
    "NormalisationTable",
    "ProjectFile",
    "read_project_file",
    "requirement",
]

_NAME = Path("harness.toml")

# A name, extras and versions; neither an address nor an option of pip.
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?\s*(\[[\w\s,.-]*\])?\s*((===|~=|==|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*(,\s*(?!$))?)*",
    re.ASCII,
)


def requirement(text: str) -> str:
    """The requirement that `text` names; `BadInputError` where it names none."""
    try:
        return _requirement(text)
    except ValueError as error:
        raise BadInputError(f"--allow {text}: {error}") from error


def _requirement(text: str) -> str:
    if not _REQUIREMENT.fullmatch(text):
        raise ValueError("must be a package with or without versions, such as flask or pytest>=8,<9")
    return text


def _wrong(problem: str, *location: str | int) -> PydanticCustomError:
    return PydanticCustomError(
        "wrong", "{problem}", {"problem": problem, "location": ("normalisation", *location)}
    )


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class NormalisationTable(_Table):
    """What two runs of this project may differ in, beyond the rules that hold everywhere."""

    rule: Annotated[tuple[ProjectRule, ...], Field(strict=False)] = ()
    """Rules of its own; they come before the others."""
    off: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """The ids of rules that do not hold here."""

    @model_validator(mode="after")
    def _names_each_rule_once(self) -> Self:
        for place, name in enumerate(self.off):
            if name not in BUILT_IN.ids:
                close = difflib.get_close_matches(name, BUILT_IN.ids, n=1)
                known = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(BUILT_IN.ids)}"
                raise _wrong(f"there is no rule '{name}'; {known}", "off", place)
        taken = {*BUILT_IN.ids} - {*self.off}
        for place, rule in enumerate(self.rule):
            if rule.id in taken:
                raise _wrong(
                    f"there is a rule '{rule.id}' already; give this one another id", "rule", place, "id"
                )
            taken.add(rule.id)
        return self


class ExecuteTable(_Table):
    """What the generated application may be given when it is executed."""

    allow: Annotated[tuple[Annotated[str, AfterValidator(_requirement)], ...], Field(strict=False)] = ()
    """The requirements that may be installed for it."""


class CompareTable(_Table):
    """How candidates are judged."""

    policy: Literal["auto", "exact", "contract"] = "auto"
    """What is held against them; `auto` goes by the model."""
    margin: float = Field(default=0.1, gt=0, lt=1)
    """By how much of all runs the candidate's may turn out well more seldom."""


class MigrationTable(_Table):
    """What the migration is shown on."""

    specs: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False, min_length=1)] = (
        "examples/",
    )
    """The specs, or folders of them, that commands to bring evidence name."""


class ProjectFile(_Table):
    """All settings of a project; each has a default."""

    normalisation: NormalisationTable = NormalisationTable()
    execute: ExecuteTable = ExecuteTable()
    compare: CompareTable = CompareTable()
    migration: MigrationTable = MigrationTable()
    gates: dict[Literal["1", "2", "3", "4"], Criteria] = Field(default_factory=dict)
    """What must be shown before a step of a phase is taken; what is not said is as by default."""
    watch: Budgets = Budgets()
    """What may go wrong before a step is taken back."""

    @property
    def criteria(self) -> dict[int, Criteria]:
        """The criteria of each phase."""
        return {
            phase: default_criteria(phase).model_copy(
                update=self.gates[key].model_dump(exclude_unset=True) if key in self.gates else {}
            )
            for phase, key in ((1, "1"), (2, "2"), (3, "3"), (4, "4"))
        }

    @property
    def rules(self) -> Rules:
        """The rules of normalisation that hold in this project."""
        return BUILT_IN.with_project(self.normalisation.rule, self.normalisation.off)


_PARTS: dict[str, type[BaseModel]] = {
    "normalisation": NormalisationTable,
    "execute": ExecuteTable,
    "compare": CompareTable,
    "migration": MigrationTable,
    "watch": Budgets,
    **dict.fromkeys(("1", "2", "3", "4"), Criteria),
    **PROJECT_RULES,
}


def read_project_file(path: Path | None = None) -> ProjectFile:
    """The settings in `path`, by default in `harness.toml` here, if there is one.

    Raises `BadInputError` where the file cannot be used.
    """
    if path is None:
        # A link that leads nowhere was put there by somebody, and is not nothing.
        if not os.path.lexists(_NAME):
            return ProjectFile()
        path = _NAME
    return read_toml_document(path, ProjectFile, _PARTS)
