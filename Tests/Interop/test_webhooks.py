"""Endpoints and their deliveries through the API, as an integrator uses them."""

import re
import time
from datetime import datetime, timezone

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway import Gateway
from hooks import Hooks
from waiting import until


@pytest.fixture(scope="module")
def quick(session_directory):
    """A gateway that tries again soon and gives up soon."""
    place = session_directory / "quick"
    place.mkdir(mode=0o755)
    gateway = Gateway(place)
    path = place / "channels.yaml"
    path.write_text(
        re.sub(r"retry: *\[.*?\]", "retry: [300ms, 300ms, 1s]\n    catchUp: 20", path.read_text(), flags=re.S))
    try:
        yield gateway.start()
    finally:
        gateway.close()


@pytest.fixture
def hooks():
    hooks = Hooks()
    yield hooks
    hooks.close()


@pytest.fixture
def webhook(quick, hooks):
    webhook = quick.post("/api/webhooks", {"url": hooks.url, "events": ["message.new"]}, status=201)
    yield webhook
    quick.call("DELETE", f"/api/webhooks/{webhook['id']}")


def deliveries(gateway, webhook, **filters):
    return gateway.get(f"/api/webhooks/{webhook['id']}/deliveries", **filters)["data"]


def patched(gateway, webhook, **changes):
    answer = gateway.call("PATCH", f"/api/webhooks/{webhook['id']}", json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_delivery_is_shown_with_its_attempts(quick, hooks, webhook, phone):
    answers = iter([500, 200])
    hooks.answer = lambda headers, body: next(answers, 200)
    quick.sandbox.text(phone, "twice")
    hooks.wait_for(2)
    shown = until(
        lambda: next((one for one in deliveries(quick, webhook) if one["state"] == "delivered"), None), "delivered")
    first, second = hooks.requests
    assert first.id == second.id == shown["eventId"] and first.raw == second.raw
    assert (shown["webhookId"], shown["type"], shown["nextAttemptAt"]) == (webhook["id"], "message.new", None)
    assert shown["seq"] == first.body["seq"]
    assert [attempt["status"] for attempt in shown["attempts"]] == [500, 200]
    assert [attempt["response"] for attempt in shown["attempts"]] == ["status 500", "status 200"]
    assert all(attempt["latencyMs"] > 0 and attempt["error"] is None for attempt in shown["attempts"])
    # Each attempt is signed anew.
    for request in hooks.requests:
        Webhook(webhook["secret"]).verify(request.raw, request.headers)


def test_what_comes_after_a_failed_delivery_is_held_and_then_goes_in_order(quick, hooks, webhook, phone):
    fails = [True]
    hooks.answer = lambda headers, body: 503 if fails[0] and b"first" in body else 200
    quick.sandbox.text(phone, "first")
    hooks.wait_for(1)
    quick.sandbox.text(phone, "second")
    other = quick.sandbox.text("+14155559999", "another conversation")
    until(lambda: any(r.body["data"]["providerSid"] == other["sid"] for r in hooks.accepted()), "the other one")
    until(lambda: deliveries(quick, webhook, state="held"), "the second is held")
    assert not any(r.body["data"]["body"] == "second" for r in hooks.requests)
    fails[0] = False
    until(lambda: len(hooks.accepted()) == 3, "all are there")
    assert [r.body["data"]["body"] for r in hooks.accepted()][1:] == ["first", "second"]


def test_dead_letters_are_listed_and_tried_again(quick, hooks, webhook, phone):
    hooks.answer = lambda headers, body: 500
    quick.sandbox.text(phone, "dead")
    dead = until(lambda: deliveries(quick, webhook, state="dead"), "dead after the last pause")
    assert len(dead) == 1 and len(dead[0]["attempts"]) == 4
    hooks.answer = lambda headers, body: 200
    again = quick.post(f"/api/deliveries/{dead[0]['id']}/retry", status=202)
    assert (again["id"], again["state"]) == (dead[0]["id"], "pending")
    delivered = until(lambda: deliveries(quick, webhook, state="delivered"), "delivered")
    assert delivered[0]["id"] == dead[0]["id"] and len(delivered[0]["attempts"]) == 5
    assert len({request.id for request in hooks.requests}) == 1
    assert quick.call("POST", f"/api/deliveries/{webhook['id']}/retry").status_code == 404


def test_a_time_range_is_replayed_with_the_same_ids(quick, hooks, webhook, phone):
    before = now()
    for number in range(5):
        quick.sandbox.text(phone, f"replay {number}")
    hooks.wait_for(5)
    until(lambda: len(deliveries(quick, webhook, state="delivered")) == 5, "all are written")
    after = now()
    answer = quick.post(f"/api/webhooks/{webhook['id']}/replay", {"since": before, "until": after}, status=202)
    assert answer == {"count": 5}
    hooks.wait_for(10)
    first, second = hooks.requests[:5], hooks.requests[5:10]
    assert [r.id for r in first] == [r.id for r in second] and [r.raw for r in first] == [r.raw for r in second]
    assert quick.post(f"/api/webhooks/{webhook['id']}/replay", {"since": after}, status=202) == {"count": 0}
    for body in ({}, {"since": "yesterday"}, {"since": after, "until": before}, {"since": before, "unitl": after}):
        assert quick.call("POST", f"/api/webhooks/{webhook['id']}/replay", json=body).status_code == 422, body


def test_a_paused_endpoint_collects_and_catches_up_at_a_bounded_rate(quick, hooks, webhook, phone):
    assert patched(quick, webhook, active=False)["active"] is False
    for number in range(30):
        quick.sandbox.text(phone, f"paused {number}")
    until(lambda: len(deliveries(quick, webhook, state="pending")) == 30, "thirty are collected")
    assert hooks.requests == []
    begin = time.monotonic()
    resumed = patched(quick, webhook, active=True)
    assert resumed["active"] is True and resumed["disabledReason"] is None
    # Another conversation's text does not wait until that is caught up.
    quick.sandbox.text(phone[:-4] + f"{(int(phone[-4:]) + 5000) % 10000:04}", "new")
    hooks.wait_for(31)
    bodies = [request.body["data"]["body"] for request in hooks.requests]
    assert bodies.index("new") < 25, bodies
    old = [request for request in hooks.requests if request.body["data"]["body"] != "new"]
    # Twenty a second, as configured.
    assert 1.3 <= old[29].at - begin < 10, old[29].at - begin
    assert [r.body["data"]["body"] for r in old] == [f"paused {number}" for number in range(30)]


def test_410_disables_and_switching_on_enables_again(quick, hooks, webhook, phone):
    hooks.answer = lambda headers, body: 410
    quick.sandbox.text(phone, "gone")
    shown = until(
        lambda: (one := quick.get(f"/api/webhooks/{webhook['id']}"))["active"] is False and one, "it is disabled")
    assert "410" in shown["disabledReason"] and shown["disabledAt"]
    told = quick.get("/api/events", types="webhook.disabled", limit=200)["data"]
    assert any(event["data"]["id"] == webhook["id"] for event in told)
    hooks.answer = lambda headers, body: 200
    patched(quick, webhook, active=True)
    quick.sandbox.text(phone, "back")
    until(lambda: any(r.body["data"]["body"] == "back" for r in hooks.accepted()), "it is told again")


def test_retry_after_is_honoured(quick, hooks, webhook, phone):
    answers = iter([(429, {"retry-after": "3"})])
    hooks.answer = lambda headers, body: next(answers, 200)
    quick.sandbox.text(phone, "later")
    hooks.wait_for(2)
    assert hooks.requests[1].at - hooks.requests[0].at >= 2.9


def test_a_rotated_secret_verifies_and_the_old_one_beside_it(quick, hooks, webhook, phone):
    rotated = quick.post(f"/api/webhooks/{webhook['id']}/rotate-secret", status=200)
    assert rotated["secret"].startswith("whsec_") and rotated["secret"] != webhook["secret"]
    assert "secret" not in quick.get(f"/api/webhooks/{webhook['id']}")
    quick.sandbox.text(phone, "both")
    request = hooks.wait_for(1)[0]
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in (webhook["secret"], rotated["secret"]):
        assert Webhook(secret).verify(request.raw, request.headers)["type"] == "message.new"
    # Whoever has not got the second yet has a day for it all the same.
    again = quick.post(f"/api/webhooks/{webhook['id']}/rotate-secret", status=200)
    quick.sandbox.text(phone, "again")
    request = hooks.wait_for(2)[1]
    for secret in (webhook["secret"], rotated["secret"], again["secret"]):
        Webhook(secret).verify(request.raw, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(request.raw, request.headers)


def test_a_test_makes_one_attempt_and_tells_how_it_went(quick, hooks, webhook):
    attempt = quick.post(f"/api/webhooks/{webhook['id']}/test", status=200)
    assert (attempt["status"], attempt["error"], attempt["response"]) == (200, None, "status 200")
    request = hooks.requests[0]
    body = Webhook(webhook["secret"]).verify(request.raw, request.headers)
    assert (body["type"], body["data"]) == ("webhook.test", {"webhookId": webhook["id"]})
    hooks.answer = lambda headers, body: 500
    assert quick.post(f"/api/webhooks/{webhook['id']}/test", status=200)["status"] == 500
    assert deliveries(quick, webhook) == []


def test_what_is_changed_holds_from_the_next_attempt_on(quick, hooks, webhook, phone):
    changed = patched(
        quick, webhook, description="ours", headers={"X-Team": "blue"}, timeout=2, concurrency=3, rateLimit=50,
        events=["message.new", "contact.updated"])
    assert (changed["timeout"], changed["concurrency"], changed["rateLimit"]) == (2, 3, 50)
    assert changed["updatedAt"] > changed["createdAt"] and "secret" not in changed
    assert quick.get(f"/api/webhooks/{webhook['id']}") == changed
    quick.sandbox.text(phone, "changed")
    until(lambda: {r.body["type"] for r in hooks.requests} == {"message.new", "contact.updated"}, "both types")
    assert {r.headers["x-team"] for r in hooks.requests} == {"blue"}
    other = Hooks()
    try:
        cleared = patched(quick, webhook, url=other.url, timeout=None, rateLimit=None, description=None)
        assert (cleared["timeout"], cleared["rateLimit"], cleared["description"]) == (None, None, None)
        assert cleared["concurrency"] == 3
        quick.sandbox.text(phone, "elsewhere")
        assert other.wait_for(1)[0].body["data"]["body"] == "elsewhere"
    finally:
        other.close()


@pytest.mark.parametrize("change", [
    {"url": "http://10.0.0.1/"}, {"url": "ftp://example.com"}, {"url": ""}, {"events": ["message.lost"]},
    {"channels": ["pigeon"]}, {"headers": {"Host": "x"}}, {"headers": {"webhook-id": "x"}}, {"headers": {"a b": "x"}},
    {"headers": {"X": "a\r\nb"}}, {"timeout": 0}, {"timeout": 61}, {"concurrency": 0}, {"rateLimit": 0},
    {"active": "yes"}, {"secret": "whsec_x"},
])
def test_what_cannot_be_is_refused_by_name(quick, webhook, change):
    answer = quick.call("PATCH", f"/api/webhooks/{webhook['id']}", json=change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(next(iter(change)))
    assert quick.get(f"/api/webhooks/{webhook['id']}")["url"] == webhook["url"]


def test_paths_of_a_webhook_need_the_scope_and_an_id_that_exists(quick, webhook):
    reader = quick.create_key("read,send")
    unknown = "01900000-0000-7000-8000-000000000000"
    for method, path, body in [
        ("GET", "/api/webhooks/{}", None), ("PATCH", "/api/webhooks/{}", {}), ("DELETE", "/api/webhooks/{}", None),
        ("POST", "/api/webhooks/{}/test", None), ("POST", "/api/webhooks/{}/rotate-secret", None),
        ("GET", "/api/webhooks/{}/deliveries", None), ("POST", "/api/deliveries/{}/retry", None),
        ("POST", "/api/webhooks/{}/replay", {"since": "2026-01-01T00:00:00Z"}),
    ]:
        assert quick.call(method, path.format(webhook["id"]), key="", json=body).status_code == 401, path
        assert quick.call(method, path.format(webhook["id"]), key=reader, json=body).status_code == 403, path
        assert quick.call(method, path.format(unknown), json=body).status_code == 404, path
        assert quick.call(method, path.format("nothing"), json=body).status_code == 404, path
    answer = quick.call("GET", f"/api/webhooks/{webhook['id']}/deliveries", params={"state": "lost"})
    assert answer.status_code == 422


def test_metrics_show_what_waits_for_an_endpoint_that_gets_nothing(quick, hooks, webhook, phone):
    patched(quick, webhook, active=False)
    quick.sandbox.text(phone, "waits")

    def gauge(name):
        text = quick.call("GET", "/metrics", key="").text
        match = re.search(rf'^{name}{{endpoint="{webhook["id"]}"}} (\S+)$', text, re.M)
        return float(match.group(1)) if match else 0.0

    until(lambda: gauge("fractal_webhook_endpoint_pending") == 1, "one waits")
    until(lambda: gauge("fractal_webhook_endpoint_oldest_pending_seconds") > 3, "it grows old", 30)
