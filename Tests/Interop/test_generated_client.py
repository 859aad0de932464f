"""A client that is generated from nothing but /openapi.json drives the whole API."""

import enum
import importlib
import inspect
import io
import os
import pkgutil
import subprocess
import sys
import typing
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from waiting import until

# The link of a provider, which no client is ever given.
NOT_FOR_CLIENTS = {"get_signed_media"}


class Generated:
    """The generated package: each operation by its name, bodies as dictionaries, answers as models."""

    def __init__(self, package, base_url, key):
        self.api = importlib.import_module(f"{package}.api")
        module = importlib.import_module(f"{package}.client")
        self.types = importlib.import_module(f"{package}.types")
        self.client_with = lambda token: module.AuthenticatedClient(
            base_url=base_url, token=token, raise_on_unexpected_status=True, httpx_args={"trust_env": False}
        )
        self.client = self.client_with(key)
        self.operations = {
            info.name.rsplit(".", 1)[-1]: info.name
            for info in pkgutil.walk_packages(self.api.__path__, self.api.__name__ + ".")
            if not info.ispkg
        }
        self.called = set()

    def __call__(self, name, *path, expect=200, body=None, client=None, **parameters):
        operation = importlib.import_module(self.operations[name]).sync_detailed
        wanted = inspect.signature(operation).parameters
        path = [self.path_value(value, wanted) for value in path]
        parameters = {word: self.choice(wanted[word].annotation, value) for word, value in parameters.items()}
        if body is not None:
            parameters["body"] = self.model(wanted["body"].annotation, body)
        answer = operation(*path, client=client or self.client, **parameters)
        assert answer.status_code == expect, answer.content
        self.called.add(name)
        return answer.parsed if answer.parsed is not None else answer

    @staticmethod
    def path_value(value, wanted):
        first = next(iter(wanted.values()))
        return uuid.UUID(str(value)) if first.annotation is uuid.UUID else value

    @staticmethod
    def choice(annotation, value):
        """A word as the generated enumeration has it."""
        kinds = [kind for kind in typing.get_args(annotation) if inspect.isclass(kind) and issubclass(kind, enum.Enum)]
        return kinds[0](value) if kinds else value

    @staticmethod
    def model(annotation, body):
        """The generated class for a body, filled in."""
        kinds = [kind for kind in (typing.get_args(annotation) or [annotation]) if hasattr(kind, "from_dict")]
        return kinds[0].from_dict(body) if isinstance(body, dict) else body


@pytest.fixture(scope="module")
def api(gateway, tmp_path_factory):
    place = tmp_path_factory.mktemp("generated")
    (place / "openapi.json").write_text(gateway.http.get(gateway.base_url + "/openapi.json", timeout=10).text)
    tools = os.path.dirname(sys.executable)
    subprocess.run(
        [
            os.path.join(tools, "openapi-python-client"),
            "generate",
            "--path",
            "openapi.json",
            "--output-path",
            "fractal_client",
            "--meta",
            "none",
        ],
        cwd=place,
        check=True,
        capture_output=True,
        timeout=120,
        env=os.environ | {"PATH": tools + os.pathsep + os.environ["PATH"]},
    )
    sys.path.insert(0, str(place))
    yield Generated("fractal_client", gateway.base_url, gateway.key)
    sys.path.remove(str(place))


def test_every_operation_works_through_the_generated_client(api, gateway, phone, receiver):
    messages(api, phone)
    people(api, gateway, phone)
    bulk(api, phone)
    webhooks(api, gateway, phone, receiver)
    files(api)
    keys(api)
    looks(api)
    errors(api, gateway, phone)
    assert set(api.operations) - api.called == NOT_FOR_CLIENTS


def messages(api, phone):
    wish = {"to": phone, "channel": "sms", "body": "Hello", "metadata": {"order": "7"}}
    sent = api("send_message", expect=202, body=wish, idempotency_key=f"generated-{phone}")
    again = api("send_message", expect=202, body=wish, idempotency_key=f"generated-{phone}")
    assert again.id == sent.id
    assert api("preview_message", body=wish).valid
    until(lambda: api("get_message", sent.id).status == "delivered", "delivered")
    detail = api("get_message", sent.id)
    assert [report.status for report in detail.status_history][0] == "queued"
    assert sent.id in [message.id for message in api("list_messages", contact=sent.contact_id).data]
    assert api("resend_message", sent.id, expect=202).resend_of == sent.id
    later = datetime.now(timezone.utc) + timedelta(days=2)
    waiting = api("send_message", expect=202, body=wish | {"scheduledAt": later.isoformat()})
    assert waiting.status == "scheduled"
    assert api("cancel_message", waiting.id).status == "canceled"
    api("sync_templates")
    template = api("list_templates").data[0]
    assert api("get_template", template.sid).name == template.name
    assert api("get_template_syncs").data
    # One that the catalog does not know goes out as it is: the provider decides.
    wish = {"to": phone, "channel": "sms", "templateSid": "HX" + "0" * 32}
    assert api("send_template", expect=202, body=wish).template.sid == wish["templateSid"]


def people(api, gateway, phone):
    contact = api("create_contact", expect=201, body={"name": "Ada", "labels": ["first"], "attributes": {"a": 1}})
    address = api(
        "add_contact_channel", contact.id, expect=201, body={"type": "whatsapp", "address": phone.replace("+1", "+44")}
    )
    assert api("get_contact", contact.id).channels[0].id == address.id
    assert api("replace_contact", contact.id, body={"name": "Ada Lovelace"}).labels == []
    other = api("create_contact", expect=201, body={"name": "Countess"})
    assert api("merge_contacts", contact.id, body={"from": str(other.id)}).id == contact.id
    assert contact.id in [found.id for found in api("list_contacts", search="Lovelace").data]
    conversation = api("open_conversation", expect=201, body={"contactId": str(contact.id), "channel": "whatsapp"})
    assert api("get_conversation", conversation.id).messages.data == []
    assert api("archive_conversation", conversation.id, body={"archived": True}).status == "archived"
    assert api("read_conversation", conversation.id).unread_count == 0
    assert api("list_conversations", status="archived").data
    standing = api("set_opt_out", body={"channelType": "sms", "address": phone, "optedOut": True})
    assert standing.opted_out
    assert api("list_opt_outs", address=phone).data[0].opted_out
    refused = api("send_message", expect=422, body={"to": phone, "channel": "sms", "body": "x"})
    assert refused.code == "recipient_opted_out"
    api("set_opt_out", body={"channelType": "sms", "address": phone, "optedOut": False})
    api("remove_contact_channel", contact.id, address.id, expect=204)
    api("delete_contact", contact.id, expect=204)
    api("get_contact", contact.id, expect=404)


def bulk(api, phone):
    # More than can be sent before the next call.
    many = [{"to": f"+1415{6_000_000 + number}"} for number in range(1_000)]
    wish = {"channel": "sms", "body": "Hello", "recipients": [{"to": phone}, {"to": "nobody"}] + many}
    receipt = api("send_bulk", expect=202, body=wish)
    assert (receipt.total, receipt.accepted, receipt.rejected[0].index) == (1_002, 1_001, 1)
    assert api("pause_bulk", receipt.id).state == "paused"
    assert api("retry_bulk", receipt.id).state == "paused"
    assert api("resume_bulk", receipt.id).state == "running"
    assert api("cancel_bulk", receipt.id).state == "canceled"
    assert api("retry_bulk", receipt.id, expect=409).code == "bulk_canceled"
    assert api("get_bulk", receipt.id).total == 1_002


def webhooks(api, gateway, phone, receiver):
    made = api("create_webhook", expect=201, body={"url": receiver.url, "events": ["message.new"]})
    assert made.secret.startswith("whsec_")
    assert api("get_webhook", made.id).url == receiver.url
    assert api("change_webhook", made.id, body={"description": "Mine"}).description == "Mine"
    assert api("test_webhook", made.id).status == 200
    assert api("rotate_webhook_secret", made.id).secret != made.secret
    gateway.sandbox.text(phone, "For the webhook")
    deliveries = until(lambda: api("list_deliveries", made.id).data, "a delivery")
    since = (datetime.now(timezone.utc) - timedelta(days=1)).isoformat()
    replayed = api("replay_webhook", made.id, expect=202, body={"since": since})
    assert replayed.count >= 1
    assert api("retry_delivery", deliveries[0].id, expect=202).webhook_id == made.id
    assert made.id in [webhook.id for webhook in api("list_webhooks").data]
    api("delete_webhook", made.id, expect=204)


def files(api):
    part = api.types.File(payload=io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"0" * 64), file_name="a.png", mime_type="image/png")
    body = importlib.import_module(api.api.__name__.replace(".api", ".models")).UploadMediaFilesBody(file=part)
    upload = api("upload_media", expect=201, body=body)
    assert (upload.content_type, upload.size) == ("image/png", 72)
    assert api("get_media", upload.id).payload.read()[:4] == b"\x89PNG"


def keys(api):
    made = api("create_key", expect=201, body={"name": "generated", "scopes": ["read"]})
    assert made.key.startswith("fk_")
    assert api("get_key", made.id).name == "generated"
    assert made.id in [key.id for key in api("list_keys").data]
    api("revoke_key", made.id, expect=204)


def errors(api, gateway, phone):
    """Errors are models too, each status of the table by its own answer."""
    nobody = uuid.uuid4()
    contact = api("create_contact", expect=201, body={"name": "Ada"})
    assert api("get_contact", nobody, expect=404).code == "not_found"
    assert api("list_contacts", expect=401, client=api.client_with("fk_nobody")).code == "unauthorized"
    reader = api.client_with(gateway.create_key("read"))
    assert api("delete_contact", contact.id, expect=403, client=reader).code == "missing_scope"
    wrong = api("create_contact", expect=422, body={"name": "x" * 201})
    assert (wrong.code, wrong.errors[0].field) == ("invalid_request", "name")
    assert api("list_contacts", expect=422, cursor="none of ours").errors[0].field == "cursor"
    stale = api("replace_contact", contact.id, expect=412, body={"name": "Eve"}, if_match='"stale"')
    assert (stale.status, stale.code) == (412, "precondition_failed")
    gateway.sandbox.text(phone, "Hi")
    inbound = until(lambda: api("list_messages", direction="inbound").data, "a message that came in")[0]
    assert api("resend_message", inbound.id, expect=409).code == "not_resendable"
    assert api("cancel_message", inbound.id, expect=409).code == "not_cancelable"
    assert api("list_events", expect=410, after=2**40).code == "events_gone"
    large = api("create_contact", expect=413, body={"name": "x" * (2 << 20)})
    assert large.code == "too_large"


def looks(api):
    events = api("list_events", limit=5)
    assert api("list_events", after=events.last, epoch=events.epoch).epoch == events.epoch
    channel = api("list_channels").data[0]
    assert api("get_channel", channel.id).health.status in ("ok", "degraded", "down")
    assert api("get_health").status == "ok"
    assert api("get_readiness").checks.database.ok
    for page in ("get_metrics", "get_documentation", "get_description"):
        api(page)
