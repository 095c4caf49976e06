"""What an operator learns of jobs: counters at /metrics, spans at a collector, and nothing of what they are about."""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from classwright_server.http.serving import http_app
from classwright_server.jobs.telemetry import start_telemetry
from classwright_tools.errors import InvalidInput
from support.server import TASK, ServerProcess, call, call_failing, make_settings, rows, topics, writes_sentences
from support.writing import ScriptedEndpoint

pytestmark = pytest.mark.anyio
TOKEN = "0123456789abcdef0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
OF_JOBS = (
    "classwright_jobs_total", "classwright_rows_total", "classwright_tokens_total", "classwright_lane_jobs",
    "classwright_call_duration_seconds_count",
)  # fmt: skip


class Collector:
    """A collector of OpenTelemetry on a loopback socket: it keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Keep quiet."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.take(self.path, gzip.decompress(body) if self.headers["content-encoding"] else body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            self.spans.append(ExportTraceServiceRequest.FromString(body))
        else:
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))

    @contextmanager
    def running(self) -> Iterator[Collector]:
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        yield self
        self._server.shutdown()
        self._server.server_close()


def counted(page: str) -> dict[tuple[str, ...], float]:
    """The counters of jobs on a page of /metrics, by name and labels."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels) if not label.startswith("otel_"))): (
            sample.value
        )
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name in OF_JOBS
    }


async def write_and_fail(url: str) -> str:
    """Make a tree and four texts, fail to train with an encoder that is not there; return the writing job's id."""
    async with (
        httpx.AsyncClient(headers=HEADERS, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        await call(client, "propose_topics", {**TASK, **topics(1)}, wait_seconds=50)
        written = await call(client, "synthesize_examples", task="support", rows=4, wait_seconds=50)
        assert written["result"]["accepted"] == 4
        await call_failing(client, "train_classifier", task="support", encoder="nobody/nothing", wait_seconds=50)
        await call_failing(client, "evaluate", model="support-m9")
        with pytest.raises(MCPError, match="support-d99"):
            await client.read_resource("classwright://support/datasets/support-d99")
        return str(written["job_id"])


async def test_jobs_move_the_counters_and_nothing_that_leaves_names_a_task_a_text_or_an_id(tmp_path: Path) -> None:
    with ScriptedEndpoint(writes_sentences) as endpoint, Collector().running() as collector:
        flags = ("--writer-url", endpoint.url, "--writer-model", "scripted", "--metrics", "--token-env", "TOKEN")
        environment = {"TOKEN": TOKEN, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        with ServerProcess(tmp_path, *flags, environment=environment) as server:
            page_url = server.url.replace("/mcp", "/metrics")
            job_id = await write_and_fail(server.url)
            unknown = httpx.get(page_url, trust_env=False)
            page = httpx.get(page_url, headers=HEADERS, trust_env=False).text
            foreign = httpx.get(page_url, headers={**HEADERS, "Host": "evil.example"}, trust_env=False)

    found = counted(page)
    assert found["classwright_jobs_total", "completed", "synthesize_examples"] == 1
    assert found["classwright_jobs_total", "completed", "propose_topics"] == 1
    assert found["classwright_jobs_total", "failed", "train_classifier"] == 1
    assert found["classwright_rows_total", "accepted", "synthesize_examples"] == 4
    assert found["classwright_tokens_total", "out", "synthesize_examples"] > 0
    assert re.search(r'^classwright_failed_logins_total\{.*status="401"\} 1\.0$', page, re.MULTILINE)
    assert (unknown.status_code, foreign.status_code) == (401, 421)

    spans = [
        span
        for request in collector.spans
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert {"job synthesize_examples", "tools/call synthesize_examples", "resources/read"} <= {s.name for s in spans}
    assert any(b"classwright.rows" in request.SerializeToString() for request in collector.metrics)
    # The word "support" is the task's slug and the stem of its artifacts' ids; "ticket" is in every text.
    told = [page, *map(str, spans), *map(str, collector.metrics)]
    for secret in ("support", job_id, "ticket", "refund", TOKEN):
        assert not any(secret in words for words in told)


async def test_jobs_that_wait_and_calls_that_are_no_jobs_are_on_the_page_too(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--metrics", "--jobs", "none") as server:
        async with Client(server.url) as client:
            await call(client, "propose_topics", TASK)
            for _ in range(2):
                await call(client, "import_examples", task="support", split="train", rows=rows(4), wait_seconds=0)
        found = counted(httpx.get(server.url.replace("/mcp", "/metrics"), trust_env=False).text)

    assert found["classwright_call_duration_seconds_count", "completed", "propose_topics"] == 1
    lanes = {key[1:]: jobs for key, jobs in found.items() if key[0] == "classwright_lane_jobs"}
    assert lanes == {(lane, state): 0 for lane in ("short", "long", "writing") for state in ("waiting", "running")} | {
        ("short", "waiting"): 2
    }


async def test_there_is_no_page_unless_the_operator_asks_for_it(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(http_app(make_settings(tmp_path), {}))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8931") as client:
        answers = [(await client.get(path)).status_code for path in ("/health", "/metrics")]

    assert answers == [200, 404]


def test_telemetry_that_cannot_be_had_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(InvalidInput, match=r"classwright\[telemetry\]"):
        start_telemetry({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, page=False)
    with pytest.raises(InvalidInput, match="Use http/protobuf"):
        start_telemetry({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, page=False)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        },
    ],
)
def test_nothing_is_exported_unless_the_standard_variables_ask_for_it(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)  # what any export needs
    start_telemetry(environment, page=False)
