"""Runs handed to an OpenTelemetry collector as spans, over OTLP with HTTP.

Only what sends spans imports OpenTelemetry's messages, and only then: they take a while to load.
"""

from harness.report.otlp.endpoint import Endpoint
from harness.report.otlp.export import export_compared, export_runs

__all__ = ["Endpoint", "export_compared", "export_runs"]
