from __future__ import annotations

import pytest

from harness.gateway.calls import CallRecord, RunLog
from harness.gateway.canonical import CanonicalRequest

REQUEST = CanonicalRequest.from_payload({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
RECORD = CallRecord(
    run="r",
    number=1,
    endpoint="/api/chat",
    model="m",
    stream=True,
    role="analyst",
    module=None,
    attempt=1,
    request_hash=REQUEST.hash,
    request=REQUEST,
    response="Hello \u2603",
    arrival_s=-0.5,
    granted_s=1.0,
    first_byte_s=1.25,
    end_s=3.0,
    prompt_tokens=1,
    output_tokens=None,
    load_s=None,
    prompt_eval_s=0.25,
    eval_s=None,
    status=200,
    error=None,
    done_reason="stop",
)


def test_a_log_survives_the_way_through_json() -> None:
    log = RunLog(run="r", slots=2, began_s=5.0, ended_s=9.5, malformed=1, other_requests=2, calls=(RECORD,))
    assert RunLog.model_validate_json(log.model_dump_json()) == log
    assert log.wall_s == 4.5


@pytest.mark.parametrize(("granted_s", "queued_s", "generating_s"), [(1.0, 1.5, 2.0), (None, 3.5, 0.0)])
def test_queueing_and_generating_share_the_time_of_a_call(
    granted_s: float | None, queued_s: float, generating_s: float
) -> None:
    """A call that never got a slot queued until its end."""
    record = RECORD.model_copy(update={"granted_s": granted_s})
    assert (record.queued_s, record.generating_s) == (queued_s, generating_s)
