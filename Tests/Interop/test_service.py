"""What every request meets: keys, scopes, the form of errors, health."""

import re

import pytest

from gateway import Gateway

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


def problem(answer, status):
    """The body of an RFC 9457 error."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert body["status"] == status
    assert body["type"] and body["title"] and body["code"]
    assert "detail" in body
    return body


def test_health_and_readiness_need_no_key(gateway):
    assert gateway.call("GET", "/health", key="").status_code == 200
    answer = gateway.call("GET", "/ready", key="")
    assert answer.status_code == 200
    assert set(answer.json()["checks"]) >= {"database", "migrations", "journal"}


def test_metrics_are_prometheus_text(gateway):
    answer = gateway.call("GET", "/metrics", key="")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert any(line.startswith("fractal_") for line in lines)
    sample = re.compile(r'^[a-zA-Z_:][\w:]*(\{.*\})? [-+]?(\d|Inf|NaN)')
    assert all(line.startswith("#") or sample.match(line) for line in lines if line)


@pytest.mark.parametrize("key", ["", "not-a-key"])
def test_without_a_known_key_it_is_401(gateway, key):
    answer = gateway.call("GET", "/api/messages", key=key)
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_is_taken_from_either_header(gateway):
    answer = gateway.call("GET", "/api/messages", key="", headers={"X-API-Key": gateway.key})
    assert answer.status_code == 200


def test_a_scope_implies_no_other(gateway, phone):
    reader, sender = gateway.create_key("read"), gateway.create_key("send")
    assert gateway.call("GET", "/api/messages", key=reader).status_code == 200
    problem(gateway.call("GET", "/api/messages", key=sender), 403)
    problem(gateway.call("POST", "/api/messages", key=reader, json={"to": phone, "body": "x"}), 403)
    problem(gateway.call("GET", "/api/webhooks", key=reader), 403)


def test_malformed_json_is_400(gateway):
    problem(gateway.call("POST", "/api/messages", data="{", headers={"Content-Type": "application/json"}), 400)


def test_another_media_type_is_415(gateway):
    problem(gateway.call("POST", "/api/messages", data="to=1", headers={"Content-Type": "text/plain"}), 415)


def test_an_unknown_field_is_422_and_named(gateway, phone):
    answer = gateway.call("POST", "/api/messages", json={"to": phone, "channel": "sms", "boddy": "x"})
    assert "boddy" in [error["field"] for error in problem(answer, 422)["errors"]]


def test_an_unknown_query_parameter_is_422_and_named(gateway):
    answer = gateway.call("GET", "/api/messages", params={"limits": "3"})
    assert "limits" in [error["field"] for error in problem(answer, 422)["errors"]]


@pytest.mark.parametrize("id", [UNKNOWN_ID, "not-a-uuid"])
def test_an_unknown_id_is_404(gateway, id):
    problem(gateway.call("GET", f"/api/messages/{id}"), 404)


def test_a_wrong_method_is_405_and_says_which_are_right(gateway):
    answer = gateway.call("PUT", "/api/messages", json={})
    problem(answer, 405)
    assert {"GET", "POST"} <= set(re.split(r",\s*", answer.headers["Allow"]))


def test_an_unknown_channel_is_refused(gateway, phone):
    answer = gateway.call("POST", "/api/messages", json={"to": phone, "body": "x", "channel": "pigeon"})
    assert problem(answer, 422)["code"] == "unknown_channel"


def test_every_answer_has_a_request_id(gateway):
    assert gateway.call("GET", "/api/messages").headers["X-Request-Id"]
    answer = gateway.call("GET", "/api/messages", headers={"X-Request-Id": "abc-123"})
    assert answer.headers["X-Request-Id"] == "abc-123"


def test_a_repeated_idempotency_key_gives_the_first_answer(gateway, phone):
    body = {"to": phone, "body": "once", "channel": "sms"}
    headers = {"Idempotency-Key": f"order-{phone}"}
    first = gateway.call("POST", "/api/messages", json=body, headers=headers)
    again = gateway.call("POST", "/api/messages", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    problem(gateway.call("POST", "/api/messages", json=body | {"body": "twice"}, headers=headers), 422)
    assert len(gateway.get("/api/messages", conversation=first.json()["conversationId"])["data"]) == 1


def test_a_key_over_its_rate_is_429(directory):
    gateway = Gateway(directory, {"RATE_LIMIT": "1"})
    try:
        gateway.start()
        answers = [gateway.call("GET", "/api/messages", params={"limit": 1}) for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert answers[0].status_code == 200 and refused
        problem(refused[0], 429)
        assert int(refused[0].headers["Retry-After"]) >= 1
        assert int(answers[0].headers["RateLimit-Limit"]) >= 1
    finally:
        gateway.close()
