"""`python-engineio` and `python-socketio`, clients that others wrote, on the target SocketIO alone: polling only, WebSocket
only, and upgrading."""

import threading
import time

import engineio
import pytest
import socketio

from echo import Echo
from waiting import until

TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]]
every_transport = pytest.mark.parametrize("transports", TRANSPORTS, ids=["polling", "websocket", "upgrading"])


@pytest.fixture(scope="module")
def patient():
    """With times that a real deployment might have: a client on a busy machine answers in time."""
    echo = Echo(ping_interval=1000, ping_timeout=3000, connect_timeout=5000)
    yield echo
    echo.close()


@pytest.fixture
def client():
    client = socketio.Client(reconnection=False)
    yield client
    client.disconnect()


class Collected:
    """What a client hears, by event."""

    def __init__(self, client, *events, namespace="/"):
        self.calls = []
        for event in events:
            client.on(event, lambda *arguments, event=event: self.calls.append((event, *arguments)), namespace=namespace)

    def wait(self, count):
        until(lambda: len(self.calls) >= count, lambda: f"{count} events; got {self.calls}")
        return self.calls


@every_transport
def test_engineio_messages_come_back(patient, transports):
    client = engineio.Client()
    heard = []
    client.on("message", heard.append)
    client.connect(patient.base_url, transports=transports)
    try:
        sent = []
        for number in range(50):
            sent += [f"text {number} €", bytes([number, 0, 255])]
        for message in sent:
            client.send(message)
        until(lambda: len(heard) >= len(sent), lambda: f"all messages; got {heard}")
        # The client hands each to a thread of its own, so their order here says nothing.
        assert sorted(map(repr, heard)) == sorted(map(repr, sent))
        assert client.transport() == transports[-1]
    finally:
        client.disconnect()


@every_transport
def test_engineio_survives_several_heartbeats(transports):
    echo = Echo(ping_interval=100, ping_timeout=1000)
    client = engineio.Client()
    ended, pings = [], []
    client.on("disconnect", lambda *_: ended.append(True))
    receive = client._receive_packet

    def note(packet):
        if packet.packet_type == engineio.packet.PING:
            pings.append(packet)
        receive(packet)

    client._receive_packet = note
    try:
        client.connect(echo.base_url, transports=transports)
        # Long enough for a ping without an answer, or none at all, to end it.
        time.sleep(2.5)
        assert not ended and client.state == "connected"
        assert len(pings) >= 5
        client.disconnect()
    finally:
        echo.close()


@every_transport
def test_events_acknowledgements_and_binary(patient, client, transports):
    heard = Collected(client, "auth", "message-back")
    client.connect(patient.base_url, auth={"token": "abc"}, transports=transports)
    assert client.transport() == transports[-1]
    assert heard.wait(1)[0] == ("auth", {"token": "abc"})
    client.emit("message", ("one", 2, {"three": [True, None]}))
    client.emit("message", (b"\x00\x01\xff", {"deep": [b"more"]}))
    # The client hands each to a thread of its own, so their order here says nothing.
    calls = heard.wait(3)
    assert ("message-back", "one", 2, {"three": [True, None]}) in calls
    assert ("message-back", b"\x00\x01\xff", {"deep": [b"more"]}) in calls
    assert client.call("message-with-ack", ("x", {"y": 1})) == ("x", {"y": 1})
    assert client.call("message-with-ack", b"\x01\x02") == b"\x01\x02"


@every_transport
def test_namespaces_live_side_by_side(patient, client, transports):
    main = Collected(client, "auth", "message-back")
    custom = Collected(client, "auth", namespace="/custom")
    client.connect(
        patient.base_url, auth={"a": 1}, namespaces=["/", "/custom"], transports=transports)
    assert main.wait(1)[0] == ("auth", {"a": 1})
    assert custom.wait(1)[0] == ("auth", {"a": 1})
    assert client.get_sid("/") != client.get_sid("/custom")
    client.emit("message", "hello")
    assert main.wait(2)[1] == ("message-back", "hello")


@every_transport
def test_an_unknown_namespace_is_refused(patient, client, transports):
    errors = []
    client.on("connect_error", errors.append, namespace="/nobody")
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(patient.base_url, namespaces=["/nobody"], transports=transports)
    assert errors == [{"message": "Invalid namespace"}] or errors == ["Invalid namespace"]


@every_transport
def test_a_client_that_stops_answering_is_let_go(transports):
    echo = Echo(ping_interval=200, ping_timeout=200)
    client = engineio.Client()
    ended = threading.Event()
    client.on("disconnect", lambda *_: ended.set())
    try:
        client.connect(echo.base_url, transports=transports)
        # No packet leaves the client any more, which would itself wait for pings much longer than the server for pongs.
        client._send_packet = lambda packet: None
        client.ping_interval = client.ping_timeout = 60
        if client.ws:
            client.ws.settimeout(60)
        assert ended.wait(4)
    finally:
        echo.close()


@every_transport
def test_large_messages_come_back(patient, client, transports):
    heard = Collected(client, "message-back")
    client.connect(patient.base_url, transports=transports)
    text, data = "x" * 400_000, bytes(range(256)) * 1_000
    client.emit("message", text)
    client.emit("message", data)
    assert sorted(heard.wait(2), key=repr) == sorted([("message-back", text), ("message-back", data)], key=repr)


@every_transport
def test_twenty_clients_at_once_each_get_their_own(patient, transports):
    clients = [socketio.Client(reconnection=False) for _ in range(20)]
    collected = [Collected(client, "message-back") for client in clients]
    try:
        for client in clients:
            client.connect(patient.base_url, transports=transports)
        for round_number in range(5):
            for number, client in enumerate(clients):
                client.emit("message", (number, round_number))
        for number, heard in enumerate(collected):
            assert sorted(heard.wait(5)) == [("message-back", number, round_number) for round_number in range(5)]
    finally:
        for client in clients:
            client.disconnect()
