"""Twilio's own Python client drives the sandbox."""

from datetime import datetime, timedelta, timezone

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import PHONE_NUMBER, WHATSAPP_NUMBER
from waiting import until

SERVICE = "MG" + "0123456789abcdef" * 2


def settled(client, sid, status):
    def look():
        message = client.messages(sid).fetch()
        return message if message.status == status else None

    return until(look, f"{sid} is {status}")


def refused(client, **parameters):
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(**parameters)
    return caught.value


def test_a_created_message_is_queued_and_comes_to_delivered(client, phone):
    message = client.messages.create(to=phone, from_=PHONE_NUMBER, body="Grüße 👋")
    assert message.sid.startswith("SM") and len(message.sid) == 34
    assert (message.status, message.direction, message.error_code) == ("queued", "outbound-api", None)
    assert (message.num_segments, message.num_media) == ("1", "0")
    assert message.date_created.tzinfo is not None
    delivered = settled(client, message.sid, "delivered")
    assert (delivered.body, delivered.to, delivered.from_) == ("Grüße 👋", phone, PHONE_NUMBER)
    assert delivered.date_sent is not None


def test_a_whatsapp_message_comes_to_read(client, phone):
    message = client.messages.create(to=f"whatsapp:{phone}", from_=WHATSAPP_NUMBER, body="Hi")
    assert settled(client, message.sid, "read").to == f"whatsapp:{phone}"


def test_a_list_streams_over_its_pages_newest_first(client, phone):
    sent = [client.messages.create(to=phone, from_=PHONE_NUMBER, body=f"{n}").sid for n in range(7)]
    assert [message.sid for message in client.messages.list(to=phone, page_size=2)] == sent[::-1]
    assert [message.body for message in client.messages.stream(to=phone, page_size=3, limit=4)] == list("6543")


def test_pages_lead_on_and_back(client, phone):
    sent = [client.messages.create(to=phone, from_=PHONE_NUMBER, body=f"{n}").sid for n in range(3)]
    first = client.messages.page(to=phone, page_size=2)
    assert [message.sid for message in first] == [sent[2], sent[1]]
    second = first.next_page()
    assert [message.sid for message in second] == [sent[0]]
    assert second.next_page() is None
    assert [message.sid for message in second.previous_page()] == [sent[2], sent[1]]


def test_a_list_is_filtered_by_sender_and_day(client, sandbox, phone):
    sandbox.text(phone, "one")
    now = datetime.now(timezone.utc)
    assert [message.body for message in client.messages.list(from_=phone)] == ["one"]
    # As text: the client makes a second out of a date.
    yesterday, today, tomorrow = (f"{now + timedelta(days=days):%Y-%m-%d}" for days in (-1, 0, 1))
    on_days = [len(client.messages.list(from_=phone, date_sent=day)) for day in (yesterday, today, tomorrow)]
    assert sum(on_days) == 1
    assert len(client.messages.list(from_=phone, date_sent_after=now - timedelta(minutes=5))) == 1
    assert client.messages.list(from_=phone, date_sent_before=now - timedelta(minutes=5)) == []
    assert client.messages.list(from_=phone, to="+14155559999") == []


def test_an_unknown_message_is_not_found(client):
    with pytest.raises(TwilioRestException) as caught:
        client.messages("SM" + "0" * 32).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_a_wrong_token_is_refused(sandbox):
    with pytest.raises(TwilioRestException) as caught:
        sandbox.client(auth_token="0" * 32).messages("SM" + "0" * 32).fetch()
    assert (caught.value.status, caught.value.code) == (401, 20003)


@pytest.mark.parametrize(
    "to, sender, code",
    [
        ("+15005550001", PHONE_NUMBER, 21211),
        ("+15005550002", PHONE_NUMBER, 21612),
        ("+15005550003", PHONE_NUMBER, 21408),
        ("+15005550004", PHONE_NUMBER, 21610),
        ("+15005550009", PHONE_NUMBER, 21614),
        ("+14155550101", "+15005550001", 21212),
        ("+14155550101", "+15005550007", 21606),
        ("+14155550101", "+15005550008", 21611),
    ],
)
def test_magic_numbers_give_their_errors(client, to, sender, code):
    error = refused(client, to=to, from_=sender, body="Hi")
    assert error.code == code
    assert error.status in (400, 429)


def test_a_message_without_content_is_refused(client, phone):
    assert refused(client, to=phone, from_=PHONE_NUMBER).code == 21602


def test_a_failed_message_tells_its_error(client):
    message = client.messages.create(to="+15005550103", from_=PHONE_NUMBER, body="Hi")
    assert settled(client, message.sid, "undelivered").error_code == 30003


def test_a_scheduled_message_can_be_canceled(client, phone):
    message = client.messages.create(
        to=phone,
        messaging_service_sid=SERVICE,
        body="Later",
        schedule_type="fixed",
        send_at=datetime.now(timezone.utc) + timedelta(hours=1),
    )
    assert message.status == "scheduled"
    assert client.messages(message.sid).update(status="canceled").status == "canceled"
    assert client.messages(message.sid).fetch().status == "canceled"


def test_a_sent_message_cannot_be_canceled(client, phone):
    message = client.messages.create(to=phone, from_=PHONE_NUMBER, body="Hi")
    settled(client, message.sid, "delivered")
    with pytest.raises(TwilioRestException) as caught:
        client.messages(message.sid).update(status="canceled")
    assert caught.value.code == 30409


def test_an_empty_body_redacts(client, phone):
    message = client.messages.create(to=phone, from_=PHONE_NUMBER, body="secret")
    settled(client, message.sid, "delivered")
    assert client.messages(message.sid).update(body="").body == ""
    assert client.messages(message.sid).fetch().body == ""


def test_a_deleted_message_is_gone(client, phone):
    message = client.messages.create(to=phone, from_=PHONE_NUMBER, body="Hi")
    settled(client, message.sid, "delivered")
    assert client.messages(message.sid).delete() is True
    with pytest.raises(TwilioRestException) as caught:
        client.messages(message.sid).fetch()
    assert caught.value.code == 20404


def test_an_unfinished_message_cannot_be_deleted(client):
    message = client.messages.create(to="+15005550190", from_=PHONE_NUMBER, body="Hi")
    with pytest.raises(TwilioRestException) as caught:
        client.messages(message.sid).delete()
    assert caught.value.code == 20009


def test_media_is_listed_fetched_and_deleted(client, sandbox, phone):
    sid = sandbox.text(phone, "look", media=[{"contentType": "image/png"}])["sid"]
    assert sid.startswith("MM")
    message = client.messages(sid)
    media = message.media.list()
    assert [item.content_type for item in media] == ["image/png"]
    assert message.media(media[0].sid).fetch().parent_sid == sid
    assert message.media(media[0].sid).delete() is True
    assert message.media.list() == []


def test_media_is_downloaded_with_a_password_and_a_redirect(sandbox, phone):
    content = "iVBORw0KGgo="
    sid = sandbox.text(phone, media=[{"contentType": "image/png", "base64": content}])["sid"]
    media = sandbox.client().messages(sid).media.list()[0]
    url = sandbox.base_url + media.uri.removesuffix(".json")
    assert sandbox.http.get(url, timeout=10).status_code == 401
    answer = sandbox.http.get(url, auth=(sandbox.account_sid, sandbox.auth_token), timeout=10)
    assert [step.status_code for step in answer.history] == [307]
    assert answer.content == b"\x89PNG\r\n\x1a\n"
    assert answer.headers["content-type"] == "image/png"
