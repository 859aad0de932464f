"""`/ws` with the `websockets` client: who may come in, and that nobody misses anything."""

import json
import random
import threading

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from stream import Stream

# The events of inbound texts: one each.
NEW = "message.new"


def texts_of(events, phone):
    return [event["data"]["body"] for event in events if event["type"] == NEW and event["data"]["from"] == phone]


@pytest.mark.parametrize("way", ["bearer", "x-api-key", "query", "first frame"])
def test_a_key_is_taken_in_four_ways(gateway, way):
    url = gateway.base_url.replace("http", "ws", 1) + "/ws"
    if way == "bearer":
        stream = Stream(url, gateway.key)
    elif way == "x-api-key":
        stream = Stream(url, headers={"X-API-Key": gateway.key})
    elif way == "query":
        stream = Stream(f"{url}?token={gateway.key}")
    else:
        stream = Stream(url)
        stream.send(type="auth", token=gateway.key)
    try:
        ready = stream.subscribe()
        assert ready["type"] == "ready" and ready["seq"] >= 0 and ready["epoch"]
    finally:
        stream.close()


@pytest.mark.parametrize("query", ["", "?token=wrong"])
def test_a_bad_key_is_401_on_the_upgrade(gateway, query):
    url = gateway.base_url.replace("http", "ws", 1) + "/ws" + query
    with pytest.raises(InvalidStatus) as caught:
        Stream(url, None if query else "wrong")
    assert caught.value.response.status_code == 401
    assert caught.value.response.headers["WWW-Authenticate"]


def test_a_missing_scope_is_403_on_the_upgrade(gateway):
    with pytest.raises(InvalidStatus) as caught:
        gateway.stream(key=gateway.create_key("send"))
    assert caught.value.response.status_code == 403


@pytest.mark.parametrize("token, code", [("wrong", 4401), (None, 4401)])
def test_a_bad_first_frame_or_none_closes_with_4401(gateway, token, code):
    stream = Stream(gateway.base_url.replace("http", "ws", 1) + "/ws")
    if token:
        stream.send(type="auth", token=token)
    assert stream.wait_for_close(deadline=12)[0] == code
    assert stream.events == []


def test_nothing_comes_before_subscribe(gateway, phone):
    quiet, loud = gateway.stream(), gateway.stream()
    try:
        loud.subscribe()
        gateway.sandbox.text(phone, "Hi")
        loud.wait_for_event(NEW, lambda data: data["from"] == phone)
        quiet.send(type="ping")
        quiet.wait_for(lambda frame: frame["type"] == "pong", "pong")
        assert [frame["type"] for frame in quiet.frames] == ["pong"]
    finally:
        quiet.close()
        loud.close()


def test_after_a_thousand_reconnects_under_load_each_log_is_the_event_log(gateway, phone):
    """Sixteen clients of the real gateway, each gone at random moments and back with the number of its last event."""
    clients, reconnects, total = 16, 63, threading.Event()
    url = gateway.base_url.replace("http", "ws", 1) + "/ws"
    headers = {"Authorization": f"Bearer {gateway.key}"}
    first = gateway.stream()
    begin = first.subscribe()
    first.close()
    logs, failures = [[] for _ in range(clients)], []

    def read(socket, log, until_seq=None, limit=None):
        while limit is None or limit > 0:
            frame = json.loads(socket.recv(timeout=20))
            if frame["type"] == "event":
                log.append(frame["event"])
                limit = limit - 1 if limit is not None else None
                if until_seq is not None and frame["event"]["seq"] >= until_seq:
                    return

    def session(log):
        socket = connect(url, additional_headers=headers, proxy=None, open_timeout=20, close_timeout=0.1, legacy=True)
        after = log[-1]["seq"] if log else begin["seq"]
        socket.send(json.dumps({"type": "subscribe", "after": after, "epoch": begin["epoch"]}))
        assert json.loads(socket.recv(timeout=20))["type"] == "ready"
        return socket

    def client(log):
        try:
            for _ in range(reconnects):
                socket = session(log)
                read(socket, log, limit=random.randint(0, 12))
                # As a network does that breaks: without a word.
                socket.socket.close()
        except Exception as error:  # noqa: BLE001
            failures.append(repr(error))

    def load():
        number = 0
        while not total.is_set():
            gateway.sandbox.text(phone, str(number))
            number += 1

    writer = threading.Thread(target=load)
    readers = [threading.Thread(target=client, args=(log,)) for log in logs]
    for thread in [writer, *readers]:
        thread.start()
    for thread in readers:
        thread.join()
    total.set()
    writer.join()
    assert failures == []
    whole, after = [], begin["seq"]
    while page := gateway.call("GET", f"/api/events?after={after}&limit=200").json()["data"]:
        whole += page
        after = page[-1]["seq"]
    for log in logs:
        if not log or log[-1]["seq"] < after:
            socket = session(log)
            read(socket, log, until_seq=after)
            socket.socket.close()
        assert [event["seq"] for event in log if event["seq"] <= after] == [event["seq"] for event in whole]
        assert log[: len(whole)] == whole


def test_a_client_resumes_where_it_was(gateway, phone):
    stream = gateway.stream()
    ready = stream.subscribe()
    gateway.sandbox.text(phone, "0")
    last = stream.wait_for_event(NEW, lambda data: data["from"] == phone)
    stream.close()
    for number in (1, 2, 3):
        gateway.sandbox.text(phone, str(number))

    again = gateway.stream()
    try:
        answer = again.subscribe(after=last["seq"], epoch=ready["epoch"])
        assert (answer["type"], answer["epoch"]) == ("ready", ready["epoch"])
        gateway.sandbox.text(phone, "4")
        again.wait_for_event(NEW, lambda data: data["from"] == phone and data["body"] == "4")
        assert texts_of(again.events, phone) == ["1", "2", "3", "4"]
        assert all(event["seq"] > last["seq"] for event in again.events)
    finally:
        again.close()


def test_a_client_that_is_cut_off_again_and_again_loses_nothing_and_sees_nothing_twice(gateway, phone):
    count = 60
    first = gateway.stream()
    position, epoch = (first.subscribe()[name] for name in ("seq", "epoch"))
    first.close()
    failures = []

    def produce():
        try:
            for number in range(count):
                gateway.sandbox.text(phone, str(number))
        except Exception as error:  # noqa: BLE001 — told in the test's own thread
            failures.append(error)

    producer = threading.Thread(target=produce)
    producer.start()
    dice = random.Random(7)
    seen = []
    try:
        while len(texts_of(seen, phone)) < count and not failures:
            stream = gateway.stream()
            assert stream.subscribe(after=position, epoch=epoch)["type"] == "ready"
            wanted = dice.randint(1, 12)
            left = count - len(texts_of(seen, phone))
            stream.wait_for(
                lambda _: len(texts_of(stream.events, phone)) >= min(wanted, left), "some events", deadline=30)
            stream.close()
            seen += stream.events
            position = max((event["seq"] for event in seen), default=position)
    finally:
        producer.join(60)
    assert failures == []
    assert texts_of(seen, phone) == [str(number) for number in range(count)]
    numbers = [event["seq"] for event in seen]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("way", ["foreign epoch", "ahead of the log"])
def test_a_position_that_cannot_be_resumed_is_reset(gateway, stream, phone, way):
    position, epoch = (stream.frames[0][name] for name in ("seq", "epoch"))
    if way == "foreign epoch":
        epoch = "01890000-0000-7000-8000-000000000000"
    else:
        position += 1_000_000
    other = gateway.stream()
    try:
        reset = other.subscribe(after=position, epoch=epoch)
        assert reset["type"] == "reset"
        assert reset["epoch"] == stream.frames[0]["epoch"] and reset["oldest"] == 0
        # Nothing more until the next subscribe.
        gateway.sandbox.text(phone, "Hi")
        stream.wait_for_event(NEW, lambda data: data["from"] == phone)
        assert other.events == []
        assert other.subscribe()["type"] == "ready"
    finally:
        other.close()


def test_a_filter_lets_only_its_conversations_through(gateway, stream, phone):
    other_phone = phone[:-4] + "9999"
    gateway.sandbox.text(phone, "first")
    conversation = stream.wait_for_event(NEW, lambda data: data["from"] == phone)["conversationId"]
    filtered = gateway.stream()
    try:
        filtered.subscribe(conversations=[conversation])
        gateway.sandbox.text(other_phone, "other")
        gateway.sandbox.text(phone, "second")
        filtered.wait_for_event(NEW, lambda data: data["body"] == "second")
        assert {event["conversationId"] for event in filtered.events} == {conversation}
    finally:
        filtered.close()


def test_a_message_is_sent_over_the_socket(gateway, stream, phone):
    message = {"to": phone, "body": "over the socket", "channel": "sms"}
    stream.send(type="send", ref="1", message=message)
    ack = stream.wait_for(lambda frame: frame["type"] == "ack", "the ack")
    assert (ack["ref"], ack["message"]["status"]) == ("1", "queued")
    assert gateway.settled(ack["message"]["id"], "delivered")["body"] == "over the socket"


def test_a_repeated_key_over_the_socket_gives_the_first_message(stream, phone):
    message = {"to": phone, "body": "over the socket", "channel": "sms"}
    for ref in ("1", "2"):
        stream.send(type="send", ref=ref, idempotencyKey=f"socket-{phone}", message=message)
    answers = [stream.wait_for(lambda frame: frame.get("ref") == ref, f"the answer to {ref}") for ref in ("1", "2")]
    assert [answer["type"] for answer in answers] == ["ack", "ack"]
    assert answers[0]["message"]["id"] == answers[1]["message"]["id"]


def test_a_refused_message_is_an_error_with_its_ref(stream):
    stream.send(type="send", ref="r1", message={"to": "+14155550101", "body": "x", "channel": "pigeon"})
    error = stream.wait_for(lambda frame: frame["type"] == "error", "the error")
    assert (error["ref"], error["problem"]["code"]) == ("r1", "unknown_channel")


def test_a_frame_that_is_no_json_is_an_error_and_no_end(stream):
    stream.socket.send("{")
    stream.wait_for(lambda frame: frame["type"] == "error", "the error")
    stream.send(type="ping")
    assert stream.wait_for(lambda frame: frame["type"] == "pong", "pong")["type"] == "pong"
