"""Spans for OpenTelemetry, as a collector on this machine receives them from a whole run."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, environment

RECIPE = f"""
name = "spans"
{MICRO}[[stages]]
steps = 2
context_tokens = 20
prompts = 2
group = 2
[eval]
k = 1
every = 0
[checkpoint]
every = 0
[watch]
opentelemetry = true
"""


@pytest.fixture
def collector():
    """An OTLP collector: its address, and the bodies that it got."""
    bodies = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def run(cache, folder, **more):
    from forked import Forked, command_line

    (folder / "spans.toml").write_text(RECIPE)
    words = ["train", str(folder / "spans.toml"), "--run-dir", str(folder / "run")]
    process = Forked(command_line, *words, env={**environment(cache), **more})
    assert process.wait(120) == 0, process.stderr[-3000:]


def received(bodies):
    """(attributes of the resource, spans by id)."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    about, spans = {}, {}
    for path, body in bodies:
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about |= {
                item.key: item.value.string_value or item.value.int_value for item in resource.resource.attributes
            }
            spans |= {span.span_id: span for scope in resource.scope_spans for span in scope.spans}
    return about, spans


def test_a_collector_gets_the_steps_with_their_phases_and_requests(cache, tmp_path, collector):
    address, bodies = collector
    run(cache, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address)
    about, spans = received(bodies)
    assert about["service.name"] == "or1-trainer" and about["or1.run"] == "run" and about["or1.rank"] == 0
    steps = [span for span in spans.values() if span.name == "step"]
    assert [span.attributes[0].value.int_value for span in steps] == [1, 2]
    for step in steps:
        inside = [span for span in spans.values() if span.parent_span_id == step.span_id]
        names = [span.name for span in inside]
        assert {"rollout", "verify", "update", "sync"} <= set(names)
        assert {f"prompt {prompt} sample {sample}" for prompt in (0, 1) for sample in (0, 1)} <= set(names)
        for span in inside:
            assert step.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
            assert span.end_time_unix_nano <= step.end_time_unix_nano


def test_a_run_goes_on_where_no_collector_answers(cache, tmp_path):
    run(cache, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1")
    assert (tmp_path / "run" / "report.html").exists()
