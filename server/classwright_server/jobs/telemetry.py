"""Spans and counters of jobs and calls: tool, status, seconds, tokens, rows. Nothing names a task, a text or an id.

They are made through OpenTelemetry's API, which does nothing until `start_telemetry` finds that the operator wants
them: sent to a collector, by the standard OTEL_* variables, or read at /metrics.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

from opentelemetry import metrics, trace

from classwright_server.jobs.messages import Outcome
from classwright_server.jobs.process import JobCancelled
from classwright_server.jobs.turns import Turn
from classwright_tools.errors import InvalidInput
from classwright_tools.work import Lane

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource

SERVICE = "classwright"
SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)
"""The bounds of the histogram of durations."""
CALL_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
"""The same of calls that are answered at once."""
FLUSH_MILLISECONDS = 2000
_NEEDS = "Install it with: pip install 'classwright[telemetry]'."

_tracer = trace.get_tracer(SERVICE)
_meter = metrics.get_meter(SERVICE)
_jobs = _meter.create_counter("classwright.jobs", description="Jobs that ended in this process.")
_seconds = _meter.create_histogram(
    "classwright.job.duration",
    unit="s",
    description="How long they ran, without waiting for their turn.",
    explicit_bucket_boundaries_advisory=SECONDS,
)
_calls = _meter.create_histogram(
    "classwright.call.duration",
    unit="s",
    description="How long calls took that were answered at once, such as classify of a few texts, and are no jobs.",
    explicit_bucket_boundaries_advisory=CALL_SECONDS,
)
_turns: Callable[[], Sequence[Turn]] | None = None


def _lanes(_options: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
    """Yield how many jobs wait and run in each lane; nothing while that cannot be looked up."""
    from sqlalchemy.exc import SQLAlchemyError  # commands that need no server import this file without it

    if _turns is None:
        return
    try:
        turns = _turns()
    except SQLAlchemyError:
        return
    counts = Counter((turn.lane, turn.runs) for turn in turns)
    for lane in get_args(Lane):
        for state, runs in (("waiting", False), ("running", True)):
            yield metrics.Observation(counts[lane, runs], {"lane": lane, "state": state})


_meter.create_observable_gauge(
    "classwright.lane.jobs", [_lanes], description="Jobs of the workspace that wait or run, by lane."
)
_tokens = _meter.create_counter("classwright.tokens", description="Tokens of the writer, in jobs that completed.")
_rows = _meter.create_counter("classwright.rows", description="Rows that were offered to datasets.")


def measured(tool: str, run: Callable[[], Outcome]) -> Outcome:
    """Return what `run` returns, recorded as a span and counted as a job of `tool`.

    A job that another server goes on with, because this one stops, is not counted here.
    """
    started = time.monotonic()
    with _tracer.start_as_current_span(f"job {tool}", record_exception=False, set_status_on_exception=False) as span:
        try:
            outcome = run()
        except JobCancelled:
            _count_job(span, tool, "cancelled", started)
            raise
        _count_job(span, tool, _status(outcome), started)
    count_result(tool, outcome.result or {})
    return outcome


def observe_turns(turns: Callable[[], Sequence[Turn]] | None) -> None:
    """Let the jobs that wait and run be looked up by `turns` from now on; by nothing once they are closed."""
    global _turns  # instruments are the process's own, and so is what they look at
    _turns = turns


def count_call(tool: str, outcome: Outcome, seconds: float) -> None:
    """Count a call of `tool` that was answered at once, after so many seconds."""
    _calls.record(seconds, {"tool": tool, "status": _status(outcome)})


def count_result(tool: str, result: Mapping[str, Any]) -> None:
    """Count the tokens and rows that the `result` of a verb tells."""
    usage = result.get("usage") or {}
    for direction in ("in", "out"):
        if usage.get(f"tokens_{direction}"):
            _tokens.add(usage[f"tokens_{direction}"], {"tool": tool, "direction": direction})
    accepted = result.get("accepted", result.get("imported"))
    if isinstance(accepted, int):
        _rows.add(accepted, {"tool": tool, "outcome": "accepted"})
        _rows.add(_refused(result.get("refused", result.get("skipped"))), {"tool": tool, "outcome": "refused"})


def start_telemetry(environment: Mapping[str, str], *, page: bool) -> None:
    """Begin to export what is measured, as the `environment` says, and for /metrics if its `page` is wanted.

    Raises:
        InvalidInput: that needs a package which is not installed, or a protocol that is not spoken.
    """
    traces, figures = (_is_sent(environment, signal) for signal in ("TRACES", "METRICS"))
    if not (traces or figures or page):
        return
    with _extra():
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource

        resource = Resource.create({SERVICE_NAME: environment.get("OTEL_SERVICE_NAME", SERVICE)})
        readers = [*_sending_readers(figures), *_page_readers(page)]
        if readers:
            from opentelemetry.sdk.metrics import MeterProvider

            metrics.set_meter_provider(MeterProvider(readers, resource))
        if traces:
            _send_spans(resource)


def flush_telemetry() -> None:
    """Send what was measured and not yet sent: a server that is told to stop does not come to Python's own end."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        flush = getattr(provider, "force_flush", None)  # which the API's own, that do nothing, do not have
        if flush:
            flush(FLUSH_MILLISECONDS)


# --- inside


def _status(outcome: Outcome) -> str:
    return "completed" if outcome.error is None else "failed"


def _count_job(span: trace.Span, tool: str, status: str, started: float) -> None:
    kind = {"tool": tool, "status": status}
    span.set_attributes(kind)
    if status == "failed":
        span.set_status(trace.StatusCode.ERROR)
    _jobs.add(1, kind)
    _seconds.record(time.monotonic() - started, kind)


def _refused(refused: Any) -> int:
    """Return how many rows were refused, of their counts by reason or of themselves."""
    return sum(refused.values()) if isinstance(refused, Mapping) else len(refused or ())


def _is_sent(environment: Mapping[str, str], signal: str) -> bool:
    """Whether the standard variables ask to send a signal, by OTLP over HTTP."""
    exporter = environment.get(f"OTEL_{signal}_EXPORTER")
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    asked = exporter == "otlp" or (exporter is None and any(environment.get(name) for name in endpoints))
    if not asked or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    general = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    protocol = environment.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", general)
    if protocol != "http/protobuf":
        raise InvalidInput(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol!r}", "is not spoken", "Use http/protobuf, at the collector's 4318."
        )
    return True


@contextmanager
def _extra() -> Iterator[None]:
    """Turn a missing package into an error that names the extra."""
    try:
        yield
    except ImportError as error:
        raise InvalidInput("telemetry", f"needs the package {error.name!r}, which is not installed", _NEEDS) from error


def _sending_readers(wanted: bool) -> Iterator[MetricReader]:
    if wanted:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        yield PeriodicExportingMetricReader(OTLPMetricExporter())


def _page_readers(wanted: bool) -> Iterator[MetricReader]:
    if wanted:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader

        yield PrometheusMetricReader()


def _send_spans(resource: Resource) -> None:
    """Send the spans, also those that the SDK makes of each request, but not the words of errors in them."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
    from opentelemetry.trace import Status

    class Wordless(OTLPSpanExporter):
        """Sends spans without the descriptions and events, which quote tasks, ids and arguments."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return super().export([_wordless(span) for span in spans])

    def _wordless(span: ReadableSpan) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=span.attributes,
            kind=span.kind,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(Wordless()))
    trace.set_tracer_provider(provider)
