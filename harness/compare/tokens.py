"""What a run cost, by role and module and in total: tokens, time and answers that were asked for again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from harness.gateway.calls import CallRecord
from harness.record import RunRecord

__all__ = ["TokenCount", "added", "count_tokens"]


class TokenCount(BaseModel):
    """What the calls of one role for one module took; a call that did not say counts as none."""

    model_config = ConfigDict(frozen=True)

    role: str
    module: str | None
    """None where the role works on the whole project."""
    calls: int
    prompt: int
    """Tokens in."""
    output: int
    """Tokens out."""
    again: int = 0
    """How many of the calls went on with a conversation, after a refusal or a review."""
    generating_s: float = 0.0
    """From the slot to the last byte, summed over the calls."""


def count_tokens(record: RunRecord) -> tuple[TokenCount, ...]:
    """The counts of `record`, in the order in which each role first asked for each module."""
    grouped: dict[tuple[str, str | None], list[CallRecord]] = {}
    for call in record.calls:
        grouped.setdefault((call.role, call.module), []).append(call)
    return tuple(_counted(role, module, calls) for (role, module), calls in grouped.items())


def added(counts: Iterable[TokenCount], role: str, module: str | None) -> TokenCount:
    """The sum of `counts`, under the name of `role` and `module`."""
    listed = list(counts)
    return TokenCount(
        role=role,
        module=module,
        calls=sum(count.calls for count in listed),
        prompt=sum(count.prompt for count in listed),
        output=sum(count.output for count in listed),
        again=sum(count.again for count in listed),
        generating_s=sum(count.generating_s for count in listed),
    )


def _counted(role: str, module: str | None, calls: Sequence[CallRecord]) -> TokenCount:
    return TokenCount(
        role=role,
        module=module,
        calls=len(calls),
        prompt=sum(call.prompt_tokens or 0 for call in calls),
        output=sum(call.output_tokens or 0 for call in calls),
        again=sum(call.attempt > 1 for call in calls),
        generating_s=sum(call.end_s - call.granted_s for call in calls if call.granted_s is not None),
    )
