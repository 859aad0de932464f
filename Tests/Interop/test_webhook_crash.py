"""`kill -9` while events flow to a webhook: each arrives, none is skipped, order is kept."""

import http.client
import json
import random
import re
import threading
import time
import zlib
from collections import defaultdict
from urllib.parse import urlencode

from standardwebhooks.webhooks import Webhook
from twilio.request_validator import RequestValidator

from gateway import Gateway
from hooks import Hooks
from waiting import until

ACCOUNT, TOKEN = "AC" + "fe" * 16, "0123456789abcdef" * 2
EVENTS = 10_000
MESSAGES = 7_000
CONTACTS = 200
WORKERS = 8


class Texts:
    """Phones that text in, each message until it is answered 200, in order for each phone."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.validator = RequestValidator(TOKEN)
        self.confirmed = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(worker,), daemon=True) for worker in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def run(self, worker):
        connection = None
        for number in range(worker, MESSAGES, WORKERS):
            fields = {
                "AccountSid": ACCOUNT, "From": f"+1415777{number % CONTACTS:04}", "To": "+15005550006",
                "MessageSid": f"SM{number:032x}", "Body": f"number {number}", "NumMedia": "0",
            }
            url = self.gateway.base_url + "/webhooks/twilio/incoming"
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": self.validator.compute_signature(url, fields),
            }
            while True:
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=15)
                    connection.request("POST", "/webhooks/twilio/incoming", urlencode(fields), headers)
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status == 200:
                        break
                except (OSError, http.client.HTTPException):
                    pass
                if connection:
                    connection.close()
                connection = None
                time.sleep(0.05)
            with self.lock:
                self.confirmed += 1


def log_of(gateway):
    """All events there are, oldest first."""
    events, after = [], 0
    while True:
        page = gateway.get("/api/events", after=after, limit=200)
        events += page["data"]
        if not page["data"]:
            return events
        after = page["data"][-1]["seq"]


def assert_order(hooks, told):
    """In each conversation an event is first taken only after all before it."""
    taken, order = set(), defaultdict(list)
    for request in hooks.accepted():
        if request.id not in taken:
            taken.add(request.id)
            order[told[request.id]["conversationId"]].append(told[request.id]["seq"])
    for conversation, seqs in order.items():
        if conversation is not None:
            assert seqs == sorted(seqs), conversation


def test_every_event_reaches_the_webhook_in_order_however_often_the_gateway_is_killed(directory):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    gateway = Gateway(
        directory, {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "LOG_LEVEL": "warning"},
        own_sandbox=False)
    path = directory / "channels.yaml"
    path.write_text(
        re.sub(r"retry: *\[.*?\]", "retry: [100ms, 200ms, 500ms, 1s, 2s, 5s, 5s, 5s]", path.read_text(), flags=re.S))
    failed = set()

    def answer(headers, body):
        # Some ids are refused, each once.
        if zlib.crc32(headers["webhook-id"].encode()) % 50 == 0 and headers["webhook-id"] not in failed:
            failed.add(headers["webhook-id"])
            return 503
        return 200

    hooks, replayed = Hooks(answer), Hooks(answer)
    try:
        gateway.start()
        webhook = gateway.post("/api/webhooks", {"url": hooks.url}, status=201)
        texts = Texts(gateway)
        kills = 0
        end = time.monotonic() + 60
        while texts.confirmed < MESSAGES and time.monotonic() < end and kills < 8:
            time.sleep(dice.uniform(1.0, 4.0))
            gateway.program.kill()
            kills += 1
            gateway.start()
        for thread in texts.threads:
            thread.join(120)
        assert texts.confirmed == MESSAGES and kills >= 2
        events = log_of(gateway)
        assert len(events) >= EVENTS
        ids = {event["id"] for event in events}
        until(
            lambda: len(ids - {request.id for request in hooks.accepted()}) == 0,
            lambda: f"{len(ids - {r.id for r in hooks.accepted()})} of {len(ids)} events have not come", 90, pause=0.5)

        # Every id is one event, the same on every attempt.
        bodies = {}
        for request in hooks.requests:
            assert bodies.setdefault(request.id, request.raw) == request.raw
        told = {event["id"]: event for event in events}
        assert set(bodies) == ids
        for id, raw in bodies.items():
            body = json.loads(raw)
            assert (body["seq"], body["type"]) == (told[id]["seq"], told[id]["type"])
        assert_order(hooks, told)
        last = hooks.requests[-1]
        Webhook(webhook["secret"]).verify(last.raw, last.headers)
        again = len(hooks.requests) - len(ids) - len(failed)
        print(f"{kills} kills, {len(ids)} events, {len(failed)} refused once, {again} delivered again")

        # All of it once more to an endpoint that is new, with kills in the middle of the replay.
        failed.clear()
        begin = {"since": "2020-01-01T00:00:00Z", "until": events[-1]["at"]}
        late = gateway.post("/api/webhooks", {"url": replayed.url}, status=201)
        count = gateway.post(f"/api/webhooks/{late['id']}/replay", begin, status=202)["count"]
        expected = {event["id"] for event in events if event["at"] < begin["until"]}
        assert count == len(expected)
        for part in (0.1, 0.5):
            until(lambda: len(replayed.requests) > part * count, "the replay has begun", 60, pause=0.01)
            gateway.program.kill()
            at_kill = len({request.id for request in replayed.accepted()})
            assert at_kill < count
            gateway.start()
        until(
            lambda: len(expected - {request.id for request in replayed.accepted()}) == 0,
            lambda: f"{len(expected - {r.id for r in replayed.accepted()})} of {count} have not come", 90, pause=0.5)
        assert_order(replayed, told)
    finally:
        gateway.close()
        hooks.close()
        replayed.close()
