"""A run as OpenTelemetry spans: the run, in it its tasks, in them their calls to the model.

Names and attributes follow the semantic conventions for generative AI; what these do not know is under
`harness.`. Nothing that was said to a model or by one is in them, and no reason in words, which may quote it.

The messages are made without OpenTelemetry's SDK: what ended long ago needs no tracer, and wherever the SDK
is installed, the Redis client loads it with itself, in every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from harness.gateway.calls import CallRecord
from harness.gateway.canonical import Endpoint
from harness.record import OutcomeStatus, RunRecord
from harness.report.task_spans import TaskEnd, TaskSpan, began, task_spans

__all__ = ["resource_spans", "spans_of"]

Value = str | bool | int | float | Sequence[str] | None
"""What an attribute is; one that is None is left out."""

_PROJECT = "agentfactory-migration-harness"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPERATIONS = {Endpoint.CHAT: "chat", Endpoint.GENERATE: "text_completion"}
# Options of the Ollama API by what the conventions call them.
_NUMBERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "num_predict": "max_tokens",
}


def resource_spans(record: RunRecord, spans: Sequence[Span]) -> ResourceSpans:
    """`spans`, which are of `record`, with what is to be known of all of them."""
    summary = record.summary
    about: dict[str, Value] = {
        "service.name": "harness",
        "service.version": version(_PROJECT),
        "harness.run": summary.id,
        "harness.spec": summary.spec,
        "harness.engine": summary.engine,
        "harness.model": summary.model.kind,
        "harness.slots": summary.slots,
    }
    about |= {f"harness.composition.{flag}": choice for flag, choice in summary.composition.items()}
    scope = InstrumentationScope(name=_PROJECT, version=version(_PROJECT))
    return ResourceSpans(
        resource=Resource(attributes=_pairs(about)), scope_spans=[ScopeSpans(scope=scope, spans=spans)]
    )


def spans_of(record: RunRecord) -> list[Span]:
    """The spans of `record`, each before those in it."""
    return list(_Run(record).spans())


class _Run:
    """A run that is told as spans.

    The ids follow from the run's own: sent twice, it is the same trace and not a second one.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._trace_id = self._drawn("trace", 16)
        self._begin_ns = (began(record) - _EPOCH) // timedelta(microseconds=1) * 1000

    def spans(self) -> Iterator[Span]:
        summary, tasks = self._record.summary, task_spans(self._record)
        root = self._span(
            "run",
            f"invoke_workflow {summary.spec}",
            min((0.0, *(task.start_s for task in tasks))),
            max((summary.wall_s, *(task.end_s for task in tasks))),
            {
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": summary.spec,
                "gen_ai.request.model": summary.model.name,
                "harness.outcome": summary.outcome.status.value,
                "harness.startup_s": summary.startup_s,
            },
            failed=summary.outcome.status if summary.outcome.status is not OutcomeStatus.FINISHED else None,
        )
        yield root
        for place, task in enumerate(tasks):
            span = self._task(place, task, root)
            yield span
            for call in task.calls:
                yield self._call(call, span)

    def _task(self, place: int, task: TaskSpan, run: Span) -> Span:
        return self._span(
            f"task {place}",
            f"invoke_agent {task.role}",
            task.start_s,
            task.end_s,
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": task.role,
                "gen_ai.provider.name": "ollama",
                "harness.task": task.task,
                "harness.task.end": task.end.value,
                "harness.module": task.module,
            },
            parent=run,
            failed=task.end if task.end in (TaskEnd.FAILED, TaskEnd.CUT_OFF) else None,
        )

    def _call(self, call: CallRecord, task: Span) -> Span:
        about = _about(call)
        kind = str(call.status) if call.status != 200 else "incomplete_answer"
        span = self._span(
            f"call {call.number}",
            f"{about['gen_ai.operation.name']} {call.model}",
            call.arrival_s,
            call.end_s,
            about,
            parent=task,
            failed=kind if call.error is not None else None,
        )
        span.kind = Span.SPAN_KIND_CLIENT
        if call.granted_s is not None:
            span.events.add(name="slot granted", time_unix_nano=self._ns(call.granted_s))
        return span

    def _span(
        self,
        key: str,
        name: str,
        start_s: float,
        end_s: float,
        about: Mapping[str, Value],
        *,
        parent: Span | None = None,
        failed: str | None = None,
    ) -> Span:
        """A span, whose id follows from `key`; `failed` is the type of the error where it is one."""
        return Span(
            trace_id=self._trace_id,
            span_id=self._drawn(key, 8),
            parent_span_id=parent.span_id if parent else b"",
            name=name,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=self._ns(start_s),
            end_time_unix_nano=self._ns(end_s),
            attributes=_pairs({**about, "error.type": failed}),
            status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
        )

    def _drawn(self, what: str, size: int) -> bytes:
        return hashlib.sha256(f"{self._record.summary.id} {what}".encode()).digest()[:size]

    def _ns(self, at_s: float) -> int:
        return self._begin_ns + round(at_s * 1e9)


def _about(call: CallRecord) -> dict[str, Value]:
    endpoint, options = call.request.endpoint, call.request.options
    numbers = {f"gen_ai.request.{name}": options.get(option) for option, name in _NUMBERS.items()}
    first_s = None if call.first_byte_s is None or not call.stream else call.first_byte_s - call.arrival_s
    return {
        "gen_ai.operation.name": "embeddings" if endpoint.embeds else _OPERATIONS[endpoint],
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": call.model,
        "gen_ai.request.stream": call.stream,
        **{name: number for name, number in numbers.items() if isinstance(number, int | float)},
        "gen_ai.output.type": "json" if call.request.format is not None else None,
        "gen_ai.response.time_to_first_chunk": first_s,
        "gen_ai.response.finish_reasons": None if call.done_reason is None else [call.done_reason],
        "gen_ai.usage.input_tokens": call.prompt_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "http.response.status_code": call.status,
        "harness.call": call.number,
        "harness.role": call.role,
        "harness.module": call.module,
        "harness.attempt": call.attempt,
        "harness.queued_s": call.queued_s,
        "harness.request": call.request_hash,
        "harness.fault": call.fault,
    }


def _pairs(about: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in about.items() if value is not None]


def _value(value: str | bool | int | float | Sequence[str]) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
    return AnyValue(array_value=ArrayValue(values=map(_value, value)))
