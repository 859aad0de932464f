"""A client on `/ws`, with a thread that notes when each frame came."""

import json
import threading
import time
from contextlib import ExitStack

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from waiting import until


class Stream:
    """One connection. `key` goes into the `Authorization` header; None: no credentials."""

    def __init__(self, url, key=None, headers=None):
        headers = dict(headers or {})
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self.connection = ExitStack()
        self.socket = self.connection.enter_context(
            connect(url, additional_headers=headers, proxy=None, open_timeout=10, close_timeout=5))
        self.frames = []
        self.arrivals = []
        self.closed = None
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for text in self.socket:
                self.arrivals.append(time.perf_counter())
                self.frames.append(json.loads(text))
        except ConnectionClosed:
            pass
        close = self.socket.protocol
        self.closed = (close.close_code, close.close_reason)

    def send(self, **frame):
        self.socket.send(json.dumps(frame))

    def subscribe(self, **fields):
        """Subscribes; the answer: the `ready` or `reset` frame that follows."""
        before = len(self.frames)
        self.send(type="subscribe", **fields)
        return self.wait_for(
            lambda frame: frame["type"] in ("ready", "reset"), "ready or reset", skip=before)

    def wait_for(self, matches, what, deadline=20.0, skip=0):
        """The first frame for which `matches(frame)` holds."""
        return until(
            lambda: next((frame for frame in self.frames[skip:] if matches(frame)), None),
            lambda: f"{what}; got {self.frames}",
            deadline,
            pause=0.002,
        )

    def wait_for_event(self, kind, matches=lambda data: True, deadline=20.0):
        """The first event of a type for whose data `matches(data)` holds."""
        frame = self.wait_for(
            lambda frame: frame["type"] == "event"
            and frame["event"]["type"] == kind
            and matches(frame["event"]["data"]),
            kind,
            deadline,
        )
        return frame["event"]

    def arrival(self, event):
        """`time.perf_counter()` when this event's frame came."""
        return next(
            at for frame, at in zip(self.frames, self.arrivals) if frame["type"] == "event" and frame["event"] == event)

    @property
    def events(self):
        return [frame["event"] for frame in self.frames if frame["type"] == "event"]

    def wait_for_close(self, deadline=10.0):
        """`(code, reason)` of the close frame."""
        return until(lambda: self.closed, lambda: f"the close; got {self.frames}", deadline)

    def close(self):
        self.connection.close()
        self.thread.join(5)
