# SPDX-License-Identifier: Apache-2.0
"""The same questions to two servers that were started with the same configuration."""

import re

from access import SERVERS
from certificates import Authority
from configurations import BRIDGE_KEYS, MAIN, PLUGIN_KEYS, Rewriter, made_files
from doors import Doors
from probe import OPENED, answers
from server import Server, is_open


class Question:
    """One answer that is not the same."""

    def __init__(self, name, listener, question, theirs, ours):
        self.name, self.listener, self.question = name, listener, question
        self.theirs, self.ours = theirs, ours

    def is_told(self, difference):
        """Whether the row of DIFFERENCES is about this."""
        name, listener, pattern, theirs, ours, _ = difference
        return (name in (None, self.name) and listener in (None, self.listener)
                and re.fullmatch(pattern, self.question) is not None
                and theirs == self.theirs and ours == self.ours)

    def __repr__(self):
        return f"listener {self.listener}, {self.question}: {self.theirs} and ours {self.ours}"


class Runner:
    """Starts servers with configurations; the files that these name are made once."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = Authority(folder)
        for name in ("anonymous", "admin", "alice", "bob"):
            self.authority.issue(name)
        self.files = made_files(folder, self.authority)
        stranger = Authority(folder, "strangers")
        for file in stranger.issue("stranger"):
            file.rename(self.authority.folder / file.name)

    def server(self, configuration, kind, without=None):
        """A server that is about to start; without: the keys that are left out of its file."""
        part = "whole" if without is None else "part"
        rewriter = Rewriter(configuration, self.folder / f"{configuration.name}-{kind}-{part}",
                            self.files, without or (lambda key: False))
        # With one thread the order between clients is known, as with Mosquitto.
        arguments = rewriter.write("" if kind == "mosquitto" else "threads 1\n")
        server = ConfiguredServer(rewriter.directory, rewriter.listeners,
                                  [*arguments, "-c", str(rewriter.main_file)])
        server.arguments[0] = str(SERVERS[kind])
        return server

    def answers(self, configuration, kind, without, awaited=0):
        server = self.server(configuration, kind, without)
        try:
            server.start()
            found = answers(Doors(self.authority), server.listeners, awaited)
            server.stop()
            return found
        finally:
            server.kill()
            server.remove_data()

    def compared(self, configuration, opened=None):
        """The answers that are not the same, and all of Mosquitto's; opened: what ours is to answer
        for OPENED, where that is not what Mosquitto answers."""
        theirs = self.answers(configuration, "mosquitto", lambda key: key in configuration.newer
                              or PLUGIN_KEYS.fullmatch(key))
        awaited = theirs.get((0, OPENED), 0) if opened is None else opened
        ours = self.answers(configuration, "nightjar", lambda key: BRIDGE_KEYS.fullmatch(key)
                            or PLUGIN_KEYS.fullmatch(key), awaited)
        different = [Question(configuration.name, *key, theirs.get(key), ours.get(key))
                     for key in theirs | ours if theirs.get(key) != ours.get(key)]
        return different, theirs


class ConfiguredServer(Server):
    """A server whose configuration is written already; it is ready when every listener is."""

    def __init__(self, directory, listeners, arguments):
        super().__init__(directory, listeners[0].port, None, arguments)
        self.main_file = self.directory / MAIN
        self.listeners = listeners

    def _is_ready(self):
        assert self.process.poll() is None, f"the server ended at its start:\n{self.log()}"
        return all(listener.path.exists() if listener.path
                   else is_open(listener.host, listener.port) for listener in self.listeners)
