"""The hosts of the model: what is to be known of them where there were several."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gateway.calls import Outage
from harness.record import RunRecord

__all__ = ["hosts_left_out", "use_of_hosts"]


def hosts_left_out(record: RunRecord) -> list[str]:
    """The hosts that were left out for a time."""
    return [use.host for use in record.summary.hosts if use.outages]


def use_of_hosts(record: RunRecord, side: str) -> Iterator[str]:
    """What each host did in a run, and who was left out and when, a sentence each."""
    hosts = record.summary.hosts
    if not hosts:
        return
    shares = ", ".join(
        f"{use.host} ({use.calls} call{'' if use.calls == 1 else 's'}, {use.generating_s:.1f} s generating)"
        for use in hosts
    )
    moved = sum(bool(call.moved_from) for call in record.calls)
    yield f"the {side} was answered by {shares}" + (
        f"; {moved} moved on from a host that failed" * bool(moved)
    )
    for use in hosts:
        for outage in use.outages:
            yield f"for the {side} {use.host} was left out {_when(outage)}: {outage.reason}"


def _when(outage: Outage) -> str:
    ends = "until the end" if outage.to_s is None else f"to {outage.to_s:.1f} s"
    return f"from {outage.from_s:.1f} s {ends}"
