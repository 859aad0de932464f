"""What the sandbox signs, Twilio's own `RequestValidator` finds valid."""

import pytest
from twilio.request_validator import RequestValidator

from sandbox import PHONE_NUMBER, WHATSAPP_NUMBER

TEXTS = ["plain", "", "Zoë — 你好 👋🏽", "a+b & c=d %41 #x", "  blanks \t\r\n ", "cafe\u0301 é", "\u202ertl\u202c", "'\"\\"]


def is_valid(sandbox, receiver, request):
    validator = RequestValidator(sandbox.auth_token)
    return validator.validate(receiver.url + request.target, request.form, request.headers["x-twilio-signature"])


@pytest.fixture
def incoming(sandbox, receiver):
    """The receiver takes the sandbox's incoming messages."""
    sandbox.control("webhook", incoming=f"{receiver.url}/in?a=%20b&c=%C3%A9")
    yield receiver
    sandbox.control("webhook", incoming=None)


@pytest.mark.parametrize("text", TEXTS)
def test_an_incoming_text_is_signed_and_arrives_as_it_was(sandbox, incoming, phone, text):
    receipt = sandbox.text(phone, text)
    assert receipt["webhook"]["status"] == 200
    request = incoming.wait_for(lambda request: request.form["MessageSid"] == receipt["sid"], "the webhook")
    assert is_valid(sandbox, incoming, request)
    assert request.form["Body"].encode() == text.encode()
    assert (request.form["From"], request.form["To"]) == (phone, PHONE_NUMBER)
    assert request.form["AccountSid"] == sandbox.account_sid
    assert request.headers["i-twilio-idempotency-token"]


def test_a_changed_field_is_no_longer_valid(sandbox, incoming, phone):
    sandbox.text(phone, "pay 10")
    request = incoming.wait_for(lambda request: request.form["From"] == phone, "the webhook")
    request.body = request.body.replace(b"10", b"99")
    assert not is_valid(sandbox, incoming, request)


def test_incoming_whatsapp_has_its_fields_and_is_signed(sandbox, incoming, phone):
    sandbox.text(
        f"whatsapp:{phone}",
        "Yes",
        to=WHATSAPP_NUMBER,
        profileName="Zoë",
        extra={"ButtonPayload": "yes-1", "ButtonText": "Yes"},
    )
    request = incoming.wait_for(lambda request: request.form["From"] == f"whatsapp:{phone}", "the webhook")
    assert is_valid(sandbox, incoming, request)
    assert request.form["ProfileName"] == "Zoë"
    assert request.form["WaId"] == phone.removeprefix("+")
    assert request.form["ButtonPayload"] == "yes-1"


def test_status_callbacks_are_signed_and_in_order(sandbox, receiver, phone):
    callback = f"{receiver.url}/status?id=1&name=%C3%A4%20b"
    sid = sandbox.client().messages.create(to=phone, from_=PHONE_NUMBER, body="Hi", status_callback=callback).sid
    receiver.wait_for(lambda request: request.form["MessageStatus"] == "delivered", "the delivered callback")
    assert all(is_valid(sandbox, receiver, request) for request in receiver.requests)
    assert {request.target for request in receiver.requests} == {"/status?id=1&name=%C3%A4%20b"}
    assert {request.form["MessageSid"] for request in receiver.requests} == {sid}
    words = [request.form["MessageStatus"] for request in receiver.requests]
    assert words == [word for word in ("queued", "sending", "sent", "delivered") if word in words]
    assert "sent" in words


def test_a_failed_callback_tells_the_error(sandbox, receiver):
    sandbox.client().messages.create(
        to="+15005550105", from_=PHONE_NUMBER, body="Hi", status_callback=f"{receiver.url}/status")
    request = receiver.wait_for(lambda request: request.form["MessageStatus"] == "undelivered", "undelivered")
    assert request.form["ErrorCode"] == "30005"
    assert is_valid(sandbox, receiver, request)


def test_a_redelivered_message_is_the_same(sandbox, incoming, phone):
    sid = sandbox.text(phone, "once")["sid"]
    sandbox.control("inbound", redeliver=sid)
    both = [request.form for request in incoming.requests if request.form["MessageSid"] == sid]
    assert len(both) == 2 and both[0] == both[1]
