"""An OpenAI-compatible server that answers by seed, and fails as it is told."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """`fault(n)` may name what goes wrong with the n-th request; requests are kept in `bodies`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.fault = lambda number: None
        self.refuses = set()
        self.reasoning = False
        self.model, self.headers = "the-model", {}
        self.bodies, self.began_at, self.most_at_once, self.at_once = [], [], 0, 0
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""

    def stop(self):
        self.shutdown()
        self.server_close()


def tokens_of(body):
    """What the model says: a function of prompt and seed."""
    start = (body.get("seed", 0) + len(str(body.get("prompt", body.get("messages"))))) % 90
    return [start, start + 1, start + 2][: body.get("max_tokens", body.get("max_completion_tokens", 3))]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.reply(200, json.dumps({"data": [{"id": self.server.model}]}))

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.headers = dict(self.headers)
            number = len(server.bodies)
            server.bodies.append(body)
            server.began_at.append(time.monotonic())
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            self.answer(body, server.fault(number))
        finally:
            with server.lock:
                server.at_once -= 1

    def answer(self, body, fault):
        refused = self.server.refuses & body.keys()
        if refused:
            return self.reply(400, json.dumps({"error": f"unknown field {min(refused)}"}))
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            return self.hang_up()
        if fault == "drop":
            return self.hang_up()
        if fault == "slow":
            time.sleep(0.3)
        if fault == "gather":  # answers once as many requests as 70 are in flight
            deadline_s = time.monotonic() + 20
            while self.server.most_at_once < 70 and time.monotonic() < deadline_s:
                time.sleep(0.01)
        if fault == "hang":
            time.sleep(5)
        if fault == "broken json":
            return self.reply(200, '{"choices": [{"text"')
        if fault == "other json":
            return self.reply(200, '{"hello": 1}')
        if fault == "page":
            return self.reply(200, "<html>Bad gateway</html>")
        if fault == "wait":
            return self.reply(429, "slow down", {"Retry-After": "0.4"})
        if isinstance(fault, int):
            return self.reply(fault, "no")
        if body.get("stream"):
            return self.stream(body, fault)
        return self.reply(200, json.dumps({"choices": [self.whole(body)]}))

    def whole(self, body):
        ids = tokens_of(body)
        text = "".join(chr(33 + token) for token in ids)
        choice = {"finish_reason": "stop" if len(ids) == 3 else "length"}
        if body.get("return_token_ids"):
            choice["token_ids"] = ids
        if "messages" in body:
            choice["message"] = {"content": text, **({"reasoning_content": "hm"} if self.server.reasoning else {})}
            choice["logprobs"] = {"content": [{"logprob": -0.5} for _ in ids]} if "logprobs" in body else None
        else:
            choice["text"] = text
            choice["logprobs"] = {"token_logprobs": [-0.5 for _ in ids]} if "logprobs" in body else None
        return choice

    def stream(self, body, fault):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        ids = tokens_of(body)
        for place, token in enumerate(ids):
            if fault == "cut stream" and place == 1:
                return self.hang_up()
            choice = {"token_ids": [token], "finish_reason": None}
            if "messages" in body:
                choice |= {"delta": {"content": chr(33 + token)}, "logprobs": {"content": [{"logprob": -0.5}]}}
            else:
                choice |= {"text": chr(33 + token), "logprobs": {"token_logprobs": [-0.5]}}
            self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        if fault != "no end":
            last = {"finish_reason": "stop" if len(ids) == 3 else "length", "text": "", "delta": {}}
            self.wfile.write(f"data: {json.dumps({'choices': [last]})}\n\n: a comment\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def hang_up(self):
        self.close_connection = True
        self.connection.close()

    def reply(self, code, text, headers=None):
        content = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
