"""Evaluations with tools against a server: calls that it takes out of the text or leaves there, and what is judged."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from or1_eval import Problem, Sampling, Task, evaluate
from or1_eval.cli import main
from or1_eval.engines import EndpointEngine
from or1_eval.tools import tool_environment
from or1_rollout.engines.openai import EndpointSettings
from or1_rollout.environments import TurnLimits

CALL = {"name": "calculator", "arguments": {"expression": "1234*5678"}}
PRODUCT = "7006652"


class Model(BaseHTTPRequestHandler):
    """Asks for a product, and boxes what it is told; in `loop` it never stops asking."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send({"data": [{"id": "caller"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        last = body["messages"][-1]
        if last["role"] == "user" and "tool" not in last["content"] and PRODUCT not in last["content"]:
            return self.ask()
        if self.server.style == "loop":
            return self.ask()
        told = last["content"].strip()
        self.answer({"content": f"It is \\boxed{{{told}}}" if self.server.style != "silent" else "I was told."}, "stop")

    def ask(self):
        arguments = json.dumps(CALL["arguments"])
        if self.server.style == "native":
            call = {"id": "call-1", "type": "function", "function": {"name": CALL["name"], "arguments": arguments}}
            return self.answer({"content": None, "tool_calls": [call]}, "tool_calls")
        self.answer({"content": f"<tool_call>{json.dumps(CALL)}</tool_call>"}, "stop")

    def answer(self, message, reason):
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
        self.send({"choices": [choice], "usage": {"completion_tokens": 7}})

    def send(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    made.bodies, made.style = [], "native"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def run(server, folder=None, tools=("calculator",), **limits):
    settings = EndpointSettings(url=f"http://127.0.0.1:{server.server_address[1]}", stream=False)
    engine = EndpointEngine(settings, environment=tool_environment(tools), limits=TurnLimits(**limits))
    problem = Problem(id="p", prompt="What is 1234*5678?", ground_truth=PRODUCT)
    task = Task(name="products", problems=(problem,), sampling=Sampling(n=2, max_new_tokens=100))
    return evaluate(task, engine, k=2, run_dir=folder)


@pytest.mark.parametrize("style", ["native", "text"])
def test_a_tool_is_called_and_the_last_turn_is_judged(server, style, tmp_path):
    server.style = style
    report = run(server, tmp_path / "run")
    assert report.avg == 1.0
    first, second = server.bodies[0], server.bodies[-1]
    assert first["tools"][0]["function"]["name"] == "calculator"
    assert first["seed"] != second["seed"]
    assert second["max_tokens"] == 93  # what the policy wrote counts, over all turns
    said, told = second["messages"][-2:]
    if style == "native":
        assert said["tool_calls"][0]["id"] == told["tool_call_id"] == "call-1"
        assert told == {"role": "tool", "tool_call_id": "call-1", "content": PRODUCT}
    else:
        assert "<tool_call>" in said["content"] and told == {"role": "user", "content": PRODUCT}
    (samples,) = (tmp_path / "run").rglob("samples*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert {row["answer"] for row in rows} == {f"It is \\boxed{{{PRODUCT}}}"}
    assert {row["num_tokens"] for row in rows} == {14}
    assert all(f"<tool_response>\n{PRODUCT}\n</tool_response>" in row["text"] for row in rows)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "tool_response" in page and PRODUCT in page


def test_what_a_tool_says_is_no_answer(server):
    server.style = "silent"
    assert run(server).avg == 0.0


def test_a_model_that_only_asks_is_truncated(server):
    server.style = "loop"
    report = run(server, turns=3)
    assert (report.avg, report.truncated_rate) == (0.0, 1.0)
    assert len(server.bodies) == 6  # three turns of two samples


def test_the_command_has_tools(server, tmp_path, capsys):
    rows = tmp_path / "products.jsonl"
    rows.write_text(json.dumps({"id": "p", "problem": "What is 1234*5678?", "answer": PRODUCT}) + "\n")
    url = f"http://127.0.0.1:{server.server_address[1]}"
    command = ["run", str(rows), "--endpoint", url, "--no-stream", "--tool", "calculator", "-k", "1", "--quiet"]
    assert main([*command, "-o", str(tmp_path / "run")]) == 0
    assert "100" in capsys.readouterr().out
    assert main([*command, "--tool", "search", "-o", str(tmp_path / "other")]) != 0
