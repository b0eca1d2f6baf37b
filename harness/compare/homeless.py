"""Calls of which nothing tells whose they are, at home again where the control asked with the same words.

A candidate that leaves out what names the role (the system message) or the module (the first message of a
longer conversation) has not left out the call.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.gateway.calls import CallRecord
from harness.gateway.lane import OF_THE_PROJECT, UNKNOWN_ROLE, Lane

__all__ = ["at_home"]


def at_home(control: Sequence[CallRecord], candidate: Sequence[CallRecord]) -> tuple[CallRecord, ...]:
    """The calls of `candidate`, those of nobody in the lane of the control whose last words they repeat."""
    lanes: dict[str, set[Lane]] = {}
    for call in control:
        lane = Lane(call.role, call.module, call.attempt)
        lanes.setdefault(_last_words(call), set()).add(lane)
    return tuple(
        _in_lane(call, lanes.get(_last_words(call), set())) if _is_nobodys(call) else call
        for call in candidate
    )


def _is_nobodys(call: CallRecord) -> bool:
    """Whether the role of `call` is not known, or what module it is for."""
    return call.role == UNKNOWN_ROLE or (call.module is None and call.role not in OF_THE_PROJECT)


def _in_lane(call: CallRecord, lanes: set[Lane]) -> CallRecord:
    if len(lanes) != 1:
        return call
    (lane,) = lanes
    return call.model_copy(update={"role": lane.role, "module": lane.module, "attempt": lane.attempt})


def _last_words(call: CallRecord) -> str:
    return call.request.messages[-1].content if call.request.messages else ""
