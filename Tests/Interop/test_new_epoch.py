"""`fractal migrate --new-epoch`: what is said to readers of a log that came back from a copy of its files."""

from gateway import Gateway
from processes import run
from test_nodes import database_of
from waiting import until


def migrate(directory, environment, *flags):
    status, output, errors = run(["migrate", *flags], directory, environment)
    assert status == 0, errors
    return output.splitlines()


def epoch_of(gateway):
    return gateway.get("/api/events", after=0, limit=1)["epoch"]


def test_a_stopped_gateways_log_gets_a_new_epoch_and_its_readers_are_sent_back_to_the_start(directory, phone):
    gateway = Gateway(directory)
    try:
        gateway.start()
        stream = gateway.stream()
        ready = stream.subscribe()
        gateway.sandbox.text(phone, "before")
        seen = stream.wait_for_event("message.new")
        assert gateway.program.terminate() == 0
        stream.close()
        # Without the flag nothing changes.
        assert migrate(directory, gateway.program.environment) == ["The schema is up to date."]
        gateway.start()
        assert epoch_of(gateway) == ready["epoch"]
        assert gateway.program.terminate() == 0

        lines = migrate(directory, gateway.program.environment, "--new-epoch")
        assert lines == ["The event log has a new epoch.", "The schema is up to date."]
        gateway.start()
        assert epoch_of(gateway) != ready["epoch"]
        stream = gateway.stream()
        answer = stream.subscribe(after=seen["seq"], epoch=ready["epoch"])
        assert answer["type"] == "reset" and answer["epoch"] == epoch_of(gateway)
        stream.close()
        # What there is, is there still.
        assert [message["body"] for message in gateway.all_messages()] == ["before"]
    finally:
        gateway.close()


def test_running_gateways_notice(directory):
    places = [directory / name for name in ("node", "command")]
    for place in places:
        place.mkdir(mode=0o755)
    gateway = Gateway(places[0])
    try:
        gateway.start()
        stream = gateway.stream()
        ready = stream.subscribe()
        other = Gateway(places[1], {"DATABASE_URL": database_of(gateway)}, own_sandbox=False)
        lines = migrate(places[1], other.program.environment, "--new-epoch")
        assert lines[0] == "The event log has a new epoch."
        reset = stream.wait_for(lambda frame: frame["type"] == "reset", "reset")
        assert reset["epoch"] != ready["epoch"]
        until(lambda: epoch_of(gateway) == reset["epoch"], "the new epoch")
        # Who subscribes from now on is of the new log.
        again = gateway.stream()
        assert again.subscribe()["epoch"] == reset["epoch"]
        again.close()
        stream.close()
    finally:
        gateway.close()
