"""`/socket.io/`, namespace `/messaging`, with `python-socketio`: the events, what may be asked, and who may come in."""

import threading

import pytest
import requests
import socketio

from waiting import until

TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]]
every_transport = pytest.mark.parametrize("transports", TRANSPORTS, ids=["polling", "websocket", "upgrading"])
NAMESPACE = "/messaging"


class Client:
    """One connection, and all it hears: `(name, payload)`."""

    def __init__(self, gateway, transports=None, key=None, **auth):
        self.socket = socketio.Client(reconnection=False)
        self.heard = []
        self.errors = []
        self.socket.on("*", self._hear, namespace=NAMESPACE)
        self.socket.on("connect_error", self.errors.append, namespace=NAMESPACE)
        self.ended = threading.Event()
        self.socket.on("disconnect", lambda *_: self.ended.set(), namespace=NAMESPACE)
        self.socket.connect(
            gateway.base_url, auth={"token": key or gateway.key} | auth, namespaces=[NAMESPACE],
            transports=transports or ["websocket"],
        )  # fmt: skip

    def _hear(self, name, payload):
        self.heard.append((name, payload))

    def wait_for(self, name, matches=lambda payload: True):
        return until(
            lambda: next((payload for heard, payload in list(self.heard) if heard == name and matches(payload)), None),
            lambda: f"{name}; got {self.heard}",
        )

    def call(self, name, payload):
        return self.socket.call(name, payload, namespace=NAMESPACE, timeout=20)

    @property
    def events(self):
        """What came of the log, by number: python-socketio hands each to a thread of its own."""
        return sorted((payload for _, payload in self.heard if "seq" in payload and "type" in payload),
                      key=lambda event: event["seq"])

    def close(self):
        self.socket.disconnect()


@pytest.fixture
def open_client(gateway):
    clients = []

    def open_client(*arguments, **options):
        clients.append(Client(gateway, *arguments, **options))
        clients[-1].wait_for("ready")
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def from_phone(phone):
    return lambda event: event["data"].get("from") == phone


@every_transport
def test_events_come_as_they_stand_in_the_log(gateway, stream, phone, open_client, transports):
    client = open_client(transports)
    gateway.sandbox.text(phone, "Hi €")
    event = client.wait_for("message:new", from_phone(phone))
    assert event == stream.wait_for_event("message.new", lambda data: data["from"] == phone)
    updated = client.wait_for("conversation:updated", lambda other: other["conversationId"] == event["conversationId"])
    assert updated["data"]["lastMessage"]["body"] == "Hi €"
    assert client.socket.transport() == transports[-1]


@every_transport
def test_a_message_is_sent_and_acknowledged(gateway, phone, open_client, transports):
    client = open_client(transports)
    answer = client.call("message:send", {"to": phone, "body": "over socket.io", "channel": "sms"})
    assert answer["ok"] is True and answer["message"]["status"] == "queued"
    identifier = answer["message"]["id"]
    assert client.wait_for("message:new", lambda event: event["data"]["id"] == identifier)["type"] == "message.queued"
    client.wait_for(
        "message:status", lambda event: event["data"]["id"] == identifier and event["data"]["status"] == "delivered")
    assert gateway.settled(identifier, "delivered")["body"] == "over socket.io"


def test_a_refused_message_is_told_with_its_problem(open_client):
    answer = open_client().call("message:send", {"to": "+14155550101", "body": "x", "channel": "pigeon"})
    assert answer["ok"] is False and answer["problem"]["code"] == "unknown_channel"


def test_a_repeated_idempotency_key_gives_the_first_message(phone, open_client):
    message = {"to": phone, "body": "once", "channel": "sms", "idempotencyKey": f"socketio-{phone}"}
    client = open_client()
    first, second = client.call("message:send", message), client.call("message:send", message)
    assert first["ok"] and first["message"]["id"] == second["message"]["id"]


@pytest.mark.parametrize(
    "event, payload, code",
    [
        ("conversation:join", {}, "invalid_request"),
        ("conversation:join", {"conversationId": "x"}, "invalid_request"),
        ("conversation:join", "x", "bad_request"),
        ("message:send", "x", "bad_request"),
        ("message:send", {"to": "+14155550101", "body": "x", "idempotencyKey": ""}, "invalid_request"),
        ("nothing", {}, "invalid_request"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_problem(open_client, event, payload, code):
    answer = open_client().call(event, payload)
    assert (answer["ok"], answer["problem"]["code"]) == (False, code)


def test_who_joined_hears_only_of_what_was_joined(gateway, stream, phone, open_client):
    gateway.sandbox.text(phone, "first")
    joined = stream.wait_for_event("message.new", lambda data: data["from"] == phone)["conversationId"]
    client = open_client()
    assert client.call("conversation:join", {"conversationId": joined}) == {"ok": True, "conversationId": joined}
    before = len(client.events)
    gateway.sandbox.text(phone[:-4] + "8888", "other")
    gateway.sandbox.text(phone, "second")
    client.wait_for("message:new", lambda event: event["data"]["body"] == "second")
    assert {event["conversationId"] for event in client.events[before:]} == {joined}

    assert client.call("conversation:leave", {"conversationId": joined}) == {"ok": True, "conversationId": joined}
    gateway.sandbox.text(phone, "third")
    stream.wait_for_event("message.new", lambda data: data["body"] == "third" and data["from"] == phone)
    # Whatever is on its way has come when an answer has.
    client.call("conversation:leave", {"conversationId": joined})
    assert "third" not in [event["data"].get("body") for event in client.events]


@every_transport
def test_a_client_resumes_where_it_was(gateway, stream, phone, open_client, transports):
    client = open_client(transports)
    epoch = client.wait_for("ready")["epoch"]
    gateway.sandbox.text(phone, "0")
    last = client.wait_for("message:new", from_phone(phone))
    client.close()
    for number in range(1, 6):
        gateway.sandbox.text(phone, str(number))
    again = open_client(transports, after=last["seq"], epoch=epoch)
    gateway.sandbox.text(phone, "6")
    again.wait_for("message:new", lambda event: from_phone(phone)(event) and event["data"]["body"] == "6")
    end = again.events[-1]["seq"]
    until(lambda: stream.events[-1]["seq"] >= end, "the other reader is as far")
    mine = [event for event in again.events if event["seq"] <= end]
    assert mine == [event for event in stream.events if last["seq"] < event["seq"] <= end]


@pytest.mark.parametrize("way", ["foreign epoch", "ahead of the log"])
def test_a_position_that_cannot_be_resumed_is_reset(gateway, stream, phone, way):
    position, epoch = (stream.frames[0][name] for name in ("seq", "epoch"))
    auth = {"after": position, "epoch": "01890000-0000-7000-8000-000000000000"}
    if way == "ahead of the log":
        auth = {"after": position + 1_000_000, "epoch": epoch}
    client = Client(gateway, **auth)
    try:
        reset = client.wait_for("reset")
        assert reset["epoch"] == epoch and reset["oldest"] == 0
        # Nothing more until the next connection.
        gateway.sandbox.text(phone, "Hi")
        stream.wait_for_event("message.new", lambda data: data["from"] == phone)
        assert client.events == []
    finally:
        client.close()


@pytest.mark.parametrize("token, code", [("wrong", "unauthorized"), ("", "unauthorized"), (None, "unauthorized")])
def test_a_bad_key_is_refused_and_nothing_is_heard(gateway, token, code):
    client = socketio.Client(reconnection=False)
    errors = []
    client.on("connect_error", errors.append, namespace=NAMESPACE)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(
            gateway.base_url, auth={"token": token} if token is not None else None, namespaces=[NAMESPACE],
            transports=["websocket"])
    assert errors[0]["message"] == code and errors[0]["data"]["status"] == 401
    client.disconnect()


def test_a_missing_scope_is_refused(gateway):
    client = socketio.Client(reconnection=False)
    errors = []
    client.on("connect_error", errors.append, namespace=NAMESPACE)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(
            gateway.base_url, auth={"token": gateway.create_key("send")}, namespaces=[NAMESPACE],
            transports=["websocket"])
    assert errors[0]["message"] == "missing_scope"
    client.disconnect()


def test_a_key_that_cannot_send_is_refused_when_it_does(gateway, phone, open_client):
    client = open_client(key=gateway.create_key("read"))
    answer = client.call("message:send", {"to": phone, "body": "x", "channel": "sms"})
    assert (answer["ok"], answer["problem"]["code"]) == (False, "missing_scope")


def test_only_the_namespace_of_messages_is_there(gateway):
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(gateway.base_url, auth={"token": gateway.key}, transports=["websocket"])
    client.disconnect()


@pytest.mark.parametrize("way", ["websocket", "polling", "/ws"])
def test_a_connection_ends_with_its_key(gateway, way):
    made = gateway.call("POST", "/api/keys", json={"name": "short-lived", "scopes": ["read"]}).json()
    if way == "/ws":
        stream = gateway.stream(key=made["key"])
        stream.subscribe()
        assert gateway.call("DELETE", f"/api/keys/{made['id']}").status_code == 204
        assert stream.wait_for_close()[0] == 4401
        stream.close()
        return
    client = Client(gateway, [way], key=made["key"])
    client.wait_for("ready")
    assert gateway.call("DELETE", f"/api/keys/{made['id']}").status_code == 204
    assert client.ended.wait(10)
    client.close()


def test_paths_beside_it_are_not_there(gateway):
    assert requests.get(gateway.base_url + "/socket.iox/", timeout=5).status_code == 404
