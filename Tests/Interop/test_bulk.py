"""A bulk through `kill -9`: every recipient's message goes out once."""

from collections import Counter

from gateway import gateway_beside_sandbox
from waiting import until


def test_a_bulk_that_kill_9_interrupts_goes_out_once(directory):
    """The sandbox lives on in a process of its own, as Twilio does."""
    count = 120
    with gateway_beside_sandbox(directory, pace=20) as gateway:
        sandbox = gateway.sandbox
        recipients = [{"to": f"+1415778{number:04}", "variables": {"n": str(number)}} for number in range(count)]
        bulk = gateway.post(
            "/api/messages/bulk", {"channel": "sms", "body": "bulk {{n}}", "recipients": recipients}, status=202)
        assert bulk["accepted"] == count and bulk["rejected"] == []

        def sent():
            return [message["body"] for message in sandbox.log()["messages"]]

        for share in (0.2, 0.5):
            until(lambda: len(sent()) >= count * share, lambda: f"some are sent: {len(sent())}", 60)
            gateway.program.kill()
            gateway.start()

        def progress():
            return gateway.get(f"/api/messages/bulk/{bulk['id']}")

        until(lambda: progress()["state"] == "completed", lambda: f"the bulk ends: {progress()}", 120, pause=0.1)
        assert Counter(sent()) == Counter({f"bulk {number}": 1 for number in range(count)})
        counts = progress()["counts"]
        assert sum(counts.values()) == count and counts["rejected"] == counts["failed"] == 0
