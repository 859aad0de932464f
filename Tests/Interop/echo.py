"""`socketio-echo`, the server on the target SocketIO alone, and what speaks to it packet by packet."""

import json
import os
import subprocess
import time
from contextlib import contextmanager

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from processes import ROOT, free_port
from waiting import until

BINARY = ROOT / os.environ.get("SOCKETIO_ECHO_BINARY", ".build/debug/socketio-echo")
PING_INTERVAL = 300
PING_TIMEOUT = 200
MAX_PAYLOAD = 1_000_000
SEPARATOR = "\x1e"


class Echo:
    """The server, with the times that the official protocol suites ask for."""

    def __init__(self, ping_interval=PING_INTERVAL, ping_timeout=PING_TIMEOUT, connect_timeout=1000):
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [
                BINARY,
                "--port", str(self.port),
                "--ping-interval", str(ping_interval),
                "--ping-timeout", str(ping_timeout),
                "--connect-timeout", str(connect_timeout),
                "--max-payload", str(MAX_PAYLOAD),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.http = requests.Session()
        self.http.trust_env = False
        try:
            until(self._answers, "socketio-echo listens")
        except BaseException:
            self.close()
            raise

    def _answers(self):
        try:
            return self.http.get(self.base_url + "/", timeout=1).status_code
        except requests.RequestException:
            assert self.process.poll() is None, "socketio-echo has ended"
            return None

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Wire:
    """One path of the server, spoken to by hand."""

    def __init__(self, base_url, path):
        self.base_url = base_url
        self.path = path

    def url(self, query):
        return f"{self.base_url}{self.path}?{query}"

    def request(self, method, query, body=None, headers=None):
        """On a connection of its own."""
        with requests.Session() as http:
            http.trust_env = False
            return http.request(method, self.url(query), data=body, headers=headers, timeout=5)

    def get(self, query):
        return self.request("GET", query)

    def handshake(self):
        answer = self.get("EIO=4&transport=polling")
        assert answer.status_code == 200, answer.text
        assert answer.text[0] == "0"
        return json.loads(answer.text[1:])

    def open(self):
        """Opens a polling session."""
        return Polling(self, self.handshake()["sid"])

    @contextmanager
    def socket(self, query="EIO=4&transport=websocket", **options):
        """A WebSocket that has read nothing."""
        with connect(
            self.url(query).replace("http", "ws", 1), proxy=None, open_timeout=5, close_timeout=2, max_size=None,
            ping_interval=None, compression=None, **options
        ) as socket:
            yield Frames(socket)

    @contextmanager
    def opened(self):
        """A session on a WebSocket, its handshake read."""
        with self.socket() as socket:
            assert socket.receive()[0] == "0"
            yield socket


class Polling:
    """A session that polls."""

    def __init__(self, wire, sid):
        self.wire = wire
        self.sid = sid
        self.query = f"EIO=4&transport=polling&sid={sid}"

    def poll(self):
        return self.wire.request("GET", self.query)

    def push(self, body, headers=None):
        return self.wire.request("POST", self.query, body, headers or {"Content-Type": "text/plain;charset=UTF-8"})

    def packets(self):
        answer = self.poll()
        assert answer.status_code == 200, answer.text
        return answer.text.split(SEPARATOR)

    @property
    def is_alive(self):
        """By a POST that says nothing: a GET would wait."""
        return self.push("6").status_code == 200


class Frames:
    """A WebSocket, its pings answered only where a test does it."""

    def __init__(self, socket):
        self.socket = socket

    def send(self, data):
        self.socket.send(data)

    def receive(self, timeout=3):
        return self.socket.recv(timeout)

    def receive_other(self, than="2", timeout=3):
        """The next that is no ping; pings are answered."""
        while True:
            data = self.receive(timeout)
            if data != than:
                return data
            self.send("3")

    def close_code(self, timeout=3):
        """Reads until the other side closes, which it does within seconds of now."""
        return self._read_to_the_end(timeout)

    def wait_for_close(self, timeout=3):
        """The other side closes, and not because nobody answers its pings."""
        assert self._read_to_the_end(timeout, answers=True) is not None

    def _read_to_the_end(self, timeout, answers=False):
        limit = time.monotonic() + timeout
        try:
            while True:
                if self.socket.recv(max(0.001, limit - time.monotonic())) == "2" and answers:
                    self.send("3")
        except ConnectionClosed:
            return self.socket.protocol.close_code
