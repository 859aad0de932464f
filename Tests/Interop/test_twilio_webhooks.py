"""Requests that Twilio's own `RequestValidator` has signed, and some that it has not."""

import itertools
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest
from twilio.request_validator import RequestValidator

from gateway import Gateway
from sandbox import PHONE_NUMBER

sids = itertools.count(1)


@pytest.fixture
def sid():
    return f"SM{next(sids):032x}"


def incoming(gateway, sid, phone, body="Hi", to=PHONE_NUMBER, **fields):
    """The form of an incoming SMS."""
    return {
        "ToCountry": "US",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "SmsSid": sid,
        "SmsStatus": "received",
        "Body": body,
        "To": to,
        "NumSegments": "1",
        "MessageSid": sid,
        "AccountSid": gateway.sandbox.account_sid,
        "From": phone,
        "ApiVersion": "2010-04-01",
        **fields,
    }


def status(gateway, sid, phone, word, **fields):
    """The form of a status callback."""
    return {
        "SmsSid": sid,
        "SmsStatus": word,
        "MessageStatus": word,
        "To": phone,
        "MessageSid": sid,
        "AccountSid": gateway.sandbox.account_sid,
        "From": PHONE_NUMBER,
        "ApiVersion": "2010-04-01",
        **fields,
    }


def assert_accepted(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].split(";")[0] in ("text/xml", "application/xml")
    assert "<Response" in answer.text and "<Message" not in answer.text


def assert_accepted_status(answer):
    assert answer.status_code in (200, 204), answer.text


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "",
        "Zoë — 你好 👋🏽",
        "a+b & c=d %41 #x",
        "  blanks \t\r\n ",
        "cafe\u0301 é",
        "\u202ertl\u202c '\"\\",
        "x" * 4096,
    ],
    ids=["ascii", "empty", "unicode", "reserved", "blanks", "decomposed", "controls", "long"],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_signed_message_is_stored_byte_for_byte(gateway, phone, sid, method, text):
    assert_accepted(gateway.signed_webhook("incoming", incoming(gateway, sid, phone, text), method=method))
    # The 200 comes after the commit: it is there at once.
    [message] = gateway.messages_with_sid(sid)
    assert (message["body"] or "").encode() == text.encode()
    assert (message["from"], message["to"], message["channel"]) == (phone, PHONE_NUMBER, "sms")


def test_a_query_of_the_webhook_url_is_signed_too(gateway, phone, sid):
    assert_accepted(gateway.signed_webhook("incoming?a=%20b&c=%C3%A9", incoming(gateway, sid, phone)))
    assert len(gateway.messages_with_sid(sid)) == 1


@pytest.mark.parametrize("signature", ["", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "not base64 at all"])
def test_a_bad_signature_is_403_and_stores_nothing(gateway, phone, sid, signature):
    answer = gateway.signed_webhook("incoming", incoming(gateway, sid, phone), signature=signature)
    assert answer.status_code == 403
    assert gateway.messages_with_sid(sid) == []


def test_a_signature_of_another_token_is_403(gateway, phone, sid):
    answer = gateway.signed_webhook("incoming", incoming(gateway, sid, phone), token="f" * 32)
    assert answer.status_code == 403
    assert gateway.messages_with_sid(sid) == []


def test_a_signature_of_another_url_is_403(gateway, phone, sid):
    answer = gateway.signed_webhook("incoming", incoming(gateway, sid, phone), public_url="https://elsewhere.example")
    assert answer.status_code == 403
    assert gateway.messages_with_sid(sid) == []


def test_forwarded_headers_do_not_change_what_must_be_signed(gateway, phone, sid):
    answer = gateway.signed_webhook(
        "incoming",
        incoming(gateway, sid, phone),
        public_url="https://elsewhere.example",
        extra_headers={"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "https"},
    )
    assert answer.status_code == 403


def test_an_account_that_we_do_not_have_is_403(gateway, phone, sid):
    form = incoming(gateway, sid, phone) | {"AccountSid": "AC" + "0" * 32}
    assert gateway.signed_webhook("incoming", form).status_code == 403
    assert gateway.messages_with_sid(sid) == []


def test_a_message_that_comes_often_is_stored_once(gateway, phone, sid):
    form = incoming(gateway, sid, phone, "first")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: gateway.signed_webhook("incoming", form), range(16)))
    for answer in answers:
        assert_accepted(answer)
    # Another body under the same SID is answered alike.
    assert_accepted(gateway.signed_webhook("incoming", form | {"Body": "second"}))
    assert [message["body"] for message in gateway.messages_with_sid(sid)] == ["first"]


def test_a_body_over_64_kib_is_413(gateway, phone, sid):
    answer = gateway.signed_webhook("incoming", incoming(gateway, sid, phone, "x" * (66 * 1024)))
    assert answer.status_code == 413
    assert gateway.messages_with_sid(sid) == []


def test_a_signed_body_that_is_no_message_is_422(gateway, phone, sid):
    form = incoming(gateway, sid, phone)
    for name in ("MessageSid", "SmsSid", "SmsMessageSid"):
        del form[name]
    answer = gateway.signed_webhook("incoming", form)
    assert answer.status_code == 422


def test_a_number_that_no_channel_names_is_kept_without_a_channel(gateway, stream, phone, sid):
    assert_accepted(gateway.signed_webhook("incoming", incoming(gateway, sid, phone, to="+15005559999")))
    [message] = gateway.messages_with_sid(sid)
    assert (message["channel"], message["channelType"], message["to"]) == (None, "sms", "+15005559999")
    event = stream.wait_for_event("message.new", lambda data: data["providerSid"] == sid)
    assert event["data"]["channel"] is None


def test_an_unknown_kind_is_kept_whole(gateway, phone, sid):
    form = incoming(gateway, sid, phone, MessageType="hologram", HologramPayload="☃")
    form |= {"From": f"whatsapp:{phone}", "To": "whatsapp:+14155238886"}
    assert_accepted(gateway.signed_webhook("incoming", form))
    [message] = gateway.messages_with_sid(sid)
    raw = gateway.get(f"/api/messages/{message['id']}", include="raw")["raw"]
    assert {name: raw[name] for name in form} == form


def test_a_status_for_an_unknown_message_is_taken_and_makes_none(gateway, phone, sid):
    assert_accepted_status(gateway.signed_webhook("status", status(gateway, sid, phone, "delivered")))
    assert gateway.messages_with_sid(sid) == []


def test_statuses_in_any_order_end_in_the_highest(gateway, phone):
    # The sandbox leaves this one queued: every callback is ours.
    message = gateway.send("+15005550190", "permuted")
    sid = gateway.settled(message["id"], "accepted")["providerSid"]
    for word in ["delivered", "sent", "delivered", "queued", "sending", "sent"]:
        form = status(gateway, sid, "+15005550190", word)
        assert_accepted_status(gateway.signed_webhook(f"status?message={message['id']}", form))
    found = gateway.message(message["id"])
    assert found["status"] == "delivered"
    told = [entry["providerStatus"] for entry in found["statusHistory"] if entry["source"] == "callback"]
    assert sorted(told) == sorted({"delivered", "sent", "queued", "sending"} & set(told))
    assert {"delivered", "sent"} <= set(told)


def test_a_word_that_we_do_not_know_moves_nothing(gateway):
    message = gateway.send("+15005550190", "odd")
    sid = gateway.settled(message["id"], "accepted")["providerSid"]
    form = status(gateway, sid, "+15005550190", "teleported")
    assert_accepted_status(gateway.signed_webhook("status", form))
    found = gateway.message(message["id"])
    assert found["status"] == "accepted"
    assert "teleported" in [entry["providerStatus"] for entry in found["statusHistory"]]


def test_a_badly_signed_status_moves_nothing(gateway):
    message = gateway.send("+15005550190", "forged")
    sid = gateway.settled(message["id"], "accepted")["providerSid"]
    form = status(gateway, sid, "+15005550190", "delivered")
    assert gateway.signed_webhook("status", form, token="0" * 32).status_code == 403
    assert gateway.message(message["id"])["status"] == "accepted"


def test_behind_a_proxy_the_public_url_is_what_is_signed(directory, phone, sid):
    gateway = Gateway(directory, {"APP_URL": "https://Sms.example.com:8443/gateway"})
    try:
        gateway.start()
        form = incoming(gateway, sid, phone)
        refused = gateway.signed_webhook("incoming", form)
        assert refused.status_code == 403
        # The proxy strips the prefix; Twilio has signed it.
        answer = gateway.signed_webhook("incoming", form, public_url="https://Sms.example.com:8443/gateway")
        assert_accepted(answer)
        assert len(gateway.messages_with_sid(sid)) == 1
    finally:
        gateway.close()


def test_a_body_in_pieces_is_read_whole(gateway, phone, sid):
    form = incoming(gateway, sid, phone, "in pieces")
    encoded = urlencode(form).encode()
    pieces = (encoded[start : start + 7] for start in range(0, len(encoded), 7))
    url = gateway.base_url + "/webhooks/twilio/incoming"
    signature = RequestValidator(gateway.sandbox.auth_token).compute_signature(url, form)
    answer = gateway.http.post(
        url,
        data=pieces,
        headers={"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"},
        timeout=30,
    )
    assert_accepted(answer)
    assert len(gateway.messages_with_sid(sid)) == 1


def test_a_client_that_has_closed_its_side_is_answered_and_so_are_requests_behind_each_other(gateway, sid, phone):
    """Raw bytes: two requests at once, then the end of what the client says."""
    second = f"SM{next(sids):032x}"
    path = "/webhooks/twilio/incoming"
    wire = b""
    for one in (sid, second):
        form = incoming(gateway, one, phone)
        signature = RequestValidator(gateway.sandbox.auth_token).compute_signature(gateway.base_url + path, form)
        body = urlencode(form).encode()
        wire += (
            f"POST {path} HTTP/1.1\r\nHost: {urlsplit(gateway.base_url).netloc}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
    wire += b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    parts = urlsplit(gateway.base_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(wire)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    assert answer.count(b"HTTP/1.1 200") == 3, answer
    assert answer.index(b"<Response") < answer.index(b'"status":"ok"')
    for one in (sid, second):
        assert len(gateway.call("GET", "/api/messages", params={"providerSid": one}).json()["data"]) == 1
