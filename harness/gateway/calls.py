"""What is kept of the calls of a run: a record per call, and the log of the whole run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.gateway.canonical import CanonicalRequest

__all__ = ["CLIENT_GONE", "CallRecord", "Outage", "RunLog", "RunMarks", "RunProgress"]

CLIENT_GONE = 499
"""The status of a call whose caller went away before the answer was whole (Ollama's own choice of number)."""


class CallRecord(BaseModel):
    """One call to the model, timed at the gateway. Times are seconds since the run's begin."""

    model_config = ConfigDict(frozen=True)

    run: str
    number: int
    """The order of arrival in the run, from 1."""
    endpoint: str
    model: str
    stream: bool
    role: str
    module: str | None
    attempt: int
    request_hash: str
    request: CanonicalRequest
    response: str
    """The text of the answer, as far as it came."""

    arrival_s: float
    """When the request had arrived whole; negative for a call that came before the run's begin."""
    granted_s: float | None
    """When it got its slot; None if it never did."""
    first_byte_s: float | None
    """When the first byte of the answer went to the caller; None if none did."""
    end_s: float
    """When the last byte had gone, or the call was given up."""

    prompt_tokens: int | None
    output_tokens: int | None
    load_s: float | None
    prompt_eval_s: float | None
    eval_s: float | None
    """The model's own account; None where it gave none."""

    status: int
    """The HTTP status that went to the caller; 499 if the caller went away first."""
    error: str | None
    """Why no whole answer came; None if one did. A stream can have status 200 and an error."""
    done_reason: str | None

    fault: str | None = None
    """The fault rule that acted on this call."""
    cassette_line: int | None = None
    """The line of the cassette that answered or, where none did, that is nearest to the request."""
    repeated_answer: bool = False
    """Whether the cassette's answers to this request were used up and the last one was given again."""
    not_recorded: bool = False
    """Whether the call was made against a cassette that does not hold its request."""
    nearest_request: CanonicalRequest | None = None
    """The recorded request nearest to one that was not recorded."""
    host: str | None = None
    """The URL of the host that answered, where there are several."""
    moved_from: tuple[str, ...] = ()
    """Why the hosts that were asked before did not answer, a sentence each."""

    @property
    def queued_s(self) -> float:
        """How long the call waited for a slot."""
        return (self.end_s if self.granted_s is None else self.granted_s) - self.arrival_s

    @property
    def generating_s(self) -> float:
        """How long the call held a slot."""
        return 0.0 if self.granted_s is None else self.end_s - self.granted_s


class Outage(BaseModel):
    """A time in which one of several hosts got no calls. Times are seconds since the run's begin."""

    model_config = ConfigDict(frozen=True)

    host: str
    """Its URL."""
    from_s: float
    to_s: float | None
    """None where it was not back when the run ended."""
    reason: str


class RunMarks(BaseModel):
    """The marks of an ended run on the gateway's monotonic clock, and what no record tells."""

    model_config = ConfigDict(frozen=True)

    run: str
    slots: int
    began_s: float
    ended_s: float
    malformed: int
    """Requests to the model that the gateway could not read; a server behind it said itself what it made of
    them."""
    other_requests: int
    """Requests to other endpoints (tags, version and, with a real Ollama, whatever it offers)."""
    outages: tuple[Outage, ...] = ()
    """When hosts were left out, where there are several; of a resumed run those of its last sitting."""

    @property
    def wall_s(self) -> float:
        """How long the run took."""
        return self.ended_s - self.began_s


class RunLog(RunMarks):
    """A run that has ended, with all its calls in the order of their arrival."""

    calls: tuple[CallRecord, ...]

    def since_first_call(self) -> RunLog:
        """This run as if it had begun when its first call came; itself where none did."""
        if not self.calls:
            return self
        later_s = self.calls[0].arrival_s
        return self.model_copy(
            update={
                "began_s": self.began_s + later_s,
                "calls": tuple(_earlier(call, later_s) for call in self.calls),
                "outages": tuple(_outage_earlier(outage, later_s) for outage in self.outages),
            }
        )


def _earlier(call: CallRecord, by_s: float) -> CallRecord:
    """`call` with every time of it less by so much."""
    times: dict[str, float | None] = {
        "arrival_s": call.arrival_s,
        "granted_s": call.granted_s,
        "first_byte_s": call.first_byte_s,
        "end_s": call.end_s,
    }
    return call.model_copy(
        update={name: None if moment is None else moment - by_s for name, moment in times.items()}
    )


def _outage_earlier(outage: Outage, by_s: float) -> Outage:
    ends_s = None if outage.to_s is None else outage.to_s - by_s
    return outage.model_copy(update={"from_s": outage.from_s - by_s, "to_s": ends_s})


class RunProgress(BaseModel):
    """How far a run has come, for a display."""

    model_config = ConfigDict(frozen=True)

    arrived: int
    queued: int
    generating: int
    finished: int
    failed: int
    """How many of the finished calls have an error."""
