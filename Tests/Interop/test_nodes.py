"""Several nodes on one database: an event that is committed at one reaches the clients of all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import socketio

from gateway import Gateway
from waiting import until

SECRETS = {"API_KEY_SECRET": "k" * 64, "WEBHOOK_SIGNING_SECRET": "w" * 64}
NEW = "message.new"


def database_of(gateway):
    """Where the private cluster of a gateway listens, as a `DATABASE_URL`."""
    lines = next(Path(gateway.directory).rglob("postmaster.pid")).read_text().splitlines()
    port, directory = lines[3].strip(), lines[4].strip()
    return f"postgres:///postgres?host={directory}&port={port}&user=postgres"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Three gateways; the first brings the database, and the sandbox for all."""
    from processes import remove, working_directory

    root = working_directory()
    places = [root / name for name in ("a", "b", "c")]
    for place in places:
        place.mkdir(mode=0o755)
    first = Gateway(places[0], dict(SECRETS))
    nodes = [first]
    try:
        first.start()
        others = {
            "DATABASE_URL": database_of(first),
            "TWILIO_ACCOUNT_SID": first.sandbox.account_sid,
            "TWILIO_AUTH_TOKEN": first.sandbox.auth_token,
            "TWILIO_BASE_URL": f"http://127.0.0.1:{first.sandbox_port}",
            **SECRETS,
        }
        for place in places[1:]:
            node = Gateway(place, others, own_sandbox=False)
            nodes.append(node)
            node.key = first.key
            node.start()
        yield nodes
    finally:
        for node in reversed(nodes):
            node.close()
        remove(root)


def test_events_of_one_node_reach_the_clients_of_all_in_one_order(nodes):
    streams = [node.stream() for node in nodes]
    sockets = [socketio.Client(reconnection=False) for _ in nodes]
    heard = [[] for _ in nodes]
    count = 30
    try:
        for stream in streams:
            stream.subscribe()
        for node, client, events in zip(nodes, sockets, heard):
            client.on("message:new", events.append, namespace="/messaging")
            client.connect(node.base_url, auth={"token": node.key}, namespaces=["/messaging"], transports=["websocket"])

        def receive(number):
            """Each node takes a part of what comes in."""
            node = nodes[number % len(nodes)]
            answer = node.signed_webhook(
                "incoming",
                {
                    "MessageSid": f"SM{number:032x}", "AccountSid": nodes[0].sandbox.account_sid,
                    "From": f"+1415777{number:04d}", "To": "+15005550006", "Body": str(number), "NumMedia": "0",
                },
                token=nodes[0].sandbox.auth_token,
            )  # fmt: skip
            assert answer.status_code == 200, answer.text

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(receive, range(count)))
        for stream in streams:
            until(
                lambda stream=stream: len([event for event in stream.events if event["type"] == NEW]) == count,
                lambda stream=stream: f"all texts; got {len(stream.events)} events",
            )
        last = max(event["seq"] for stream in streams for event in stream.events if event["type"] == NEW)
        logs = [[event for event in stream.events if event["seq"] <= last] for stream in streams]
        assert logs[0] == logs[1] == logs[2]
        numbers = [event["seq"] for event in logs[0]]
        assert numbers == sorted(set(numbers))
        for events in heard:
            until(lambda events=events: len(events) == count, lambda events=events: f"all texts; got {len(events)}")
            assert {event["data"]["body"] for event in events} == {str(number) for number in range(count)}
    finally:
        for client in sockets:
            client.disconnect()
        for stream in streams:
            stream.close()


def test_a_client_goes_on_at_another_node(nodes):
    here, there = nodes[1], nodes[2]
    stream = here.stream()
    ready = stream.subscribe()
    stream.close()
    nodes[0].sandbox.text("+14157779999", "meanwhile")
    again = there.stream()
    try:
        assert again.subscribe(after=ready["seq"], epoch=ready["epoch"])["type"] == "ready"
        again.wait_for_event(NEW, lambda data: data["body"] == "meanwhile")
    finally:
        again.close()


def test_a_key_that_is_taken_back_at_one_node_ends_connections_at_all(nodes):
    made = nodes[0].call("POST", "/api/keys", json={"name": "short-lived", "scopes": ["read"]}).json()
    streams = [node.stream(key=made["key"]) for node in nodes]
    for stream in streams:
        stream.subscribe()
    assert nodes[0].call("DELETE", f"/api/keys/{made['id']}").status_code == 204
    for stream in streams:
        assert stream.wait_for_close()[0] == 4401
        stream.close()


def test_sigterm_closes_socketio_clients_and_they_resume_elsewhere(nodes):
    leaving, staying = nodes[2], nodes[1]
    ended = []
    client = socketio.Client(reconnection=False)
    ready = []
    client.on("ready", ready.append, namespace="/messaging")
    client.on("disconnect", ended.append, namespace="/messaging")
    client.connect(leaving.base_url, auth={"token": leaving.key}, namespaces=["/messaging"], transports=["polling"])
    stream = leaving.stream()
    stream.subscribe()
    until(lambda: ready, "ready")
    assert leaving.program.terminate(deadline=15) == 0
    assert stream.wait_for_close()[0] == 1012
    until(lambda: ended, "the client is told")
    # In a packet: it does not find out by a connection that fails.
    assert ended == [client.reason.SERVER_DISCONNECT]
    stream.close()
    client.disconnect()
    other = socketio.Client(reconnection=False)
    heard = []
    other.on("message:new", heard.append, namespace="/messaging")
    try:
        nodes[0].sandbox.text("+14157779998", "while it was away")
        place = {"token": staying.key, "after": ready[0]["seq"], "epoch": ready[0]["epoch"]}
        other.connect(staying.base_url, auth=place, namespaces=["/messaging"], transports=["polling"])
        until(lambda: heard, "what it has missed")
        assert heard[0]["data"]["body"] == "while it was away"
    finally:
        other.disconnect()
        leaving.start()
