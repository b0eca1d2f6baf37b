"""The rule file `rules.toml`, the rules that hold for every comparison, and the set of rules of one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.compare.normalisation.rule import ProjectRule, Rule

__all__ = ["BUILT_IN", "Rules"]


class Rules(BaseModel):
    """The rules of a comparison, in the order in which they are applied."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1]
    """The version of the rules' format."""
    rule: Annotated[tuple[Rule, ...], Field(strict=False)]

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the rules."""
        return tuple(rule.id for rule in self.rule)

    def with_project(self, own: Iterable[ProjectRule] = (), off: Iterable[str] = ()) -> Rules:
        """These rules without those named in `off`; before them a project's `own`, which come first."""
        without = frozenset(off)
        kept = (rule for rule in self.rule if rule.id not in without)
        return self.model_copy(update={"rule": (*own, *kept)})


BUILT_IN = Rules.model_validate(
    tomllib.loads(files(__package__ or "").joinpath("rules.toml").read_text(encoding="utf-8"))
)
"""The rules that hold where a project says nothing else."""
