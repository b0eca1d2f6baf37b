"""What the flags say for one run: evaluated once, at its start, through OpenFeature, and pinned to it.

A provider is opened for each run and closed again. One that stays open looks at the file now and then, and
would go on with what it knew for a while after a kill switch was thrown.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from async_arch.composition import AgentCalls, Generation, Orchestration, StateStoreKind
from harness.errors import BadInputError
from harness.flags.flag_values import EngineMode
from harness.flags.installation import Installation, Standing
from harness.flags.ladder import START

__all__ = ["OVERRIDE", "PinnedFlags", "pin_flags"]

OVERRIDE = "HARNESS_FLAG_"
"""What the names of environment variables begin with that set a flag for one run."""

_KINDS: Mapping[str, type[StrEnum]] = {
    "state_store": StateStoreKind,
    "agent_calls": AgentCalls,
    "orchestration": Orchestration,
    "generation": Generation,
    "engine": EngineMode,
}


class PinnedFlags(BaseModel):
    """The flags of one run, which no later move touches."""

    model_config = ConfigDict(frozen=True)

    state_store: StateStoreKind
    agent_calls: AgentCalls
    orchestration: Orchestration
    generation: Generation
    engine: EngineMode
    """`canary` where the spec is among those that async serves; where it is not, `legacy`."""
    canary: int
    """The share that async serves, in percent, whether the spec is among them or not."""
    number: int
    """The move of the flags that they stand as; 0 before the first."""
    finalized: bool = False
    """Whether the way back to JSON has been given up."""
    overridden: tuple[str, ...] = ()
    """The flags that the environment set for this run, as it did."""
    problem: str | None = None
    """Why the flag file was not gone by, and all is on legacy; None where it was."""


_DOMAIN = "agentfactory"
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Evaluated:
    values: dict[str, str]
    problem: str | None


def pin_flags(
    installation: Installation, spec_name: str, environment: Mapping[str, str] = os.environ
) -> PinnedFlags:
    """The flags for a run on the spec of that name; `BadInputError` where the environment is wrong."""
    overrides = _overrides(environment)
    standing = installation.standing()
    found = _evaluate(installation, standing, spec_name)
    while (moved := installation.standing()).number != standing.number:
        # Evaluated while they moved: nobody knows from which side of the move.
        standing, found = moved, _evaluate(installation, moved, spec_name)
    problem = standing.problem or found.problem
    values = found.values if problem is None else START.model_dump(exclude={"canary"})
    return PinnedFlags.model_validate(
        {
            **values,
            **overrides,
            "canary": standing.values.canary if problem is None else 0,
            "number": standing.number,
            "finalized": standing.finalized,
            "overridden": tuple(f"{OVERRIDE}{flag.upper()}={value}" for flag, value in overrides.items()),
            "problem": problem,
        }
    )


def _overrides(environment: Mapping[str, str]) -> dict[str, str]:
    overrides = {}
    for name, value in environment.items():
        if not name.startswith(OVERRIDE):
            continue
        flag = name.removeprefix(OVERRIDE).lower()
        if flag not in _KINDS:
            known = ", ".join(f"{OVERRIDE}{other.upper()}" for other in _KINDS)
            raise BadInputError(f"{name}: there is no such flag; there are {known}")
        if value not in list(_KINDS[flag]):
            raise BadInputError(f"{name}: {flag} is one of {', '.join(_KINDS[flag])}, not {value!r}")
        overrides[flag] = value
    return overrides


def _evaluate(installation: Installation, standing: Standing, spec_name: str) -> _Evaluated:
    """What OpenFeature makes of the flag file for a spec; the start where nothing has been moved yet."""
    start = _Evaluated({flag: str(getattr(START, flag)) for flag in _KINDS}, None)
    if standing.problem is not None or standing.last is None:
        return start
    # Here, as it takes a while to load and most commands do not ask for a flag.
    from openfeature import api
    from openfeature.contrib.provider.flagd import FlagdProvider
    from openfeature.contrib.provider.flagd.config import ResolverType
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.exception import OpenFeatureError
    from openfeature.provider.no_op_provider import NoOpProvider

    provider = FlagdProvider(
        resolver_type=ResolverType.FILE, offline_flag_source_path=str(installation.flag_file), deadline_ms=50
    )
    with _ONE_AT_A_TIME:
        try:
            api.set_provider_and_wait(provider, _DOMAIN)
            client = api.get_client(_DOMAIN)
            context = EvaluationContext(targeting_key=spec_name)
            values = {}
            for flag in _KINDS:
                details = client.get_string_details(flag, str(getattr(START, flag)), context)
                if details.error_code is not None:
                    why = details.error_message or details.error_code
                    return _Evaluated(start.values, f"{installation.flag_file}: {flag} cannot be told: {why}")
                values[flag] = details.value
        except OpenFeatureError as error:
            return _Evaluated(start.values, f"{installation.flag_file}: cannot be evaluated: {error}")
        finally:
            # In its place, so that it is shut down.
            api.set_provider(NoOpProvider(), _DOMAIN)
    return _Evaluated(values, None)
