"""Fixtures: one gateway and one sandbox for most tests, fresh ones for those that break things."""

import itertools

import pytest

from echo import Echo
from gateway import Gateway
from processes import BINARY, remove, working_directory
from receiver import Receiver
from sandbox import SandboxProgram

measurements = []


def pytest_sessionstart(session):
    if not BINARY.exists():
        raise pytest.UsageError(f"no binary at {BINARY}: build first, or set FRACTAL_BINARY")


def pytest_terminal_summary(terminalreporter):
    for line in measurements:
        terminalreporter.write_line(f"measured: {line}")


@pytest.fixture(scope="session")
def measured():
    """Takes `(what, milliseconds)`, which the end of the run shows."""

    def note(what, milliseconds):
        ordered = sorted(milliseconds)
        middle = ordered[len(ordered) // 2]
        measurements.append(f"{what}: median {middle:.1f} ms, worst {ordered[-1]:.1f} ms of {len(ordered)}")

    return note


@pytest.fixture
def directory():
    """A working directory; whatever works in it is ended afterwards."""
    directory = working_directory()
    yield directory
    remove(directory)


@pytest.fixture(scope="session")
def session_directory():
    directory = working_directory()
    yield directory
    remove(directory)


@pytest.fixture(scope="session")
def gateway(session_directory):
    """The gateway that tests share: they use numbers of their own."""
    place = session_directory / "gateway"
    place.mkdir(mode=0o755)
    gateway = Gateway(place)
    try:
        yield gateway.start()
    finally:
        gateway.close()


@pytest.fixture(scope="session")
def sandbox(session_directory):
    """A sandbox without a gateway."""
    place = session_directory / "sandbox"
    place.mkdir(mode=0o755)
    program = SandboxProgram(place)
    yield program.sandbox
    program.program.close()


@pytest.fixture
def client(sandbox):
    """Twilio's own client, on the sandbox without a gateway."""
    return sandbox.client()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


numbers = itertools.count(2_000_000)


@pytest.fixture
def phone():
    """A phone number that no other test uses."""
    return f"+1415{next(numbers)}"


@pytest.fixture
def stream(gateway):
    """A subscribed client on the shared gateway."""
    stream = gateway.stream()
    stream.subscribe()
    yield stream
    stream.close()


@pytest.fixture(scope="session")
def echo():
    """The server on the target SocketIO alone, as the protocol suites want it."""
    echo = Echo()
    yield echo
    echo.close()
