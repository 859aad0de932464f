"""Two nodes whose database passes no notifications on: what is committed at one reaches the clients of the other."""

import os
import subprocess
from pathlib import Path

import pytest
import socketio

from gateway import Gateway
from hooks import Hooks
from processes import remove, working_directory
from test_nodes import SECRETS, database_of
from waiting import until

NEW = "message.new"
# As a pooler between a node and its database leaves it: all commits, no NOTIFY.
SILENCE = """
DO $$ BEGIN
  ASSERT pg_get_functiondef('append_events'::regproc) LIKE '%PERFORM pg_notify%';
  EXECUTE replace(pg_get_functiondef('append_events'::regproc), 'PERFORM pg_notify', 'PERFORM concat');
END $$
"""


def run_sql(url, sql):
    places = [Path(os.environ.get("FRACTAL_PG_BIN", "")), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    psql = next((str(place / "psql") for place in reversed(places) if (place / "psql").exists()), "psql")
    subprocess.run(
        [psql, "-X", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql], check=True, capture_output=True, timeout=30)


def has_no_webhook_sink(gateway):
    path = gateway.directory / "channels.yaml"
    text = path.read_text()
    start = text.index("  - type: webhook\n")
    end = text.find("\n\n", start)
    path.write_text(text[:start] + text[end if end >= 0 else len(text):])


@pytest.fixture(scope="module")
def nodes():
    """The first brings the database and delivers no webhooks, so that all of them are the second one's."""
    root = working_directory()
    places = [root / name for name in ("a", "b")]
    for place in places:
        place.mkdir(mode=0o755)
    first = Gateway(places[0], dict(SECRETS))
    has_no_webhook_sink(first)
    nodes = [first]
    try:
        first.start()
        database = database_of(first)
        run_sql(database, SILENCE)
        second = Gateway(
            places[1],
            {
                "DATABASE_URL": database,
                "TWILIO_ACCOUNT_SID": first.sandbox.account_sid,
                "TWILIO_AUTH_TOKEN": first.sandbox.auth_token,
                "TWILIO_BASE_URL": f"http://127.0.0.1:{first.sandbox_port}",
                **SECRETS,
            },
            own_sandbox=False,
        )
        nodes.append(second)
        second.key = first.key
        second.start()
        yield nodes
    finally:
        for node in reversed(nodes):
            node.close()
        remove(root)


def receive(gateway, numbers):
    for number in numbers:
        answer = gateway.signed_webhook(
            "incoming",
            {
                "MessageSid": f"SM{number:032x}", "AccountSid": gateway.sandbox.account_sid,
                "From": f"+1415888{number % 5:04d}", "To": "+15005550006", "Body": str(number), "NumMedia": "0",
            },
        )  # fmt: skip
        assert answer.status_code == 200, answer.text


def test_without_notifications_events_of_one_node_reach_clients_and_webhooks_of_the_other(nodes):
    committing, serving = nodes
    hooks, heard = Hooks(), []
    stream = serving.stream()
    client = socketio.Client(reconnection=False)
    count = 30
    try:
        stream.subscribe()
        client.on("message:new", heard.append, namespace="/messaging")
        client.connect(
            serving.base_url, auth={"token": serving.key}, namespaces=["/messaging"], transports=["websocket"])
        serving.post("/api/webhooks", {"url": hooks.url, "events": [NEW]}, status=201)
        # In two parts: the second one comes when the reader has long been waiting for something to wake it.
        for part in (range(count // 2), range(count // 2, count)):
            receive(committing, part)
            until(
                lambda part=part: len(hooks.accepted()) == part.stop,
                lambda: f"all webhooks; got {len(hooks.accepted())}",
            )
            until(
                lambda part=part: len([event for event in stream.events if event["type"] == NEW]) == part.stop,
                lambda: f"all events; got {len(stream.events)}",
            )
            until(lambda part=part: len(heard) == part.stop, lambda: f"all at Socket.IO; got {len(heard)}")
        numbers = [event["seq"] for event in stream.events]
        assert numbers == sorted(set(numbers))
        by_conversation = {}
        for request in hooks.accepted():
            by_conversation.setdefault(request.body["conversationId"], []).append(request.body["seq"])
        assert len(by_conversation) == 5
        assert all(seqs == sorted(set(seqs)) for seqs in by_conversation.values())
    finally:
        client.disconnect()
        stream.close()
        hooks.close()
