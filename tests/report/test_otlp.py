"""Runs as OpenTelemetry spans, as a real server gets them over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from typer.testing import CliRunner

from agents.build import EventKind, TaskEvent
from agents.conversation import Cause
from harness.cli import app
from harness.compare import Comparison, compare
from harness.compare.comparison import Pair, Repeats
from harness.errors import BadInputError, SurroundingsError
from harness.record import RunRecord, RunStore
from harness.report.otlp import Endpoint, export_compared, export_runs
from tests.compare.records import make_call, make_failure, make_record
from tests.compare.rehearsal import SHOP, rehearse_candidate, rehearse_control

SECRET = "the text of a prompt"  # noqa: S105 (none)
BEGAN_NS = 1_714_557_600_000_000_000
"""2024-05-01T10:00:00+00:00."""

Answer = tuple[int, bytes]


class Collector(ThreadingHTTPServer):
    """A collector on a port of its own that keeps what it is sent."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.paths: list[str] = []
        self.keys: list[str | None] = []
        self.requests: list[ExportTraceServiceRequest] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def spans(self) -> list[Span]:
        """All spans, in the order in which they came."""
        scopes = (s for r in self.requests for resource in r.resource_spans for s in resource.scope_spans)
        return [span for scope in scopes for span in scope.spans]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.keys.append(self.headers["x-key"])
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("content-type", "text/html" if answer.startswith(b"<") else "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collecting(status: int = 200, answer: bytes = b"") -> Iterator[Collector]:
    with Collector((status, answer)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as server:
        yield server


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    folder = tmp_path_factory.mktemp("rehearsal")
    return [rehearse_control(folder / "control"), rehearse_candidate(folder / "candidate", slots=2)]


@pytest.fixture
def store(tmp_path: Path, records: list[RunRecord]) -> RunStore:
    store = RunStore(tmp_path / "store")
    for record in records:
        folder = store.folder(record.summary.id)
        folder.mkdir(parents=True)
        store.save(RunRecord(record.summary, record.calls, record.events, None, folder))
    return store


def value(of: AnyValue) -> Any:
    kind = of.WhichOneof("value")
    assert kind is not None
    return [value(part) for part in of.array_value.values] if kind == "array_value" else getattr(of, kind)


def attributes(of: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(of.attributes)
    return {pair.key: value(pair.value) for pair in pairs}


def named(spans: list[Span], operation: str) -> list[Span]:
    return [span for span in spans if attributes(span)["gen_ai.operation.name"] == operation]


def test_a_run_is_a_span_with_its_tasks_in_it_and_in_them_their_calls(
    collector: Collector, records: list[RunRecord]
) -> None:
    record = records[1]
    sent = export_runs([record], Endpoint.parse(collector.url))
    assert collector.paths == ["/v1/traces"]
    spans = {span.span_id: span for span in collector.spans}
    assert len(spans) == len(collector.spans) == sent
    (root,) = named(collector.spans, "invoke_workflow")
    assert root.parent_span_id == b""
    tasks, calls = named(collector.spans, "invoke_agent"), named(collector.spans, "chat")
    assert {span.parent_span_id for span in tasks} == {root.span_id}
    assert len(tasks) == sum(event.kind is EventKind.TASK_COMPLETED for event in record.events)
    assert sorted(attributes(span)["harness.call"] for span in calls) == [c.number for c in record.calls]
    for span in calls:
        about, task = attributes(span), attributes(spans[span.parent_span_id])
        assert task["harness.module"] == about["harness.module"] if "harness.module" in about else True
        assert task["gen_ai.agent.name"] in (about["harness.role"], "reviewer")
    assert len({span.trace_id for span in collector.spans}) == 1
    for span in collector.spans:
        assert span.status.code == Status.STATUS_CODE_UNSET
        if span.parent_span_id:
            parent = spans[span.parent_span_id]
            assert parent.start_time_unix_nano <= span.start_time_unix_nano
            assert span.end_time_unix_nano <= parent.end_time_unix_nano


def test_times_are_those_of_the_day_the_run_was_made(collector: Collector, tmp_path: Path) -> None:
    call = make_call(arrival_s=1.25, granted_s=1.5, end_s=3.0)
    events = [TaskEvent(EventKind.BUILD_STARTED, "2024-05-01T10:00:01+00:00")]
    export_runs([make_record(tmp_path, calls=[call], events=events)], Endpoint.parse(collector.url))
    (root,), (sent,) = named(collector.spans, "invoke_workflow"), named(collector.spans, "chat")
    begin = BEGAN_NS + 1_000_000_000
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (begin, begin + 10_000_000_000)
    assert (sent.start_time_unix_nano, sent.end_time_unix_nano) == (
        begin + 1_250_000_000,
        begin + 3_000_000_000,
    )
    assert [(e.name, e.time_unix_nano) for e in sent.events] == [("slot granted", begin + 1_500_000_000)]


def test_a_call_says_what_the_conventions_want_and_none_of_its_text(
    collector: Collector, tmp_path: Path
) -> None:
    options = {"temperature": 0, "num_predict": 100, "stop": [SECRET]}
    call = make_call(content=SECRET, response=SECRET, options=options, format="json")
    record = make_record(tmp_path, calls=[call], failures=[make_failure(Cause.ANSWER, reason=SECRET)])
    export_runs([record], Endpoint.parse(collector.url))
    (sent,) = named(collector.spans, "chat")
    assert (sent.name, sent.kind) == ("chat m", Span.SPAN_KIND_CLIENT)
    about = attributes(sent)
    expected = {
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.output.type": "json",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.response.finish_reasons": ["stop"],
        "harness.module": "Cart",
    }
    assert {key: about.get(key) for key in expected} == expected
    (resource,) = (part.resource for request in collector.requests for part in request.resource_spans)
    assert attributes(resource)["service.name"] == "harness"
    assert SECRET.encode() not in b"".join(request.SerializeToString() for request in collector.requests)


def test_what_failed_has_the_status_of_an_error_and_says_of_what_type(
    collector: Collector, tmp_path: Path
) -> None:
    calls = [
        make_call("analyst", None, status=503, error="busy"),
        make_call(number=2, error="the stream was cut"),
        make_call("reviewer", number=3),
    ]
    record = make_record(tmp_path, calls=calls, failures=[make_failure(Cause.MODEL)])
    export_runs([record], Endpoint.parse(collector.url))
    found = {
        attributes(span).get("harness.call"): attributes(span)["error.type"]
        for span in collector.spans
        if span.status.code == Status.STATUS_CODE_ERROR
    }
    assert found == {None: "failed", 1: "503", 2: "incomplete_answer"}


def test_a_run_that_is_sent_twice_is_one_trace_and_two_runs_are_two(
    collector: Collector, records: list[RunRecord]
) -> None:
    endpoint = Endpoint.parse(collector.url)
    export_runs(records[:1], endpoint)
    first = {span.span_id for span in collector.spans}
    export_runs(records[:1], endpoint)
    assert {span.span_id for span in collector.spans} == first
    export_runs(records[1:], endpoint)
    assert len({span.trace_id for span in collector.spans}) == 2
    assert first < {span.span_id for span in collector.spans}


def test_keys_for_a_collector_come_from_where_opentelemetry_has_them(
    collector: Collector, records: list[RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "tenant=me, x-key=Bearer%20abc=")
    export_runs(records[:1], Endpoint.parse(collector.url))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-key=another")
    export_runs(records[:1], Endpoint.parse(collector.url))
    assert collector.keys == ["Bearer abc=", "another"]


def test_all_runs_of_a_comparison_are_sent_once(
    collector: Collector, store: RunStore, records: list[RunRecord]
) -> None:
    """Those of its first pairs as well as those that it shows."""
    warm_up = make_record(store.folder("warm-up"))
    store.save(warm_up)
    pair = {"control": "warm-up", "candidate": "candidate"}
    repeats = Repeats.model_construct(pairs=(Pair.model_construct(**pair),), speedup=None)
    comparison = compare(SHOP, *records).model_copy(update={"repeats": repeats})
    export_compared([comparison], store, Endpoint.parse(collector.url))
    resources = [part.resource for request in collector.requests for part in request.resource_spans]
    assert [attributes(resource)["harness.run"] for resource in resources] == [
        "warm-up",
        "candidate",
        "control",
    ]


@pytest.mark.parametrize(
    ("url", "sent_to"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("https://otlp.example/otel/", "https://otlp.example/otel/v1/traces"),
        ("http://localhost:4318/v1/traces", "http://localhost:4318/v1/traces"),
        ("http://me:password@localhost/?key=password", "http://me:password@localhost/v1/traces?key=password"),
    ],
)
def test_the_path_of_the_standard_is_added_and_no_password_is_shown(url: str, sent_to: str) -> None:
    endpoint = Endpoint.parse(url)
    assert endpoint.url == sent_to
    assert "password" not in endpoint.shown
    assert endpoint.shown.endswith("/v1/traces")


@pytest.mark.parametrize(
    "url", ["localhost:4318", "grpc://localhost:4317", "http://", "http://[::1", "http://a:x"]
)
def test_what_is_no_url_of_a_collector_is_bad_input(url: str) -> None:
    with pytest.raises(BadInputError, match=r"^--otlp: not a URL of a collector; give one such as http://"):
        Endpoint.parse(url)


REJECTED = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=3, error_message="too\nold")
).SerializeToString()


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (404, b"", "it answered 404 Not Found"),
        (503, b"", "it answered 503 Service Unavailable"),
        (302, b"", "it answered 302 Found"),
        (200, b"<html></html>", "a web page answers there, and no collector"),
        (200, REJECTED, "it rejected 3: too old"),
    ],
)
def test_a_collector_that_does_not_take_the_spans_is_one_line(
    status: int, answer: bytes, why: str, records: list[RunRecord]
) -> None:
    with collecting(status, answer) as server, pytest.raises(SurroundingsError) as error:
        export_runs(records[:1], Endpoint.parse(server.url), timeout_s=0.5)
    assert str(error.value).startswith(
        f"--otlp: the collector at {server.url}/v1/traces did not take the spans of run control: "
    )
    error.match(f"{why}$")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def _silent() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def _nobody() -> Iterator[str]:
    yield f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (_silent, r"it did not answer within 0\.2 s"),
        (_nobody, r"it cannot be reached: \[Errno \d+\] Connection refused"),
    ],
)
def test_a_collector_that_is_not_there_or_silent_is_one_line(
    place: Callable[[], Any], why: str, records: list[RunRecord]
) -> None:
    with place() as url, pytest.raises(SurroundingsError, match=f"{why}$"):
        export_runs(records[:1], Endpoint.parse(url), timeout_s=0.2)


def test_stored_runs_are_sent_from_the_command_line(store: RunStore, collector: Collector) -> None:
    def invoked(url: str) -> tuple[int, str]:
        words = ["trace", "control", "candidate", "--otlp", url, "--store", str(store.root)]
        result = CliRunner().invoke(app, words)
        return result.exit_code, result.output

    code, text = invoked(collector.url)
    assert (code, text) == (0, f"sent: {len(collector.spans)} spans to {collector.url}/v1/traces\n")
    assert {span.name for span in named(collector.spans, "invoke_workflow")} == {"invoke_workflow shop"}
    assert invoked("localhost:4318")[0] == 2
    collector.answer = (404, b"")
    assert invoked(collector.url)[0] == 3
    assert not list(Path.cwd().glob("*.trace.json"))


def test_a_dead_collector_takes_neither_the_result_nor_its_exit_code(
    store: RunStore,
    records: list[RunRecord],
    collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comparison = compare(SHOP, *records)

    async def run_trial(*_: object, **__: object) -> AsyncIterator[Comparison]:
        yield comparison

    def invoked(url: str) -> tuple[int, str, str]:
        words = ["compare", str(tmp_path / "shop.yaml"), "--otlp", url, "--json", "--store", str(store.root)]
        result = CliRunner().invoke(app, words)
        return result.exit_code, result.stdout, result.stderr

    (tmp_path / "shop.yaml").write_text("name: shop\nidea: a shop\n")
    monkeypatch.setattr("harness.cli.comparing.run_trial", run_trial)
    code, out, err = invoked(collector.url)
    assert (code, err) == (0, f"sent: {len(collector.spans)} spans to {collector.url}/v1/traces\n")
    collector.answer = (404, b"")
    assert invoked(collector.url)[:2] == (code, out)
    failed = invoked(collector.url)[2]
    assert failed.startswith(
        f"harness: --otlp: the collector at {collector.url}/v1/traces did not take the spans"
    )
    assert failed.endswith("it answered 404 Not Found; harness trace RUN --otlp URL sends it again\n")
    refused = invoked("localhost:4318")
    assert refused[:2] == (2, "")


def test_what_sends_no_spans_loads_no_opentelemetry() -> None:
    code = (
        "import sys; from harness.cli import app; import harness.report.otlp; "
        "print([name for name in sys.modules if name.startswith(('opentelemetry.proto', 'google'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "[]\n"
