"""Socket.IO 5, rule by rule: the cases of the protocol's own suite, and those that its reference server knows besides."""

import json
import time

import pytest

from echo import Wire


@pytest.fixture
def wire(echo):
    return Wire(echo.base_url, "/socket.io/")


@pytest.fixture
def frames(wire):
    """A connection in no namespace."""
    with wire.opened() as frames:
        yield frames


@pytest.fixture
def joined(frames):
    """A connection in the main namespace."""
    frames.send("40")
    assert frames.receive_other().startswith('40{"sid":')
    assert frames.receive_other() == '42["auth",{}]'
    return frames


# Connect


@pytest.mark.parametrize(
    "packet, prefix, auth",
    [
        ("40", "40", '42["auth",{}]'),
        ('40{"token":"123"}', "40", '42["auth",{"token":"123"}]'),
        ("40/,", "40", '42["auth",{}]'),
        ("40/custom,", "40/custom,", '42/custom,["auth",{}]'),
        ("40/custom", "40/custom,", '42/custom,["auth",{}]'),
        ('40/custom,{"token":"abc"}', "40/custom,", '42/custom,["auth",{"token":"abc"}]'),
    ],
)
def test_a_namespace_is_joined(frames, packet, prefix, auth):
    frames.send(packet)
    answer = frames.receive_other()
    assert answer.startswith(prefix + "{")
    value = json.loads(answer[len(prefix):])
    assert list(value) == ["sid"] and isinstance(value["sid"], str)
    assert frames.receive_other() == auth


def test_a_sockets_id_is_not_the_connections(wire):
    with wire.socket() as frames:
        engine = json.loads(frames.receive()[1:])["sid"]
        frames.send("40")
        assert json.loads(frames.receive_other()[2:])["sid"] != engine


@pytest.mark.parametrize("packet", ["40/random", "40/random,", '40/random,{"token":1}'])
def test_an_unknown_namespace_is_refused_and_the_connection_lives(frames, packet):
    frames.send(packet)
    assert frames.receive_other() == '44/random,{"message":"Invalid namespace"}'
    frames.send("40")
    assert frames.receive_other().startswith('40{"sid":')


@pytest.mark.parametrize(
    "packet",
    ["4abc", "40[]", '40"text"', "40{", '42["message","x"]', "41", "43[]", "4", "47", '42/custom,["x"]',
     '44{"message":"x"}'],
)  # fmt: skip
def test_what_is_no_connect_closes_the_connection(frames, packet):
    frames.send(packet)
    frames.wait_for_close()


def test_a_client_that_joins_nothing_is_closed(frames):
    start = time.monotonic()
    while True:
        try:
            if frames.receive() == "2":
                frames.send("3")
        except Exception:  # noqa: BLE001 — closed
            break
    assert 0.8 < time.monotonic() - start < 2


def test_a_client_that_joined_is_left_alone(joined):
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert joined.receive() == "2"
        joined.send("3")


def test_a_second_connect_closes_the_connection(joined):
    joined.send("40")
    joined.wait_for_close()


# Disconnect


def test_leaving_the_main_namespace_leaves_the_connection(joined):
    joined.send("41")
    assert joined.receive() == "2"
    joined.send("3")
    joined.send("40")
    assert joined.receive_other().startswith('40{"sid":')


def test_leaving_one_namespace_leaves_the_others(joined):
    joined.send("40/custom")
    assert joined.receive_other().startswith("40/custom,{")
    assert joined.receive_other() == '42/custom,["auth",{}]'
    joined.send("41/custom")
    joined.send('42["message","message to main namespace"]')
    assert joined.receive_other() == '42["message-back","message to main namespace"]'


def test_a_message_to_a_namespace_that_was_left_closes_the_connection(joined):
    joined.send("41")
    joined.send('42["message","x"]')
    joined.wait_for_close()


# Events


@pytest.mark.parametrize("arguments", ['1,"2",{"3":[true]}', '"€ 🙂"', 'null', '1.5e3', '"\\u20ac\\n"'])
def test_an_event_comes_back(joined, arguments):
    joined.send(f'42["message",{arguments}]')
    assert joined.receive_other() == f'42["message-back",{arguments}]'


def test_an_event_without_arguments_comes_back(joined):
    joined.send('42["message"]')
    assert joined.receive_other() == '42["message-back"]'


PLACEHOLDERS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


def test_binary_attachments_come_back(joined):
    joined.send(f'452-["message",{PLACEHOLDERS}]')
    joined.send(bytes([1, 2, 3]))
    joined.send(bytes([4, 5, 6]))
    assert joined.receive_other() == f'452-["message-back",{PLACEHOLDERS}]'
    assert joined.receive_other() == bytes([1, 2, 3])
    assert joined.receive_other() == bytes([4, 5, 6])


def test_an_event_is_acknowledged(joined):
    joined.send('42456["message-with-ack",1,"2",{"3":[false]}]')
    assert joined.receive_other() == '43456[1,"2",{"3":[false]}]'


def test_an_event_in_a_namespace_with_an_id_is_parsed(joined):
    joined.send("40/custom,")
    joined.receive_other()
    joined.receive_other()
    joined.send('42/custom,12["anything"]')
    joined.send('42["message","still here"]')
    assert joined.receive_other() == '42["message-back","still here"]'


def test_a_binary_event_is_acknowledged(joined):
    joined.send(f'452-789["message-with-ack",{PLACEHOLDERS}]')
    joined.send(bytes([1, 2, 3]))
    joined.send(bytes([4, 5, 6]))
    assert joined.receive_other() == f"462-789[{PLACEHOLDERS}]"
    assert joined.receive_other() == bytes([1, 2, 3])
    assert joined.receive_other() == bytes([4, 5, 6])


@pytest.mark.parametrize(
    "packet",
    [
        "4abc",
        "42{}",
        "42",
        "42[]",
        "42[{}]",
        "42[null]",
        '42["message"',
        '42["message"]x',
        '42abc["message-with-ack",1]',
        '42-1["message"]',
        '42["connect"]',
        '42["connect_error"]',
        '42["disconnect"]',
        '42["disconnecting"]',
        '42["newListener"]',
        '42["removeListener"]',
        "43{}",
        "43[]",
        "41{}",
        '45["message"]',
        '45-["message"]',
        '45x-["message"]',
        '4511-["message"]',
        '451-["message",{"_placeholder":true,"num":1}]',
        '451-["message",{"_placeholder":true,"num":-1}]',
        '451-["message",{"_placeholder":true,"num":"0"}]',
        '42/custom,["message"]',
        "41/custom",
    ],
)
def test_a_bad_packet_closes_the_connection(joined, packet):
    joined.send(packet)
    joined.wait_for_close()


def test_a_text_in_place_of_an_attachment_closes_the_connection(joined):
    joined.send('451-["message",{"_placeholder":true,"num":0}]')
    joined.send('42["message","x"]')
    joined.wait_for_close()


def test_an_attachment_of_nothing_closes_the_connection(joined):
    joined.send(bytes([1, 2, 3]))
    joined.wait_for_close()


def test_ten_attachments_are_taken_and_not_one_more(joined):
    def packet(count):
        placeholders = ",".join(f'{{"_placeholder":true,"num":{number}}}' for number in range(count))
        return f'45{count}-["message",{placeholders}]'

    joined.send(packet(10))
    for number in range(10):
        joined.send(bytes([number]))
    assert joined.receive_other().startswith('4510-["message-back",')
    assert [joined.receive_other() for _ in range(10)] == [bytes([number]) for number in range(10)]
    joined.send(packet(11))
    joined.wait_for_close()


def test_deep_nesting_closes_the_connection(joined):
    joined.send('42["message",' + "[" * 100_000 + "]" * 100_000 + "]")
    joined.wait_for_close()


# Over polling


def test_everything_goes_over_polling_too(wire):
    session = wire.open()
    assert session.push('40{"token":"123"}').status_code == 200
    first, second = session.packets()
    assert first.startswith('40{"sid":') and second == '42["auth",{"token":"123"}]'
    assert session.push('451-7["message-with-ack",{"_placeholder":true,"num":0}]\x1ebAQID').status_code == 200
    packets = session.packets()
    assert packets[-2:] == ['461-7[{"_placeholder":true,"num":0}]', "bAQID"]


def test_a_bad_packet_over_polling_ends_the_session(wire):
    session = wire.open()
    session.push("40")
    session.push("4abc")
    assert session.poll().status_code in (200, 400)
    assert session.poll().status_code == 400
