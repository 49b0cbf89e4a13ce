# SPDX-License-Identifier: Apache-2.0
"""A network in trouble: datagrams that are lost, doubled, delayed, and overtake each other."""

import heapq
import random
import select
import socket
import threading
import time

DELAY_MAX_S = 0.03


class LossyLink:
    """Carries datagrams between clients and one port of UDP.

    `trouble` is the part of the datagrams that is lost, that is doubled, and that is delayed: 0.3
    of each; what is not among the kinds does not happen. It may change at any time.
    """

    def __init__(self, port, seed, kinds=("lost", "doubled", "delayed")):
        self.trouble = 0
        self.kinds = kinds
        self.counts = {"carried": 0, "lost": 0, "doubled": 0, "delayed": 0}
        self._luck = random.Random(seed)
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self.port = self._front.getsockname()[1]
        self._target = ("127.0.0.1", port)
        self._backs = {}  # by a client's address: the socket that speaks for it
        self._flying = []  # what is due when
        self._number = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _strikes(self, what):
        strikes = what in self.kinds and self._luck.random() < self.trouble
        self.counts[what] += strikes
        return strikes

    def _fly(self, send, data):
        self.counts["carried"] += 1
        copies = [] if self._strikes("lost") else [data]
        if self._strikes("doubled"):
            copies.append(data)
        for copy in copies:
            delay = self._luck.uniform(0, DELAY_MAX_S) if self._strikes("delayed") else 0
            self._number += 1
            heapq.heappush(self._flying, (time.monotonic() + delay, self._number, send, copy))

    def _back(self, address):
        if address not in self._backs:
            back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            back.connect(self._target)
            self._backs[address] = back
        return self._backs[address]

    def _take(self, ready):
        try:
            data, address = ready.recvfrom(65535)
        except ConnectionError:
            return  # the server is not there now
        if ready is self._front:
            back = self._back(address)
            self._fly(back.send, data)
            return
        [client] = [client for client, back in self._backs.items() if back is ready]
        self._fly(lambda copy: self._front.sendto(copy, client), data)

    def _land(self):
        while self._flying and self._flying[0][0] <= time.monotonic():
            _, _, send, data = heapq.heappop(self._flying)
            try:
                send(data)
            except ConnectionError:
                pass

    def _run(self):
        while not self._ended.is_set():
            wait = 0.05
            if self._flying:
                wait = min(wait, max(0, self._flying[0][0] - time.monotonic()))
            ready, _, _ = select.select([self._front, *self._backs.values()], [], [], wait)
            for one in ready:
                self._take(one)
            self._land()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._ended.set()
        self._thread.join()
        for one in [self._front, *self._backs.values()]:
            one.close()
