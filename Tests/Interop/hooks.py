"""A receiver of webhooks that behaves as a test tells it to."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from waiting import until


@dataclass
class Hooked:
    headers: dict
    raw: bytes
    status: int
    """What it was answered with."""
    at: float

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def body(self):
        return json.loads(self.raw)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Connections break when the gateway is killed; that is what the tests are for."""


class Hooks:
    def __init__(self, answer=lambda headers, body: 200):
        """
        :param answer: gives a status, or a status and header fields, to the headers and the body of a request.
        """
        self.requests = []
        self.answer = answer
        self.lock = threading.Lock()
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = hooks.answer(headers, raw)
                status, fields = answer if isinstance(answer, tuple) else (answer, {})
                with hooks.lock:
                    hooks.requests.append(Hooked(headers, raw, status, time.monotonic()))
                body = f"status {status}".encode()
                lines = [f"HTTP/1.1 {status} x", f"content-length: {len(body)}"]
                lines += [f"{name}: {value}" for name, value in fields.items()]
                self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def accepted(self):
        with self.lock:
            return [request for request in self.requests if 200 <= request.status < 300]

    def wait_for(self, count, deadline=20.0):
        """At least so many requests."""
        until(lambda: len(self.requests) >= count, lambda: f"{count} requests; got {len(self.requests)}", deadline)
        return self.requests

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
