"""The sandbox: Twilio's own client pointed at it, and its control endpoints."""

import re
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from processes import Program, free_port

PHONE_NUMBER = "+15005550006"
WHATSAPP_NUMBER = "whatsapp:+14155238886"


class LocalHttpClient(TwilioHttpClient):
    """Sends everything that is for Twilio's hosts to another one."""

    def __init__(self, base_url):
        super().__init__(timeout=20)
        self.base = urlsplit(base_url)

    def request(self, method, uri, *arguments, **options):
        parts = urlsplit(uri)
        local = urlunsplit((self.base.scheme, self.base.netloc, parts.path, parts.query, ""))
        return super().request(method, local, *arguments, **options)


class Sandbox:
    """A sandbox that listens, alone or inside a gateway."""

    def __init__(self, port):
        self.base_url = f"http://127.0.0.1:{port}"
        self.http = requests.Session()
        page = self.http.get(f"{self.base_url}/sandbox", timeout=10).text
        self.account_sid = re.search(r"\bAC[0-9a-f]{32}\b", page).group()
        self.auth_token = re.search(r"^Auth token +(\S+)", page, re.MULTILINE).group(1)

    def client(self, account_sid=None, auth_token=None):
        return Client(
            account_sid or self.account_sid,
            auth_token or self.auth_token,
            http_client=LocalHttpClient(self.base_url),
        )

    def control(self, path, **fields):
        answer = self.http.post(f"{self.base_url}/sandbox/{path}", json=fields, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def text(self, sender, body="", to=PHONE_NUMBER, **fields):
        """A phone texts in: `{"sid", "webhook": {"status", …}}`."""
        return self.control("inbound", **{"from": sender, "to": to, "body": body, **fields})

    def log(self, limit=10_000):
        """`{"messages": […], "webhooks": […]}`, newest first."""
        return self.http.get(f"{self.base_url}/sandbox/messages", params={"limit": limit}, timeout=30).json()


def is_listening(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/sandbox", timeout=2).status_code == 200
    except requests.RequestException:
        return False


class SandboxProgram:
    """`fractal sandbox`, alone in its process."""

    def __init__(self, directory):
        self.port = free_port()
        self.program = Program(["sandbox", "--port", self.port], directory, {})
        self.program.start()
        self.program.wait_until(lambda: is_listening(self.port), "the sandbox listens")
        self.sandbox = Sandbox(self.port)
