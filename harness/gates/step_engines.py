"""The engines that a step is about: what its evidence must have compared with what."""

from __future__ import annotations

from dataclasses import dataclass

from async_arch.composition import Generation
from harness.engines.composition import parse_engine
from harness.errors import BadInputError
from harness.evidence import Evidence
from harness.flags import FlagValues, PinnedFlags, Step

__all__ = ["StepEngines", "async_engine", "engines_of", "legacy_engine"]


@dataclass(frozen=True, slots=True)
class StepEngines:
    """Control and candidate of a step, by the names that `harness compare` takes."""

    control: str
    candidate: str

    def served_by(self, evidence: Evidence) -> bool:
        """Whether `evidence` is of a build that the candidate was to serve."""
        try:
            return parse_engine(evidence.candidate_engine) == parse_engine(self.candidate)
        except BadInputError:
            return False

    def compared_by(self, evidence: Evidence) -> bool:
        """Whether `evidence` is of these two. Where the control kept its state makes no difference."""
        try:
            control = parse_engine(evidence.control_engine)
        except BadInputError:
            return False
        return control.family == "legacy" and self.served_by(evidence)


def engines_of(step: Step) -> StepEngines:
    """Before phase 2 the candidate is legacy with its state elsewhere, from then on async as it will be."""
    candidate = legacy_engine(step.after) if step.phase.number == 1 else async_engine(step.after)
    return StepEngines("legacy", candidate)


def legacy_engine(values: FlagValues | PinnedFlags) -> str:
    """The legacy engine with its state where the flags say."""
    return f"legacy:state_store={values.state_store}"


def async_engine(values: FlagValues | PinnedFlags) -> str:
    """The async engine as the flags compose it."""
    generation = f",generation={values.generation}" if values.generation is not Generation.LLM else ""
    return (
        f"async:state_store={values.state_store},agent_calls={values.agent_calls},"
        f"orchestration={values.orchestration}{generation}"
    )
