"""Realtime clients behind a reverse proxy that keeps its connections."""

import pytest
import socketio

from proxy import Proxy
from stream import Stream
from waiting import until


@pytest.fixture
def proxy(gateway):
    proxy = Proxy(gateway.port)
    yield proxy
    proxy.close()


def test_a_websocket_is_upgraded_on_a_connection_that_has_carried_a_request(gateway, proxy, phone):
    stream = Stream(proxy.url.replace("http", "ws", 1) + "/ws", gateway.key)
    try:
        stream.subscribe()
        gateway.sandbox.text(phone, "through the proxy")
        stream.wait_for_event("message.new", lambda data: data["body"] == "through the proxy")
        assert proxy.upgrades == 1
    finally:
        stream.close()


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], None], ids=["polling", "websocket", "upgrading"])
def test_a_socketio_client_comes_through(gateway, proxy, phone, transports):
    client, heard = socketio.Client(reconnection=False), []
    client.on("message:new", heard.append, namespace="/messaging")
    try:
        client.connect(proxy.url, auth={"token": gateway.key}, namespaces=["/messaging"], transports=transports)
        text = f"through the proxy, {transports}"
        gateway.sandbox.text(phone, text)
        until(lambda: any(event["data"]["body"] == text for event in heard), lambda: f"the text; got {heard}")
        assert proxy.upgrades == (0 if transports == ["polling"] else 1)
    finally:
        client.disconnect()
