"""Spans of the steps for an OpenTelemetry collector: a span per step, with its phases and engine requests inside.

Where they go is read from the environment, as for every program with OpenTelemetry: OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_EXPORTER_OTLP_HEADERS and so on. A collector that does not answer is reported by the exporter's log, and training
goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from or1_trainer.errors import ConfigError
from or1_trainer.metrics.spans import Span


class SpanExporter:
    """Sends the spans of one rank."""

    def __init__(self, run_dir: Path, rank: int) -> None:
        """Prepare to send; raises `ConfigError` where the extra is not installed."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"watch.opentelemetry: package {error.name} is not installed; install or1-trainer[opentelemetry], or "
                "set it to false"
            ) from error
        about: dict[str, str | int] = {
            "service.name": "or1-trainer",
            "or1.run": run_dir.resolve().name,
            "or1.rank": rank,
        }
        self._provider = TracerProvider(resource=Resource(about), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("or1_trainer")

    def write(self, step: int, begin_ns: int, end_ns: int, spans: Sequence[Span]) -> None:
        """Hand over a step that has ended; it is sent in a thread."""
        from opentelemetry.trace import set_span_in_context

        whole = self._tracer.start_span("step", start_time=begin_ns, attributes={"or1.step": step})
        inside = set_span_in_context(whole)
        for span in spans:
            names = {f"or1.{key}": value for key, value in {"kind": span.kind, **span.attributes}.items()}
            child = self._tracer.start_span(span.name, inside, start_time=span.begin_ns, attributes=names)
            child.end(span.end_ns)
        whole.end(end_ns)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
