"""Starting, stopping, and the words of a start that fails."""

import re
import socket

import pytest

from gateway import Gateway
from processes import ROOT, free_port, processes_in, run
from waiting import until

SECRETS = {"API_KEY_SECRET": "k" * 64, "WEBHOOK_SIGNING_SECRET": "w" * 64}


@pytest.fixture
def fresh(directory):
    """A gateway that is not started yet."""
    gateway = Gateway(directory)
    yield gateway
    gateway.close()


def can_listen(port):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_sigterm_stops_everything_and_the_next_start_has_it_all(fresh, phone):
    fresh.start()
    stream = fresh.stream()
    stream.subscribe()
    fresh.sandbox.text(phone, "before")
    stream.wait_for_event("message.new")
    assert processes_in(fresh.directory)

    assert fresh.program.terminate(deadline=15) == 0
    assert stream.wait_for_close()[0] == 1012
    until(lambda: not processes_in(fresh.directory), lambda: f"no process: {processes_in(fresh.directory)}", 5)
    assert can_listen(fresh.port) and can_listen(fresh.sandbox_port)

    fresh.start()
    assert [message["body"] for message in fresh.all_messages()] == ["before"]


def test_kill_9_leaves_no_database_server(fresh):
    fresh.start()
    fresh.program.kill()
    until(lambda: not processes_in(fresh.directory), lambda: f"no process: {processes_in(fresh.directory)}", 20)
    assert can_listen(fresh.port)


def test_keys_are_made_without_a_running_server(fresh):
    key = fresh.create_key("read")
    assert key and not re.search(r"\s", key)
    assert processes_in(fresh.directory) == []
    fresh.start()
    assert fresh.call("GET", "/api/messages", key=key).status_code == 200


def failed_start(gateway, deadline=60):
    """What a start says that fails: its status is not 0, it is no crash, and it leaves nothing."""
    gateway.program.start()
    status = gateway.program.wait_for_end(deadline)
    assert status > 0, gateway.program.errors
    words = gateway.program.errors
    assert "Fatal error" not in words and "Traceback" not in words and "Backtrace" not in words, words
    until(lambda: not processes_in(gateway.directory), "no process is left", 10)
    return words


def test_a_taken_port_ends_the_start_in_words(fresh):
    with socket.socket() as other:
        other.bind(("127.0.0.1", fresh.port))
        other.listen()
        words = failed_start(fresh)
    assert str(fresh.port) in words.strip().splitlines()[-1]


def test_a_broken_configuration_names_every_place(fresh):
    lines = (ROOT / "channels.yaml").read_text().splitlines()
    at = {}
    for number, line in enumerate(lines, 1):
        if "type: whatsapp" in line:
            lines[number - 1] = line.replace("whatsapp", "whatsap")
            at["whatsap"] = number
        elif re.search(r"\bmps: *1\b", line):
            lines[number - 1] = re.sub(r"mps: *1", "mps: fast", line)
            at["mps"] = number
        elif "publicURL" in line:
            lines[number - 1] = line.replace("publicURL", "publicUrl")
            at["publicUrl"] = number
    assert len(at) == 3
    (fresh.directory / "channels.yaml").write_text("\n".join(lines) + "\n")
    words = failed_start(fresh)
    for word, number in at.items():
        assert re.search(rf"channels\.yaml:{number}:\d+: .*{word}", words), words
    assert "whatsapp" in words and "publicURL" in words
    status, output, errors = run(["check"], fresh.directory, fresh.program.environment)
    assert status != 0
    assert re.search(rf"channels\.yaml:{at['mps']}:\d+:", output + errors)


def test_the_shipped_configuration_is_found_good(directory):
    status, output, errors = run(["check", str(ROOT / "channels.yaml")], directory, {"PORT": str(free_port())})
    assert status == 0, output + errors


def test_a_database_that_does_not_answer_ends_the_start_in_words(directory):
    port = free_port()
    url = f"postgres://fractal:hunter2@127.0.0.1:{port}/fractal"
    gateway = Gateway(directory, {"DATABASE_URL": url, **SECRETS})
    try:
        words = failed_start(gateway, deadline=90)
        assert "hunter2" not in words
        last = words.strip().splitlines()[-1]
        assert re.search("database|PostgreSQL", last) and str(port) in last, words
    finally:
        gateway.close()


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_a_database_of_ones_own_needs_both_secrets(directory, missing):
    others = {name: value for name, value in SECRETS.items() if name != missing}
    url = f"postgres://127.0.0.1:{free_port()}/fractal"
    gateway = Gateway(directory, {"DATABASE_URL": url, **others})
    try:
        assert missing in failed_start(gateway)
    finally:
        gateway.close()


def test_an_account_without_a_token_ends_the_start(directory):
    gateway = Gateway(directory, {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32})
    try:
        assert re.search("token", failed_start(gateway), re.IGNORECASE)
    finally:
        gateway.close()


def test_secrets_of_a_first_start_are_readable_by_nobody_else(fresh):
    fresh.start()
    state = fresh.directory / ".fractal"
    open_files = [path for path in state.iterdir() if path.is_file() and path.stat().st_mode & 0o077]
    assert open_files == []
    assert any(path.is_file() for path in state.iterdir())
