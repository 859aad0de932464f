"""Engine.IO 4, rule by rule: the cases of the protocol's own suite, and those that its reference server knows besides."""

import base64
import json
import socket
import threading
import time

import pytest
from websockets.exceptions import InvalidStatus

from echo import MAX_PAYLOAD, PING_INTERVAL, PING_TIMEOUT, SEPARATOR, Wire
from waiting import until

KEYS = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}


@pytest.fixture
def wire(echo):
    return Wire(echo.base_url, "/engine.io/")


def in_background(body):
    """Runs `body` in a thread; the returned function waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(body()), daemon=True)
    thread.start()

    def result():
        thread.join(5)
        assert results, "no answer"
        return results[0]

    return result


def raw_request(wire, text):
    """What a server says to bytes, until it closes."""
    host, port = wire.base_url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=5)
    connection.sendall(text)
    return connection


# Handshake


def test_polling_opens_a_session(wire):
    answer = wire.get("EIO=4&transport=polling")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert answer.headers["Cache-Control"] == "no-store"
    value = json.loads(answer.text[1:])
    assert answer.text[0] == "0" and set(value) == KEYS
    assert isinstance(value["sid"], str) and len(value["sid"]) >= 20
    assert value["upgrades"] == ["websocket"]
    assert (value["pingInterval"], value["pingTimeout"]) == (PING_INTERVAL, PING_TIMEOUT)
    assert value["maxPayload"] == MAX_PAYLOAD


def test_a_websocket_opens_a_session(wire):
    with wire.socket() as frames:
        data = frames.receive()
        value = json.loads(data[1:])
        assert data[0] == "0" and set(value) == KEYS
        assert value["upgrades"] == []


@pytest.mark.parametrize(
    "method, query, status, code",
    [
        ("GET", "transport=polling", 400, 5),
        ("GET", "EIO=abc&transport=polling", 400, 5),
        ("GET", "EIO=3&transport=polling", 400, 5),
        ("GET", "EIO=4", 400, 0),
        ("GET", "EIO=4&transport=abc", 400, 0),
        ("POST", "EIO=4&transport=polling", 400, 2),
        ("PUT", "EIO=4&transport=polling", 400, 2),
        ("GET", "EIO=4&transport=polling&sid=unknown", 400, 1),
        ("GET", "EIO=3&transport=polling&sid=unknown", 400, 1),
        ("POST", "EIO=3&transport=polling", 400, 2),
        ("POST", "EIO=4&transport=polling&sid=unknown", 400, 1),
        ("GET", "EIO=4&transport=websocket", 400, 3),
    ],
)
def test_a_request_that_cannot_be_is_refused_with_its_code(wire, method, query, status, code):
    answer = wire.request(method, query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "query",
    ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc",
     "EIO=4&transport=websocket&sid=unknown"],
)  # fmt: skip
def test_an_upgrade_that_cannot_be_is_refused_in_http(wire, query):
    with pytest.raises(InvalidStatus) as caught:
        with wire.socket(query):
            pass
    assert caught.value.response.status_code == 400
    assert "code" in json.loads(caught.value.response.body)


def test_requests_that_are_not_the_servers_pass(echo):
    assert echo.http.get(echo.base_url + "/engine.ioo/?EIO=4&transport=polling", timeout=5).status_code == 404
    assert echo.http.get(echo.base_url + "/other", timeout=5).status_code == 404


# Messages


@pytest.mark.parametrize(
    "body",
    [
        "4hello",
        "4test1\x1e4test2\x1e4test3",
        "4hello\x1ebAQIDBA==",
        "4€äöüß 🙂",
        "4",
    ],
)
def test_polling_echoes_a_payload(wire, body):
    session = wire.open()
    answer = session.push(body.encode())
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["Content-Type"] == "text/html"
    answer = session.poll()
    assert (answer.status_code, answer.content) == (200, body.encode())


def test_a_poll_waits_for_its_packet(wire):
    session = wire.open()
    result = in_background(session.poll)
    session.push("4later")
    assert result().text == "4later"


@pytest.mark.parametrize("body", ["abc", "", "4ok\x1e", "b###", "2", "0{}", "9"])
def test_a_bad_packet_is_400_and_closes_the_session(wire, body):
    session = wire.open()
    assert session.push(body).status_code == 400
    assert session.poll().status_code == 400


def test_too_many_packets_in_a_payload_close_the_session(wire):
    session = wire.open()
    assert session.push(SEPARATOR.join(["4a"] * 256)).status_code == 200
    # An answer carries what python-engineio's client takes at once.
    assert [len(session.packets()) for _ in range(16)] == [16] * 16
    assert session.push(SEPARATOR.join(["4a"] * 257)).status_code == 400
    assert session.poll().status_code == 400


def test_an_octet_stream_is_refused(wire):
    session = wire.open()
    assert session.push(b"4hello", {"Content-Type": "application/octet-stream"}).status_code == 400


def test_a_duplicate_poll_closes_the_session(wire):
    session = wire.open()
    first = in_background(session.poll)
    # The second is sure to come second: the first waits.
    time.sleep(0.05)
    assert session.poll().status_code == 400
    answer = first()
    assert (answer.status_code, answer.text) == (200, "1")
    assert session.poll().status_code == 400


def test_a_duplicate_post_closes_the_session(wire):
    session = wire.open()
    head = f"POST {wire.path}?{session.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    with raw_request(wire, head.encode() + b"4ab") as first:
        time.sleep(0.05)
        assert session.push("4second").status_code == 400
        first.sendall(b"cdefghi")
        assert b" 400 " in first.recv(1000)
    assert session.poll().status_code == 400


def test_a_cancelled_poll_closes_the_session(wire):
    session = wire.open()
    with raw_request(wire, f"GET {wire.path}?{session.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode()):
        time.sleep(0.05)
    until(lambda: not session.is_alive, "the session's end", deadline=0.2)


def test_a_post_that_breaks_off_closes_the_session(wire):
    session = wire.open()
    head = f"POST {wire.path}?{session.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4a"
    with raw_request(wire, head.encode()):
        time.sleep(0.05)
    until(lambda: session.poll().status_code == 400, "the session's end", deadline=0.25)


@pytest.mark.parametrize("way", ["announced", "chunked"])
def test_a_body_that_is_too_large_is_413_and_the_session_lives(wire, way):
    session = wire.open()
    body = b"4" + b"x" * MAX_PAYLOAD
    if way == "announced":
        with raw_request(
            wire,
            f"POST {wire.path}?{session.query} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode(),
        ) as connection:
            assert b" 413 " in connection.recv(1000)
    else:
        head = f"POST {wire.path}?{session.query} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        with raw_request(wire, head.encode() + f"{len(body):x}\r\n".encode()) as connection:
            try:
                connection.sendall(body)
            except OSError:
                pass
            assert b" 413 " in connection.recv(1000)
    assert session.is_alive


def test_a_body_of_the_largest_size_is_taken(wire):
    session = wire.open()
    body = b"4" + b"x" * (MAX_PAYLOAD - 1)
    assert session.push(body).status_code == 200
    assert session.poll().content == body


def test_a_websocket_echoes_text_and_binary(wire):
    with wire.opened() as frames:
        frames.send("4hello")
        assert frames.receive() == "4hello"
        frames.send(bytes([1, 2, 3, 4]))
        assert frames.receive() == bytes([1, 2, 3, 4])


@pytest.mark.parametrize("data", ["abc", "", "2", "0{}"])
def test_a_bad_packet_closes_the_websocket(wire, data):
    with wire.opened() as frames:
        frames.send(data)
        frames.wait_for_close()


def test_a_message_that_is_too_large_closes_the_websocket(wire):
    with wire.opened() as frames:
        frames.send("4" + "x" * MAX_PAYLOAD)
        assert frames.close_code() == 1009


# Heartbeat


def test_the_server_pings_a_polling_client(wire):
    session = wire.open()
    for _ in range(3):
        answer = session.poll()
        assert (answer.status_code, answer.text) == (200, "2")
        assert session.push("3").status_code == 200


def test_a_polling_client_without_a_pong_is_closed(wire):
    session = wire.open()
    time.sleep((PING_INTERVAL + PING_TIMEOUT) / 1000)
    assert session.poll().status_code == 400


def test_a_poll_that_waits_when_the_pong_is_overdue_is_told(wire):
    session = wire.open()
    assert session.packets() == ["2"]
    assert session.packets() == ["1"]
    assert session.poll().status_code == 400


def test_the_server_pings_a_websocket(wire):
    with wire.opened() as frames:
        for _ in range(3):
            assert frames.receive() == "2"
            frames.send("3")


def test_a_websocket_without_a_pong_is_closed_in_time(wire):
    with wire.opened() as frames:
        start = time.monotonic()
        assert frames.close_code() is not None
        assert 0.4 < time.monotonic() - start < 1.0


# Close


def test_a_polling_client_closes(wire):
    session = wire.open()
    result = in_background(session.poll)
    time.sleep(0.05)
    assert session.push("1").status_code == 200
    answer = result()
    assert (answer.status_code, answer.text) == (200, "6")
    assert session.poll().status_code == 400


def test_a_websocket_client_closes(wire):
    with wire.opened() as frames:
        frames.send("1")
        frames.wait_for_close()


# Upgrade


def upgrade_query(session):
    return f"EIO=4&transport=websocket&sid={session.sid}"


def test_a_session_goes_over_to_a_websocket(wire):
    session = wire.open()
    with wire.socket(upgrade_query(session)) as frames:
        frames.send("2probe")
        assert frames.receive() == "3probe"
        frames.send("5")
        frames.send("4hello")
        assert frames.receive() == "4hello"


def test_a_waiting_poll_is_let_go_when_the_probe_comes(wire):
    session = wire.open()
    result = in_background(session.poll)
    time.sleep(0.05)
    with wire.socket(upgrade_query(session)) as frames:
        frames.send("2probe")
        assert frames.receive() == "3probe"
        assert result().text == "6"
        frames.send("5")
        frames.send("4hello")
        assert frames.receive() == "4hello"


def test_what_waited_for_a_poll_comes_over_the_websocket(wire):
    session = wire.open()
    assert session.push("4one\x1ebAQID").status_code == 200
    with wire.socket(upgrade_query(session)) as frames:
        frames.send("2probe")
        assert frames.receive() == "3probe"
        frames.send("5")
        assert frames.receive() == "4one"
        assert frames.receive() == bytes([1, 2, 3])


def test_polling_goes_on_while_a_probe_is_not_completed(wire):
    session = wire.open()
    with wire.socket(upgrade_query(session)) as frames:
        frames.send("2probe")
        assert frames.receive() == "3probe"
        assert session.push("4hello").status_code == 200
        assert session.packets() == ["4hello"]


def test_requests_after_the_upgrade_are_refused_and_the_session_lives(wire):
    session = wire.open()
    with wire.socket(upgrade_query(session)) as frames:
        frames.send("2probe")
        frames.send("5")
        assert frames.receive() == "3probe"
        assert session.poll().status_code == 400
        assert session.push("4x").status_code == 400
        frames.send("4hello")
        assert frames.receive_other() == "4hello"


def test_a_second_websocket_after_the_upgrade_is_closed_and_the_first_lives(wire):
    session = wire.open()
    with wire.socket(upgrade_query(session)) as frames:
        frames.send("2probe")
        frames.send("5")
        assert frames.receive() == "3probe"
        with wire.socket(upgrade_query(session)) as second:
            second.wait_for_close()
        frames.send("4hello")
        assert frames.receive_other() == "4hello"


def test_a_second_websocket_beside_a_probe_is_closed(wire):
    session = wire.open()
    with wire.socket(upgrade_query(session)) as frames:
        frames.send("2probe")
        assert frames.receive() == "3probe"
        with wire.socket(upgrade_query(session)) as second:
            second.wait_for_close()
        frames.send("5")
        frames.send("4hello")
        assert frames.receive_other() == "4hello"


@pytest.mark.parametrize("data", ["2", "2wrong", "4hello", "5", "abc"])
def test_a_wrong_probe_is_closed_and_polling_goes_on(wire, data):
    session = wire.open()
    with wire.socket(upgrade_query(session)) as frames:
        frames.send(data)
        frames.wait_for_close()
    assert session.push("4hello").status_code == 200
    assert "4hello" in session.packets()


def test_a_probe_that_goes_away_leaves_polling_alone(wire):
    session = wire.open()
    with wire.socket(upgrade_query(session)) as frames:
        frames.send("2probe")
        assert frames.receive() == "3probe"
    assert session.push("4hello").status_code == 200
    assert session.packets()[-1] in ("4hello", "6")


def test_an_upgrade_works_on_a_connection_that_was_used_before(wire):
    session = wire.open()
    nonce = base64.b64encode(bytes(16)).decode()
    with raw_request(wire, b"") as connection:
        for _ in range(2):
            connection.sendall(f"POST {wire.path}?{session.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n6".encode())
            assert b"200 OK" in connection.recv(1000)
        connection.sendall(
            (
                f"GET {wire.path}?{upgrade_query(session)} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                f"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {nonce}\r\n\r\n"
            ).encode()
        )
        assert b"101 Switching Protocols" in connection.recv(1000)


def test_pipelined_requests_are_answered_in_order(wire):
    session = wire.open()
    with raw_request(
        wire,
        (
            f"POST {wire.path}?{session.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n4a"
            f"GET {wire.path}?{session.query} HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ).encode(),
    ) as connection:
        text = b""
        while data := connection.recv(10_000):
            text += data
    assert text.index(b"\r\n\r\nok") < text.index(b"\r\n\r\n4a") < text.index(b"404 Not Found")


def test_hundreds_of_sessions_come_and_go(wire):
    """Opens and closes at once, so that nothing is left that a session held."""
    for _ in range(100):
        session = wire.open()
        assert session.push("1").status_code == 200
    with wire.opened() as frames:
        frames.send("4hello")
        assert frames.receive_other() == "4hello"
