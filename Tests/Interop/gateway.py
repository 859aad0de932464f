"""The real binary as a gateway: `fractal serve` in a directory of its own, with a private PostgreSQL and a sandbox."""

import re
from contextlib import contextmanager
from urllib.parse import urlencode

import requests
from twilio.request_validator import RequestValidator

from processes import ROOT, Program, free_port, run
from sandbox import Sandbox, SandboxProgram
from stream import Stream
from waiting import until

FINAL = ("delivered", "undelivered", "failed", "canceled", "read")


class Gateway:
    def __init__(self, directory, environment=None, own_sandbox=True, pace=1000):
        """
        :param environment: further variables.
        :param own_sandbox: whether its sandbox is inside; otherwise `environment` says where Twilio is.
        :param pace: messages a second for each number; None: as in the shipped file, one.
        """
        self.directory = directory
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.sandbox_port = free_port() if own_sandbox else None
        self.write_configuration(pace)
        settings = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "APP_URL": self.base_url,
            "WEBHOOK_ALLOW": "loopback",
            "RATE_LIMIT": "0",
        }
        if own_sandbox:
            settings["FRACTAL_SANDBOX_PORT"] = str(self.sandbox_port)
        self.program = Program(["serve"], directory, settings | (environment or {}))
        self.http = requests.Session()
        self.http.trust_env = False
        self.sandbox = None
        self.key = None

    def write_configuration(self, pace):
        text = (ROOT / "channels.yaml").read_text()
        if pace is not None:
            text = re.sub(r"\bmps: *1\b", f"mps: {pace}", text)
        (self.directory / "channels.yaml").write_text(text)

    def start(self):
        """Starts it, or starts it again, and waits until it is ready."""
        self.program.start()
        self.program.wait_until(lambda: self.status_of("/ready") == 200, "/ready is 200")
        if self.sandbox_port:
            self.sandbox = Sandbox(self.sandbox_port)
        if self.key is None:
            self.key = self.create_key("read,send,manage")
        return self

    def status_of(self, path):
        try:
            return self.http.get(self.base_url + path, timeout=5).status_code
        except requests.RequestException:
            return None

    def create_key(self, scopes):
        """The key stands alone on the last line of standard output."""
        status, output, errors = run(
            ["keys", "create", "--name", "test", "--scopes", scopes], self.directory, self.program.environment)
        assert status == 0, errors
        return output.splitlines()[-1].strip()

    def call(self, method, path, key=None, headers=None, **options):
        """A request with a key; `key=""`: without one."""
        headers = dict(headers or {})
        if key != "":
            headers["Authorization"] = f"Bearer {key or self.key}"
        return self.http.request(method, self.base_url + path, headers=headers, timeout=30, **options)

    def get(self, path, **parameters):
        answer = self.call("GET", path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None, status=None, **options):
        answer = self.call("POST", path, json=body, **options)
        assert answer.status_code == status if status else answer.ok, f"{answer.status_code} {answer.text}"
        return answer.json()

    def send(self, to, body="Hello", channel="sms", **fields):
        """Queues a message: the resource as the 202 has it."""
        return self.post("/api/messages", {"to": to, "body": body, "channel": channel, **fields}, status=202)

    def message(self, id):
        return self.get(f"/api/messages/{id}")

    def settled(self, id, status, deadline=30.0):
        """The message once it has this status; fails early when it has ended in another one."""

        def look():
            message = self.message(id)
            if message["status"] == status:
                return message
            is_stuck = message["status"] in FINAL and status in FINAL and status != "read"
            assert not is_stuck, f"{message['status']}, not {status}: {message['error']}"
            return None

        return until(look, lambda: f"{status}: {self.message(id)}", deadline, pause=0.03)

    def messages_with_sid(self, sid):
        return self.get("/api/messages", providerSid=sid)["data"]

    def all_messages(self, **filters):
        """Every message of a list, over all of its pages, newest first."""
        found, cursor = [], None
        while True:
            page = self.get("/api/messages", limit=200, **filters, **({"cursor": cursor} if cursor else {}))
            found += page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return found

    def stream(self, key=None, query="", **options):
        return Stream(self.base_url.replace("http", "ws", 1) + "/ws" + query, key or self.key, **options)

    def signed_webhook(
        self, kind, fields, method="POST", token=None, public_url=None, signature=None, extra_headers=None
    ):
        """A request as Twilio makes it, signed by Twilio's own library.

        :param kind: `incoming` or `status`, with or without a query.
        :param public_url: what is signed in the place of the gateway's own URL.
        """
        target = f"/webhooks/twilio/{kind}"
        if method == "GET":
            target += ("&" if "?" in target else "?") + urlencode(fields)
        url = (public_url or self.base_url) + target
        if signature is None:
            validator = RequestValidator(token or self.sandbox.auth_token)
            signature = validator.compute_signature(url, fields if method == "POST" else {})
        headers = {"X-Twilio-Signature": signature} if signature else {}
        return self.http.request(
            method,
            self.base_url + target,
            data=urlencode(fields) if method == "POST" else None,
            headers=headers
            | {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
            | (extra_headers or {}),
            timeout=30,
        )

    def close(self):
        self.http.close()
        self.program.close()


@contextmanager
def gateway_beside_sandbox(directory, **options):
    """A started gateway whose sandbox lives in a process of its own, as Twilio does: it outlives the gateway."""
    place, twilio_place = directory / "gateway", directory / "sandbox"
    for made in (place, twilio_place):
        made.mkdir(mode=0o755)
    twilio = SandboxProgram(twilio_place)
    sandbox = twilio.sandbox
    environment = {
        "TWILIO_ACCOUNT_SID": sandbox.account_sid,
        "TWILIO_AUTH_TOKEN": sandbox.auth_token,
        "TWILIO_BASE_URL": sandbox.base_url,
    }
    try:
        gateway = Gateway(place, environment, own_sandbox=False, **options)
        gateway.sandbox = sandbox
        try:
            gateway.start()
            yield gateway
        finally:
            gateway.close()
    finally:
        twilio.program.close()
