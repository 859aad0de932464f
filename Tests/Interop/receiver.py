"""An HTTP server on a free port that keeps what it gets."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from waiting import until


@dataclass
class Received:
    method: str
    target: str
    headers: dict
    body: bytes
    at: float
    """`time.perf_counter()` when the body was complete."""

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Receiver:
    """Answers every request with `status` and an empty body."""

    def __init__(self, status=200):
        self.requests = []
        self.status = status
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Received(self.command, self.path, headers, body, time.perf_counter()))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def wait_for(self, matches, what, deadline=20.0):
        """The first request for which `matches(request)` holds."""
        return until(
            lambda: next((request for request in list(self.requests) if matches(request)), None),
            lambda: f"{what}; got {[(request.target, request.body[:200]) for request in self.requests]}",
            deadline,
            pause=0.002,
        )

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
