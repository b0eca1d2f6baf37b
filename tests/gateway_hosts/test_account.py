"""What is said of the hosts of a run when it is over."""

from __future__ import annotations

from pathlib import Path

from harness.compare.hosts import use_of_hosts
from harness.compare.timing_mismatches import timing_not_judged
from harness.gateway.calls import Outage, RunLog
from harness.record import HostUse
from harness.run_account import hosts_used
from tests.compare.records import make_call, make_record

A, B = "http://a:11434", "http://b:11434"
OUT = Outage(host=B, from_s=3.24, to_s=8, reason=f"cannot reach Ollama at {B}")
CALLS = (
    make_call(number=1, granted_s=0.5, end_s=2.0).model_copy(update={"host": A}),
    make_call(number=2, granted_s=2.0, end_s=4.0).model_copy(update={"host": A, "moved_from": ("b: no",)}),
    make_call(number=3, granted_s=2.0, end_s=3.0).model_copy(update={"host": B}),
    make_call(number=4, granted_s=None, end_s=3.0, status=503, error="no host is left"),
)
LOG = RunLog(
    run="r",
    slots=4,
    began_s=0,
    ended_s=9,
    malformed=0,
    other_requests=0,
    outages=(OUT,),
    calls=CALLS,
)
USED = (
    HostUse(host=A, calls=2, generating_s=3.5),
    HostUse(host=B, calls=1, generating_s=1.0, outages=(OUT,)),
    HostUse(host="http://c:11434", calls=0, generating_s=0.0),
)


def test_a_run_counts_calls_seconds_and_outages_of_every_host_that_was_named() -> None:
    assert hosts_used(f"{A}#2,{B}#2,http://c:11434#1", LOG) == USED


def test_a_single_address_is_no_list_of_hosts() -> None:
    assert hosts_used(A, LOG) == ()
    assert hosts_used(None, LOG) == ()


def test_a_comparison_tells_of_the_hosts_and_does_not_judge_times_where_one_was_left_out(
    tmp_path: Path,
) -> None:
    record = make_record(tmp_path, calls=CALLS)
    assert list(use_of_hosts(record, "control")) == []
    object.__setattr__(record, "summary", record.summary.model_copy(update={"hosts": USED}))
    assert list(use_of_hosts(record, "control")) == [
        f"the control was answered by {A} (2 calls, 3.5 s generating), {B} (1 call, 1.0 s generating), "
        "http://c:11434 (0 calls, 0.0 s generating); 1 moved on from a host that failed",
        f"for the control {B} was left out from 3.2 s to 8.0 s: cannot reach Ollama at {B}",
    ]
    other = make_record(tmp_path, calls=CALLS)
    assert timing_not_judged(other, other) is None
    assert timing_not_judged(other, record) == f"for the candidate {B} was left out for a time"


def test_outages_keep_their_place_beside_the_calls_where_a_clock_begins_later() -> None:
    """That of an external engine begins with its first call."""
    calls = tuple(call.model_copy(update={"arrival_s": 2.0}) for call in CALLS)
    (outage,) = LOG.model_copy(update={"calls": calls}).since_first_call().outages
    assert (round(outage.from_s, 2), outage.to_s) == (1.24, 6.0)
