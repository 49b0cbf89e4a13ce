# SPDX-License-Identifier: Apache-2.0
"""MQTT.js in a page that Chromium has opened, over ws and wss."""

import pytest

from browser import Pages
from certificates import Authority

pytestmark = [
    pytest.mark.ours_only("Mosquitto 2.0.11 does not start with WebSocket alone"),
    pytest.mark.sanitizer,
]

LISTENER = "listener {port} 127.0.0.1\nprotocol websockets\n"
MESSAGES = [["page/a", "first", 0], ["page/a", "LARGE", 1], ["page/a", "last", 2]]


@pytest.fixture(scope="module")
def pages():
    served = Pages()
    yield served
    served.close()


def test_a_page_over_ws(start_server, tmp_path, pages):
    server = start_server(listener=f"{LISTENER}websockets_origin {pages.origin}")
    result = pages.open(tmp_path, f"ws://127.0.0.1:{server.port}/mqtt", 5)
    assert result == {"connected": True, "messages": MESSAGES, "protocol": "mqtt", "extensions": ""}


def test_a_page_over_wss_and_compressed(start_server, tmp_path, pages):
    certificate, key = Authority(tmp_path).issue("server", kind="server")
    server = start_server(listener=f"{LISTENER}websockets_compression true\n"
                                   f"certfile {certificate}\nkeyfile {key}")
    result = pages.open(tmp_path, f"wss://localhost:{server.port}/mqtt", 4)
    assert result["messages"] == MESSAGES
    assert result["extensions"].startswith("permessage-deflate; server_no_context_takeover")
    server.await_log("client.connected .*tls=TLSv1.3")


def test_a_page_of_another_origin_is_refused(start_server, tmp_path, pages):
    server = start_server(listener=f"{LISTENER}websockets_origin https://a.example")
    result = pages.open(tmp_path, f"ws://127.0.0.1:{server.port}/mqtt", 5)
    assert "connected" not in result and result["messages"] == []
    server.await_log("connection.failed .*Origin")
