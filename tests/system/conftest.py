# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests; README.md tells how to run them."""

import signal
import tempfile
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from certificates import EC, Authority
from server import IS_NIGHTJAR, LOCATION, PROGRAM, Server, common_config, free_port
from tls import renew_certificate
from waiting import TRIES_MAX


# A shell lets what runs in its background ignore Ctrl-C; all that is started here would as well.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Servers keep all on disk, as they do without a setting. Mosquitto does not, unless it is told to,
# and then ends slowly.
KEPT = "durability group" if IS_NIGHTJAR else "persistence false"

PACKETS = Path("/proc/net/softnet_stat")  # a line for each processor; the second column: lost

LOG_SIZE_MAX = 6000  # bytes of a log's end: what the test itself says must not be lost before it


def pytest_report_header():
    return f"server under test: {PROGRAM}"


def pytest_collection_modifyitems(items):
    """A test of what we alone promise does not run against a peer."""
    if IS_NIGHTJAR:
        return
    for item in items:
        ours_only = item.get_closest_marker("ours_only")
        if ours_only:
            item.add_marker(pytest.mark.skip(reason=ours_only.args[0]))


def packets_lost():
    """How many packets the machine itself has lost, having more than it keeps for later."""
    if not PACKETS.exists():
        return 0
    return sum(int(line.split()[1], 16) for line in PACKETS.read_text().splitlines())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """A test of datagrams is done anew where it failed while the machine lost some.

    That may have been one that nobody says again, and then the test has shown nothing.
    """
    if not item.get_closest_marker("datagrams"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for tries_left in reversed(range(TRIES_MAX)):
        before = packets_lost()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        lost = packets_lost() - before
        if not lost or not tries_left or all(report.passed for report in reports):
            break
        item.warn(pytest.PytestWarning(f"failed while the machine lost {lost} packets: done anew"))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the logs of a failed test's servers to what is printed of it."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in getattr(item, "servers", []):
            log = server.log()
            report.sections.append((f"log of the server on port {server.port}",
                                    log[-LOG_SIZE_MAX:]))


@pytest.fixture
def start_server(request, tmp_path):
    """A function that starts a server with a configuration of its own.

    Every server so started must be alive at the end of the test, stop cleanly, and have nothing
    of a sanitizer in its log, unless the test itself ended it.
    """
    servers = request.node.servers = []

    def start(config="", arguments=(), listener="listener {port} 127.0.0.1", with_file=True,
              data=None):
        """config: lines that are added; {port} in listener and arguments becomes the port.

        data: where it keeps what is to outlive it, where that is not to be below its directory.
        """
        port = free_port()
        directory = tmp_path / f"server{len(servers)}"
        directory.mkdir()
        text = (f"{common_config(KEPT)}{listener.format(port=port)}\n"
                f"allow_anonymous true\n{config}\n")
        server = Server(directory, port, text if with_file else None,
                        [argument.format(port=port) for argument in arguments])
        servers.append(server)
        if data:
            server.environment[LOCATION] = str(data)
        return server.start()

    yield start
    try:
        for server in servers:
            if server.process.returncode is None:
                server.stop()
            server.expect_no_report()
    finally:
        for server in servers:
            server.kill()
            server.remove_data()


@pytest.fixture
def open_folder():
    """A folder that every user may enter, as those of tests are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def server(request, start_server):
    """A running server; `@pytest.mark.config(text)` adds lines to its configuration."""
    config = request.node.get_closest_marker("config")
    return start_server(config.args[0] if config else "")


@pytest.fixture
def start_gateway(start_server):
    """A function that starts a server that has a listener of MQTT-SN besides."""
    def start(config="", host="127.0.0.1", threads=3):
        port = free_port()
        server = start_server(
            f"threads {threads}\nlistener {port} {host}\nprotocol mqttsn\n{config}")
        server.sensor_port = port
        # While the threads open their sockets, the kernel does not know yet whose a device is.
        server.await_log("server.running")
        return server
    return start


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority for the server's certificate and its clients'."""
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def start_tls(start_server, authority, tmp_path):
    """A function that starts a server whose one listener speaks TLS, with more lines if given.

    The certificate and key lie in the test's own directory, as server.pem and server.key.
    """
    def start(config="", key=EC, **options):
        renew_certificate(authority, tmp_path, "/CN=localhost", key)
        return start_server(
            config,
            listener="listener {port} 127.0.0.1\n"
                     f"certfile {tmp_path}/server.pem\nkeyfile {tmp_path}/server.key", **options)

    return start
