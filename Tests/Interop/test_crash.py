"""`kill -9`: what was accepted is still there, and nothing went out twice."""

import threading
from collections import Counter
from contextlib import closing

import requests

from gateway import Gateway, gateway_beside_sandbox
from receiver import Receiver
from waiting import until


def test_everything_is_still_there_after_kill_9(directory, phone):
    gateway = Gateway(directory, pace=None)
    try:
        gateway.start()
        stream = gateway.stream()
        ready = stream.subscribe()
        for number in range(5):
            gateway.sandbox.text(phone, f"in {number}")
        reply = gateway.send(phone, "out")
        gateway.settled(reply["id"], "delivered")
        stream.wait_for_event(
            "message.status", lambda data: data["id"] == reply["id"] and data["status"] == "delivered")
        seen = stream.events
        messages = gateway.all_messages()
        conversations = gateway.get("/api/conversations")["data"]

        gateway.program.kill()
        stream.wait_for_close()
        gateway.start()

        assert gateway.all_messages() == messages
        assert gateway.get("/api/conversations")["data"] == conversations
        # The log goes on where it was: a client that resumes gets what it had not seen, and no more.
        again = gateway.stream()
        assert again.subscribe(after=seen[-1]["seq"], epoch=ready["epoch"])["type"] == "ready"
        gateway.sandbox.text(phone, "after")
        event = again.wait_for_event("message.new")
        assert event["data"]["body"] == "after" and event["seq"] > seen[-1]["seq"]
        assert event["conversationId"] == reply["conversationId"]
        again.close()

        replayed = gateway.stream()
        replayed.subscribe(after=ready["seq"], epoch=ready["epoch"])
        replayed.wait_for_event("message.new", lambda data: data["body"] == "after")
        assert replayed.events[: len(seen)] == seen
        replayed.close()
    finally:
        gateway.close()


def test_sends_that_kill_9_interrupts_go_out_once(directory):
    """The sandbox lives on in a process of its own, as Twilio does."""
    count = 40
    with gateway_beside_sandbox(directory, pace=20) as gateway:
        sandbox = gateway.sandbox
        queued = [gateway.send(f"+1415777{number:04}", f"once {number}") for number in range(count)]

        def sent():
            return [message["body"] for message in sandbox.log()["messages"]]

        for share in (0.25, 0.6):
            until(lambda: len(sent()) >= count * share, lambda: f"some are sent: {len(sent())}", 60)
            gateway.program.kill()
            gateway.start()

        # Callbacks of the time without a gateway are lost; what counts here is that every send is settled.
        def unsettled():
            return [message["body"] for message in gateway.all_messages(status="queued,sending")]

        until(lambda: not unsettled(), lambda: f"every send is settled: {unsettled()}", 120, pause=0.1)
        assert Counter(sent()) == Counter({f"once {number}": 1 for number in range(count)})
        messages = gateway.all_messages()
        assert {message["id"] for message in messages} == {message["id"] for message in queued}
        assert {message["status"] for message in messages} <= {"accepted", "sent", "delivered"}
        sids = {message["body"]: message["sid"] for message in sandbox.log()["messages"]}
        assert {message["body"]: message["providerSid"] for message in messages} == sids


def test_texts_that_were_answered_200_survive_kill_9(directory):
    """Phones go on texting while the gateway is killed: every 200 is a stored message, whatever else is lost."""
    with closing(Receiver()) as receiver, gateway_beside_sandbox(directory) as gateway:
        sandbox = gateway.sandbox
        gateway.post("/api/webhooks", {"url": receiver.url, "events": ["message.new"]}, status=201)
        sandbox.control("webhook", incoming=f"{gateway.base_url}/webhooks/twilio/incoming")
        confirmed, stop = [], threading.Event()

        def texts(worker):
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    receipt = sandbox.text(f"+1415888{worker:04}", f"{worker}.{number}")
                except (AssertionError, requests.RequestException):
                    continue
                if receipt["webhook"]["status"] == 200:
                    confirmed.append(receipt["sid"])

        workers = [threading.Thread(target=texts, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        try:
            until(lambda: len(confirmed) > 100, "the first texts are in")
            gateway.program.kill()
            gateway.start()
            before = len(confirmed)
            until(lambda: len(confirmed) > before + 50, "texts come in again")
        finally:
            stop.set()
            for worker in workers:
                worker.join(30)

        stored = Counter(message["providerSid"] for message in gateway.all_messages(direction="inbound"))
        assert [sid for sid in confirmed if sid not in stored] == []
        assert [sid for sid, times in stored.items() if times > 1] == []
        # And every one of them reaches the webhook: the same id is the same event. What was on its way at the kill
        # waits until its lease has run out.
        told = until(
            lambda: len({request.headers["webhook-id"] for request in list(receiver.requests)}) >= len(stored),
            lambda: f"{len(stored)} events at the webhook, not {len(receiver.requests)}",
            150,
        )
        assert told
