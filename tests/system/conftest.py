# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests; README.md tells how to run them."""

import pytest

from server import IS_NIGHTJAR, PROGRAM, Server, common_config, free_port


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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the logs of a failed test's servers to what is printed of it."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in getattr(item, "servers", []):
            log = server.log()
            report.sections.append((f"log of the server on port {server.port}", log[-20000:]))


@pytest.fixture
def start_server(request, tmp_path):
    """A function that starts a server with a configuration of its own.

    Every server so started must be alive at the end of the test, stop cleanly, and have nothing
    of a sanitizer in its log, unless the test itself ended it.
    """
    servers = request.node.servers = []

    def start(config="", arguments=(), listener="listener {port} 127.0.0.1", with_file=True):
        """config: lines that are added; {port} in listener and arguments becomes the port."""
        port = free_port()
        directory = tmp_path / f"server{len(servers)}"
        directory.mkdir()
        text = f"{common_config()}{listener.format(port=port)}\nallow_anonymous true\n{config}\n"
        server = Server(directory, port, text if with_file else None,
                        [argument.format(port=port) for argument in arguments])
        servers.append(server)
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


@pytest.fixture
def server(request, start_server):
    """A running server; `@pytest.mark.config(text)` adds lines to its configuration."""
    config = request.node.get_closest_marker("config")
    return start_server(config.args[0] if config else "")
