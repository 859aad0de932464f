"""From a phone to the WebSocket, a registered webhook and the log, and an answer back."""

import json
import threading
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from sandbox import WHATSAPP_NUMBER
from waiting import until

ROUNDS = 9


@pytest.fixture
def endpoint(gateway, receiver):
    """A registered webhook; its resource with `secret`."""
    webhook = gateway.post("/api/webhooks", {"url": f"{receiver.url}/hook", "description": "interop"}, status=201)
    yield webhook
    gateway.call("DELETE", f"/api/webhooks/{webhook['id']}")


def verified(endpoint, request):
    """The body, once the reference library has found the signature valid."""
    return Webhook(endpoint["secret"]).verify(request.body, request.headers)


class LogLines:
    """Follows the log sink's lines on standard output, and notes when each one came."""

    def __init__(self, path):
        self.lines = []
        self.file = open(path, "rb")
        self.file.seek(0, 2)
        self.is_open = True
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        partial = b""
        while self.is_open:
            partial += self.file.read()
            at = time.perf_counter()
            *whole, partial = partial.split(b"\n")
            self.lines += [(at, json.loads(line)) for line in whole if line.startswith(b"{")]
            time.sleep(0.001)

    def wait_for(self, id):
        """When the line of an event came."""
        return until(
            lambda: next((at for at, line in list(self.lines) if line.get("id") == id), None),
            lambda: f"the log line of {id}; got {[line for _, line in self.lines[-5:]]}",
            pause=0.002,
        )

    def close(self):
        self.is_open = False
        self.thread.join(5)
        self.file.close()


def test_a_text_from_a_phone_reaches_every_sink_and_is_answered(gateway, stream, receiver, endpoint, phone, measured):
    log = LogLines(gateway.program.output_path)
    latencies = {"WebSocket": [], "webhook": [], "log": []}
    try:
        for round in range(ROUNDS):
            text = f"Hi {round} 👋"
            begin = time.perf_counter()
            receipt = gateway.sandbox.text(phone, text)
            assert receipt["webhook"]["status"] == 200

            event = stream.wait_for_event("message.new", lambda data: data["providerSid"] == receipt["sid"])
            request = receiver.wait_for(lambda request: request.headers["webhook-id"] == event["id"], "the webhook")
            logged = log.wait_for(event["id"])
            if round > 0:  # The first one opens connections and prepares statements.
                latencies["WebSocket"].append((stream.arrival(event) - begin) * 1000)
                latencies["webhook"].append((request.at - begin) * 1000)
                latencies["log"].append((logged - begin) * 1000)

            data = event["data"]
            assert (data["body"], data["from"], data["status"]) == (text, phone, "received")
            assert (data["direction"], data["channel"], data["channelType"]) == ("inbound", "sms", "sms")
            body = verified(endpoint, request)
            assert (body["type"], body["seq"], body["conversationId"]) == (
                "message.new", event["seq"], event["conversationId"])
            assert body["data"] == data
    finally:
        log.close()

    # Order within a conversation is kept.
    told = [json.loads(request.body) for request in receiver.requests]
    texts = [body["data"]["body"] for body in told if body["type"] == "message.new"]
    assert texts == [f"Hi {round} 👋" for round in range(ROUNDS)]

    begin = time.perf_counter()
    reply = gateway.post(
        "/api/messages", {"to": phone, "body": "Hello"}, status=202)  # By the contact's last-used channel.
    event = stream.wait_for_event(
        "message.status", lambda data: data["id"] == reply["id"] and data["status"] == "delivered")
    answered = (stream.arrival(event) - begin) * 1000
    assert reply["conversationId"] == data["conversationId"]

    for sink, milliseconds in latencies.items():
        measured(f"phone to {sink}", milliseconds)
        assert sorted(milliseconds)[len(milliseconds) // 2] < 5000
    measured("reply to delivered (the sandbox takes 35 ms of it)", [answered])


def test_a_changed_webhook_body_does_not_verify(gateway, receiver, endpoint, phone):
    gateway.sandbox.text(phone, "pay 10")
    request = receiver.wait_for(lambda request: b"pay 10" in request.body, "the webhook")
    verified(endpoint, request)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(request.body.replace(b"pay 10", b"pay 99"), request.headers)


def test_a_rotated_secret_signs_beside_the_old_one(gateway, receiver, endpoint, phone):
    rotated = gateway.post(f"/api/webhooks/{endpoint['id']}/rotate-secret")
    assert rotated["secret"] != endpoint["secret"]
    gateway.sandbox.text(phone, "both")
    request = receiver.wait_for(lambda request: b"both" in request.body, "the webhook")
    assert verified(endpoint, request) == verified(rotated, request)


def test_an_endpoint_gets_only_what_it_asked_for(gateway, receiver, phone):
    webhook = gateway.post(
        "/api/webhooks", {"url": f"{receiver.url}/some", "events": ["message.status"]}, status=201)
    try:
        gateway.sandbox.text(phone, "not for you")
        message = gateway.send(phone)

        def tells_delivery(request):
            data = json.loads(request.body)["data"]
            return data.get("id") == message["id"] and data["status"] == "delivered"

        receiver.wait_for(tells_delivery, "the delivered event")
        assert {json.loads(request.body)["type"] for request in receiver.requests} == {"message.status"}
    finally:
        gateway.call("DELETE", f"/api/webhooks/{webhook['id']}")


def test_a_failed_delivery_is_tried_again_with_the_same_id(gateway, receiver, endpoint, phone):
    receiver.status = 500
    gateway.sandbox.text(phone, "again")
    first = receiver.wait_for(lambda request: b"again" in request.body, "the first attempt")
    receiver.status = 200
    def is_again(request):
        return request is not first and request.headers["webhook-id"] == first.headers["webhook-id"]

    second = receiver.wait_for(is_again, "the second attempt", deadline=30)
    assert second.body == first.body
    assert verified(endpoint, second)["data"]["body"] == "again"


def test_a_whatsapp_button_is_understood(gateway, stream, phone):
    gateway.sandbox.text(
        f"whatsapp:{phone}", "Yes", to=WHATSAPP_NUMBER, extra={"ButtonPayload": "yes-1", "ButtonText": "Yes"})
    data = stream.wait_for_event("message.new", lambda data: data["from"] == phone)["data"]
    assert data["channelType"] == "whatsapp"
    assert data["content"]["kind"] == "buttonReply"
    assert (data["content"]["text"], data["content"]["payload"]) == ("Yes", "yes-1")


def test_a_picture_comes_with_its_media(gateway, stream, phone):
    gateway.sandbox.text(phone, "look", media=[{"contentType": "image/png"}])
    data = stream.wait_for_event("message.new", lambda data: data["from"] == phone)["data"]
    assert data["channelType"] == "mms"
    assert (data["content"]["kind"], data["content"]["caption"]) == ("media", "look")
    assert [item["contentType"] for item in data["media"]] == ["image/png"]
