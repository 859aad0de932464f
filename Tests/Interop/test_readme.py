"""What the README shows, run as it is printed: only ports, keys and secrets are filled in."""

import json
import re
import subprocess
import sys

import pytest

from gateway import Gateway
from processes import ROOT, free_port
from waiting import until


@pytest.fixture
def fresh(directory):
    gateway = Gateway(directory)
    try:
        yield gateway.start()
    finally:
        gateway.close()


def block(heading, language="sh", holding=""):
    """The first block of a language under a heading that holds a text."""
    text = (ROOT / "README.md").read_text()
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return next(block for block in blocks if holding in block)


def curls(lines):
    """Its commands, each on one line. Options inside quotes may span lines."""
    lines = lines.replace("\\\n", "")
    return [command.strip() for command in re.findall(r"^curl (?:'[^']*'|\"[^\"]*\"|[^'\"\n])*", lines, re.MULTILINE)]


def shell(gateway, command):
    """The JSON that a command of the README prints."""
    command = command.replace("localhost:3000", gateway.base_url.split("//")[1])
    script = f"KEY=$(cat .fractal/api-key)\nSANDBOX=http://127.0.0.1:{gateway.sandbox_port}\n{command}"
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=gateway.directory, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command}\n{done.stderr}{done.stdout}"
    return json.loads(done.stdout)


class Script:
    """A Python program of the README while it runs."""

    def __init__(self, gateway, text):
        path = gateway.directory / "readme.py"
        path.write_text(text)
        self.output = gateway.directory / "readme.out"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-u", str(path)], stdout=output, stderr=subprocess.STDOUT, cwd=gateway.directory)

    def wait_for(self, *words):
        until(
            lambda: all(word in self.output.read_text() for word in words) or self.process.poll() is not None,
            lambda: f"{words} in {self.output.read_text()}")
        text = self.output.read_text()
        assert all(word in text for word in words), text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_the_first_run_works_as_printed(fresh):
    commands = curls(block("The first run"))
    assert len(commands) == 7
    sent = shell(fresh, commands[0])
    assert sent["status"] == "queued" and sent["body"] == "Hello"
    texted, asked, pictured = (shell(fresh, command) for command in commands[1:4])
    assert [receipt["webhook"]["status"] for receipt in (texted, asked, pictured)] == [200, 200, 200]
    buttons = shell(fresh, commands[4])["id"]
    sid = until(lambda: fresh.message(buttons)["providerSid"], "the buttons are sent")
    assert shell(fresh, commands[5].replace("MM…", sid))["webhook"]["status"] == 200
    messages = shell(fresh, commands[6])["data"]
    assert messages[0]["content"]["kind"] == "buttonReply" and "yes" in messages[0]["content"].values()
    assert {message["body"] for message in messages} >= {"Hello", "Hi", "Look"}


def test_the_five_things_people_do_most_work_as_printed(fresh):
    fresh.sandbox.text("+14155550102", "Is anybody there?")
    commands = curls(block("The five things people do most"))
    assert len(commands) == 5
    sent = shell(fresh, commands[0])
    assert sent["status"] == "queued"
    fresh.settled(sent["id"], "delivered")
    messages, conversations, events, webhook = (shell(fresh, command) for command in commands[1:])
    # Those that went out, not the one that came in.
    assert [message["id"] for message in messages["data"]] == [sent["id"]]
    assert conversations["data"][0]["unreadCount"] == 1
    assert events["last"] > 0 and events["data"]
    assert webhook["secret"].startswith("whsec_")
    assert shell(fresh, commands[0])["id"] == sent["id"]


def test_contacts_searches_and_bulks_work_as_printed(fresh):
    commands = curls(block("Contacts, searches, bulks"))
    assert len(commands) == 4
    for text in ("My order was delayed", "My order has come"):
        fresh.sandbox.text("+14155550104", text)
    fresh.settled(fresh.send("+14155550104", "Which order was delayed?")["id"], "delivered")
    contact, found, messages, bulk = (shell(fresh, command) for command in commands)
    assert [address["address"] for address in contact["channels"]] == ["+14155550120", "+14155550120"]
    assert [match["id"] for match in found["data"]] == [contact["id"]]
    assert [message["body"] for message in messages["data"]] == ["My order was delayed"]
    assert (bulk["accepted"], len(bulk["rejected"])) == (1, 1)


def test_the_webhook_receiver_works_as_printed(fresh):
    port = free_port()
    command = curls(block("Follow what happens"))[0].split("  #")[0]
    webhook = shell(fresh, command.replace("https://example.com/hook", f"http://127.0.0.1:{port}/"))
    program = block("Follow what happens", "python", "standardwebhooks").replace("8000", str(port))
    with Script(fresh, f"secret = {webhook['secret']!r}\n{program}") as receiver:
        fresh.sandbox.text("+14155550103", "to the hook")
        receiver.wait_for("message.new", "to the hook")


def test_the_websocket_client_works_as_printed(fresh):
    program = block("Follow what happens", "python", "websockets").replace(
        "localhost:3000", fresh.base_url.split("//")[1])
    # What comes once it listens: nothing says when that is, so texts are sent until one is heard.
    with Script(fresh, f"key = {fresh.key!r}\n{program}") as client:
        heard = until(
            lambda: fresh.sandbox.text("+14155550104", "to the socket") and client.output.read_text(),
            lambda: "an event at the client", pause=0.2)
        assert heard
        client.wait_for("message.new", "to the socket")
