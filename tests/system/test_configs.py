# SPDX-License-Identifier: Apache-2.0
"""Each configuration of tests/configs under Debian's Mosquitto and under ours: the same answers.

Where an answer differs, DIFFERENCES says so, with the page that tells users of it. What is newer
than Mosquitto 2.0 is left out of the file that Debian's Mosquitto gets.
"""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from comparison import Runner
from configurations import MAIN, all_configurations
from probe import OPENED
from server import REPOSITORY
from waiting import PATIENCE_S

pytestmark = pytest.mark.ours_only("it starts both servers itself")

CONFIGURATIONS = all_configurations()
REFUSED = [name for name, configuration in CONFIGURATIONS.items() if configuration.refused]
NOBODY = {"one-line"}  # where Mosquitto lets nobody in
NEWER = [name for name, configuration in CONFIGURATIONS.items() if configuration.newer]
WEBSOCKETS = [name for name, configuration in CONFIGURATIONS.items()
              if "protocol websockets" in configuration.lines
              and "socket_domain ipv4" not in configuration.lines]
VERDICT = re.compile(" (publish|subscribe|retain) ")
AT_ONCE = 6  # configurations that are under way at a time

SECTIONS = "docs/decisions/0039-answers-unlike-mosquitto-2-0.md"
PACKET_SIZE = (SECTIONS, "`max_packet_size` is 2000000")
RECEIVE_MAXIMUM = (SECTIONS, "`receive_maximum` is a key of its own")
WEBSOCKET_ADDRESS = (SECTIONS, "WebSocket listeners keep to their address")
MAX_CONNECTIONS = (SECTIONS, "`max_connections` is kept")
KEEPALIVE = (SECTIONS, "`max_keepalive` holds for 3.1 and 3.1.1 too")
NUMBERS = (SECTIONS, "Numbers may be octal and hexadecimal")
PAYLOAD_SIZE = (SECTIONS, "A payload over `message_size_limit` is told 0x97")
QUEUE_FULL = ("docs/decisions/0008-drops-are-told.md", "0x97")
QUEUED_QOS0 = (SECTIONS, "QoS 0 messages that are kept take no place in the window")
INFLIGHT_BYTES = (SECTIONS, "`max_inflight_bytes` holds for what has waited")
MOUNT_POINT = (SECTIONS, "A mount point is taken off what a client gets")
CIPHERS = ("docs/decisions/0022-tls-of-today.md", "those without forward secrecy and with CBC")
COPIES = ("docs/decisions/0001-one-copy-for-overlapping-subscriptions.md", "gets one copy")
HTTP_DIR = ("docs/mosquitto.md", "| `http_dir` | **no effect yet**")
NEWER_KEY = ("docs/options.md", "| `{key}` |")


class Some:
    """Any answer but this one."""

    def __init__(self, but):
        self.but = but

    def __eq__(self, other):
        return other != self.but


class Topics:
    """Any answer that has topics beginning so, or that has none."""

    def __init__(self, beginning, has=True):
        self.beginning, self.has = f"'{beginning}", has

    def __eq__(self, other):
        return (self.beginning in repr(other)) == self.has


def newer(configuration, listener, question, theirs, ours, key):
    """A difference by a key that Mosquitto 2.0 does not have."""
    document, words = NEWER_KEY
    return configuration, listener, question, theirs, ours, (document, words.format(key=key))


ALL_NAMES = "(admin|alice|anonymous|bob|a wrong password|an empty password|an unknown name|" \
            "no password)"

# Configuration and listener (None: any), a pattern of questions, Mosquitto's answer, ours, and
# where users read of it.
DIFFERENCES = [
    (None, None, "CONNACK Maximum Packet Size", None, 2_000_000, PACKET_SIZE),
    *[(name, None, "listens on ::1", True, False, WEBSOCKET_ADDRESS) for name in WEBSOCKETS],
    (None, None, "a cipher with CBC", "0x00", "closed before MQTT", CIPHERS),
    (None, None, "copies by three subscriptions", 3, 1, COPIES),
    ("pages-and-messages", 1, "a file by HTTP", b"200", b"426", HTTP_DIR),
    ("smart-plugs", 0, "CONNACK Receive Maximum", 1, 20, RECEIVE_MAXIMUM),
    ("short-queues", 0, "CONNACK Receive Maximum", 5, 20, RECEIVE_MAXIMUM),
    ("queues-by-bytes", 0, "CONNACK Receive Maximum", 2, 20, RECEIVE_MAXIMUM),
    ("said-twice", 0, "CONNACK Receive Maximum", 8, 20, RECEIVE_MAXIMUM),
    ("notes-behind-values", 0, "CONNACK Receive Maximum", 10, 20, RECEIVE_MAXIMUM),
    ("window-by-bytes", 0, "CONNACK Receive Maximum", None, 20, RECEIVE_MAXIMUM),
    ("window-by-bytes", 0, OPENED, 30, 6, INFLIGHT_BYTES),
    ("heat-pump-sensors", 0, OPENED, 10, 20, QUEUED_QOS0),
    ("heat-pump-sensors", 0, "QoS 1 kept for an absent client", 20, 30, QUEUED_QOS0),
    ("short-queues", 0, "message 29 for an absent client", "taken", "0x97", QUEUE_FULL),
    ("camera-events", 0, "message 29 for an absent client", "taken", "0x97", QUEUE_FULL),
    ("queues-by-bytes", 0, "message 29 for an absent client", "taken", "0x97", QUEUE_FULL),
    ("camera-events", 0, "150000 bytes", "0x95", "0x97", PAYLOAD_SIZE),
    ("twelve-is-too-many", 0, "let in of 12", 12, 8, MAX_CONNECTIONS),
    ("limits-for-each-door", 0, "let in of 12", 12, 5, MAX_CONNECTIONS),
    ("notes-behind-values", 0, "CONNACK Server Keep Alive", 170, 0o170, NUMBERS),
    ("notes-behind-values", 0, r"\$SYS", False, True, NUMBERS),
    ("notes-behind-values", 0, "keep alive (0|3600) by version 4", "0x00", "0x02", KEEPALIVE),
    ("said-twice", 0, "keep alive (0|3600) by version 4", "0x00", "0x02", KEEPALIVE),
    ("order-of-pieces", 0, "keep alive (0|3600) by version 4", "0x00", "0x02", KEEPALIVE),
    ("short-keep-alive", 0, "keep alive (0|3600) by version 4", "0x00", "0x02", KEEPALIVE),
    ("tenants-by-mount-point", 0, "(alice|bob) (publish|subscribe|retain) .*",
     Topics("north/"), Topics("north/", has=False), MOUNT_POINT),
    ("tenants-by-mount-point", 1, "(alice|bob) (publish|subscribe|retain) .*",
     Topics("south/"), Topics("south/", has=False), MOUNT_POINT),
    newer("ids-by-door", 0, "CONNACK Assigned Client Identifier", "auto-*", "inner-*",
          "listener_auto_id_prefix"),
    newer("ids-by-door", 1, "CONNACK Assigned Client Identifier", "auto-*", "outer-*",
          "listener_auto_id_prefix"),
    newer("let-in-by-door", 0, "anonymous by version [34]", "0x05", "0x00",
          "listener_allow_anonymous"),
    newer("let-in-by-door", 0, "anonymous by version 5", "0x87", "0x00",
          "listener_allow_anonymous"),
    newer("let-in-by-door", 0, "anonymous (publish|subscribe|retain) .*", "not let in",
          Some("not let in"), "listener_allow_anonymous"),
    newer("connections-of-all-doors", None, "let in of 12", 12, 7, "global_max_connections"),
    newer("sessions-of-all-doors", 0, "let in of 12", 12, 9, "global_max_clients"),
    newer("rules-told-at-subscribe", 0, "(anonymous|alice|bob) subscribe .*", ("0x01", []),
          ("0x87", []), "acl_check_subscribe"),
    newer("versions-by-door", 0, f"{ALL_NAMES} by version 5", "0x00", "0x84",
          "accept_protocol_versions"),
    newer("versions-by-door", 1, f"({ALL_NAMES}|keep alive .*) by version [34]", "0x00", "0x01",
          "accept_protocol_versions"),
    newer("versions-by-door", 1, "an empty id, clean True", "0x00", "0x01",
          "accept_protocol_versions"),
    newer("versions-by-door", 0, "CONNACK .*", Some(None), None, "accept_protocol_versions"),
]


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    return Runner(tmp_path_factory.mktemp("configs"))


def opened_unlike_theirs(name):
    """So many messages ours is to open at once, where Mosquitto opens others; None elsewhere."""
    return next((ours for configuration, _, question, _, ours, _ in DIFFERENCES
                 if (configuration, question) == (name, OPENED)), None)


@pytest.fixture(scope="module")
def results(request, runner):
    """What becomes of each configuration that is asked for, some of them at a time."""
    names = [item.callspec.params["name"] for item in request.session.items
             if getattr(item, "originalname", "") == test_answers_are_the_same.__name__]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(runner.compared, CONFIGURATIONS[name], opened_unlike_theirs(name))
               for name in names}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_answers_are_the_same(results, name):
    different, theirs = results[name].result()
    verdicts = [answer for (_, question), answer in theirs.items() if VERDICT.search(question)]
    if name in NOBODY:
        assert not verdicts
    else:
        assert len(verdicts) >= 20 and any(isinstance(verdict, tuple) for verdict in verdicts)
    untold = [question for question in different
              if not any(question.is_told(difference) for difference in DIFFERENCES)]
    assert not untold


def test_every_difference_is_there_and_told_to_users(results, request):
    if len(results) < len(CONFIGURATIONS):
        pytest.skip("not all configurations are asked for")
    different = [question for result in results.values() for question in result.result()[0]]
    for difference in DIFFERENCES:
        assert any(question.is_told(difference) for question in different), difference
        document, words = difference[-1]
        assert words in (REPOSITORY / document).read_text(), difference


def start_refused(server):
    """The start of a server that ends at once; what it says."""
    done = subprocess.run(server.arguments, cwd=server.directory, capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize("name", REFUSED)
def test_bridges_and_plugins_are_refused_where_they_stand(runner, name):
    server, key = runner.server(CONFIGURATIONS[name], "nightjar"), CONFIGURATIONS[name].refused
    file = next(path for path in [server.directory / MAIN, *server.directory.glob("**/conf.d/*")]
                if re.search(f"^{key} ", path.read_text(), re.MULTILINE))
    line = [text.split(" ")[0] for text in file.read_text().split("\n")].index(key) + 1
    assert f"Error: {file}:{line}: {key}: " in start_refused(server)


@pytest.mark.parametrize("name", NEWER)
def test_what_is_newer_is_not_known_to_mosquitto(runner, name):
    server = runner.server(CONFIGURATIONS[name], "mosquitto")
    told = re.search(r"Unknown configuration variable \"(.*?)\"", start_refused(server))
    assert told and told[1] in CONFIGURATIONS[name].newer


def test_there_are_many_and_each_says_whose_it_is():
    assert len(CONFIGURATIONS) >= 45
    for configuration in CONFIGURATIONS.values():
        assert re.match(r"# [A-Z].{20}", configuration.lines[0]), configuration.name
    windows = CONFIGURATIONS["windows-line-ends"].lines
    assert all(line.endswith("\r") for line in windows[:-1])
