"""Messages out, and the lists of them."""

import re
import uuid

from sandbox import WHATSAPP_NUMBER

RANK = {"queued": 0, "scheduled": 0, "sending": 1, "accepted": 2, "sent": 3, "delivered": 4, "read": 5}


def test_a_sent_message_is_queued_and_comes_to_delivered(gateway, stream, phone):
    answer = gateway.call(
        "POST", "/api/messages", json={"to": phone, "body": "Grüße 👋", "channel": "sms", "metadata": {"order": "7"}})
    assert answer.status_code == 202
    queued = answer.json()
    assert answer.headers["Location"].endswith(f"/api/messages/{queued['id']}")
    assert uuid.UUID(queued["id"]).version == 7
    assert (queued["status"], queued["direction"], queued["channel"]) == ("queued", "outbound", "sms")
    assert (queued["to"], queued["body"], queued["metadata"]) == (phone, "Grüße 👋", {"order": "7"})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", queued["createdAt"])

    message = gateway.settled(queued["id"], "delivered")
    assert message["providerSid"].startswith("SM")
    assert message["error"] is None
    assert message["segments"] == {"count": 1, "encoding": "UCS-2"}
    assert message["sentAt"] and message["deliveredAt"]

    history = message["statusHistory"]
    words = [entry["status"] for entry in history if entry["status"]]
    assert words[0] == "queued" and "delivered" in words and "sent" in words
    assert len({(entry["status"], entry["providerStatus"], entry["errorCode"]) for entry in history}) == len(history)
    assert {entry["source"] for entry in history} <= {"api", "provider", "callback", "poll"}

    assert [entry["body"] for entry in gateway.sandbox.log()["messages"] if entry["to"] == phone] == ["Grüße 👋"]

    def is_ours(data):
        return data["id"] == queued["id"]

    stream.wait_for_event("message.status", lambda data: is_ours(data) and data["status"] == "delivered")
    events = [event for event in stream.events if event["type"].startswith("message.") and is_ours(event["data"])]
    assert events[0]["type"] == "message.queued"
    changes = [event["data"] for event in events if event["type"] == "message.status"]
    assert [change["previousStatus"] for change in changes] == ["queued"] + [
        change["status"] for change in changes[:-1]]
    ranks = [RANK[change["status"]] for change in changes]
    assert ranks == sorted(ranks)
    numbers = [event["seq"] for event in stream.events]
    assert numbers == sorted(set(numbers))


def test_what_twilio_refuses_is_a_failed_message_with_its_error(gateway):
    message = gateway.send("+15005550009")
    failed = gateway.settled(message["id"], "failed")
    assert failed["error"]["code"] == "21614"
    assert failed["error"]["message"] and failed["error"]["explanation"]
    assert failed["error"]["retryable"] is False


def test_what_the_carrier_refuses_is_undelivered_with_its_error(gateway):
    message = gateway.send("+15005550103")
    assert gateway.settled(message["id"], "undelivered")["error"]["code"] == "30003"


def test_whatsapp_outside_its_window_is_refused(gateway, phone):
    answer = gateway.call("POST", "/api/messages", json={"to": f"whatsapp:{phone}", "body": "Hello?"})
    assert (answer.status_code, answer.json().get("code")) == (422, "outside_window")


def test_whatsapp_is_answered_in_its_window_and_read(gateway, stream, phone):
    gateway.sandbox.text(f"whatsapp:{phone}", "Hi", to=WHATSAPP_NUMBER)
    received = stream.wait_for_event("message.new", lambda data: data["from"] == phone)["data"]
    assert (received["channelType"], received["status"]) == ("whatsapp", "received")

    reply = gateway.send(phone, "Hello", channel="whatsapp")
    assert reply["conversationId"] == received["conversationId"]
    message = gateway.settled(reply["id"], "read")
    assert message["readAt"] and message["deliveredAt"]
    stream.wait_for_event("message.read", lambda data: data["id"] == reply["id"])
    conversation = gateway.get(f"/api/conversations/{reply['conversationId']}")
    assert conversation["window"]["open"] is True


def test_a_message_that_waits_with_the_provider_does_not_move(gateway, phone):
    message = gateway.send("+15005550190")
    gateway.settled(message["id"], "accepted")
    gateway.settled(gateway.send(phone)["id"], "delivered")
    waiting = gateway.message(message["id"])
    assert (waiting["status"], waiting["deliveredAt"]) == ("accepted", None)


def test_a_list_is_paged_newest_first_and_keeps_its_place(gateway, phone):
    sent = [gateway.send(phone, str(number)) for number in range(5)]
    conversation = sent[0]["conversationId"]
    assert {message["conversationId"] for message in sent} == {conversation}

    first = gateway.get("/api/messages", conversation=conversation, limit=2)
    # What comes meanwhile does not shift the pages.
    gateway.send(phone, "late")
    second = gateway.get("/api/messages", conversation=conversation, limit=2, cursor=first["nextCursor"])
    third = gateway.get("/api/messages", conversation=conversation, limit=2, cursor=second["nextCursor"])
    bodies = [message["body"] for page in (first, second, third) for message in page["data"]]
    assert bodies == ["4", "3", "2", "1", "0"]
    assert third["nextCursor"] is None


def test_a_list_is_filtered(gateway, phone):
    gateway.sandbox.text(phone, "question")
    sent = gateway.send(phone, "answer")
    gateway.settled(sent["id"], "delivered")
    conversation = sent["conversationId"]

    def bodies(**filters):
        return [message["body"] for message in gateway.all_messages(conversation=conversation, **filters)]

    assert bodies() == ["answer", "question"]
    assert bodies(direction="inbound") == ["question"]
    assert bodies(status="received,delivered") == ["answer", "question"]
    assert bodies(status="failed") == []
    assert bodies(since=sent["createdAt"]) == ["answer"]
    assert bodies(until=sent["createdAt"]) == ["question"]


def test_a_conversation_knows_its_last_message_and_what_is_unread(gateway, phone):
    gateway.sandbox.text(phone, "one")
    sid = gateway.sandbox.text(phone, "two")["sid"]
    id = gateway.messages_with_sid(sid)[0]["conversationId"]
    conversation = gateway.get(f"/api/conversations/{id}")
    assert (conversation["unreadCount"], conversation["lastMessage"]["body"]) == (2, "two")
    assert [message["body"] for message in conversation["messages"]["data"]] == ["two", "one"]
    assert gateway.call("PATCH", f"/api/conversations/{id}/read").status_code == 200
    assert gateway.get(f"/api/conversations/{id}")["unreadCount"] == 0
