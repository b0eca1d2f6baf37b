"""A collector that is sent spans."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from harness.compare.text import one_line
from harness.errors import SurroundingsError
from harness.record import RunRecord
from harness.report.otlp.endpoint import Endpoint
from harness.report.otlp.spans import resource_spans

__all__ = ["Collector"]

# Far below what a collector takes in one request (4 MB is the least that is usual).
_SPANS_AT_ONCE = 500

_HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
"""Where OpenTelemetry has keys for collectors, which no command line should show; the first set counts."""


class Collector:
    """The collector at `endpoint`; a context manager, so that its connection is closed."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        self._endpoint = endpoint
        self._client = httpx.Client(timeout=timeout_s, headers=_headers_from_environment())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, record: RunRecord, spans: Sequence[Span]) -> None:
        """Send `spans`, which are of `record`; `SurroundingsError` where they are not all taken."""
        for first in range(0, len(spans), _SPANS_AT_ONCE):
            some = resource_spans(record, spans[first : first + _SPANS_AT_ONCE])
            problem = self._post(ExportTraceServiceRequest(resource_spans=[some]))
            if problem is not None:
                raise SurroundingsError(
                    f"--otlp: the collector at {self._endpoint.shown} did not take the spans of run "
                    f"{record.summary.id}: {problem}"
                )

    def _post(self, message: ExportTraceServiceRequest) -> str | None:
        """Why `message` was not taken whole, or None where it was."""
        headers = {"content-type": "application/x-protobuf"}
        try:
            answer = self._client.post(
                self._endpoint.url, content=message.SerializeToString(), headers=headers
            )
        except httpx.TimeoutException:
            return f"it did not answer within {self._client.timeout.read:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"it cannot be reached: {one_line(str(error)) or type(error).__name__}"
        if not answer.is_success:
            return f"it answered {answer.status_code} {one_line(answer.reason_phrase)}".rstrip()
        return _refusal(answer)


def _refusal(answer: httpx.Response) -> str | None:
    """Why a collector that answered did not take all spans, or None where it did."""
    try:
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    except DecodeError:
        # A collector that answers in words of its own has taken them; a page was made for people.
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        return "a web page answers there, and no collector" if is_page else None
    if partial.rejected_spans:
        return f"it rejected {partial.rejected_spans}: {one_line(partial.error_message)}"
    return None


def _headers_from_environment() -> dict[str, str]:
    """The headers that OpenTelemetry's own variables name: `key=value` pairs, with commas between."""
    text = next((value for name in _HEADERS if (value := os.environ.get(name))), "")
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {unquote(key).strip(): unquote(value).strip() for key, _, value in pairs}
