# SPDX-License-Identifier: Apache-2.0
"""Questions that a client can put to the listeners of a server, and their answers.

`answers` gives a table from (number of the listener, question) to answer, so that two servers can
be compared. A server that is asked must serve all clients with one thread: what it has sent to one
client before it answers another's ping is then known to be all.
"""

import re
import socket
import ssl
import threading
from contextlib import contextmanager

from configurations import PEOPLE, PSK_KEYS
from doors import DoorClosed
from server import is_open
from wire import CONNACK, DISCONNECT, V311, V5, packet, string, variable

VERSIONS = (3, 4, 5)
ROOM = 12  # connections at a time that are tried
WINDOW = 30  # messages that wait for a client
OPENED = "messages of QoS 1 that are open"
NUDGE_S = 0.004
PAYLOAD_SIZE = 100  # bytes, of each of those
MARK = b"the last one"  # payload of what comes after those
LARGE = (3_000, 150_000)  # bytes of payload
LONG_KEEPALIVE_S = 3600
HOW = ("certificate", "tls", "ciphers", "bare")  # of Doors.open
CBC = "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA"
TOPICS = ("home/hall/light", "home/safe/door", "tele/plug/STATE", "cmnd/plug/POWER", "office/door",
          "devices/ID/state", "users/USER/in", "users/USER/out")
UNKNOWN = ("mallory", "wonder")

PROPERTIES = {  # of CONNACK: name and size; None: text
    0x11: ("Session Expiry Interval", 4), 0x12: ("Assigned Client Identifier", None),
    0x13: ("Server Keep Alive", 2), 0x1A: ("Response Information", None),
    0x1F: ("Reason String", None), 0x21: ("Receive Maximum", 2), 0x22: ("Topic Alias Maximum", 2),
    0x24: ("Maximum QoS", 1), 0x25: ("Retain Available", 1), 0x27: ("Maximum Packet Size", 4),
    0x28: ("Wildcard Subscription Available", 1), 0x29: ("Subscription Identifier Available", 1),
    0x2A: ("Shared Subscription Available", 1),
}
RANDOM_TAIL = re.compile(r"(?<=-)[0-9A-Za-z-]{16,}$")


def properties_of(data):
    """The properties of a CONNACK, whose one byte of length is taken off."""
    found = {}
    while data:
        name, size = PROPERTIES[data[0]]
        if size is None:
            size = 2 + int.from_bytes(data[1:3], "big")
            found[name] = data[3:1 + size].decode()
        else:
            found[name] = int.from_bytes(data[1:1 + size], "big")
        data = data[1 + size:]
    return found


def connect(version, client_id, user=None, password=None, clean=True, keepalive_s=60):
    name = "00 06 'MQIsdp' 03" if version == 3 else f"00 04 'MQTT' {version:02x}"
    flags = (2 if clean else 0) | (0x80 if user is not None else 0)
    flags |= 0x40 if password is not None else 0
    expiry = b"" if clean else b"\x11\xff\xff\xff\xff"
    return packet(0x10, name, bytes([flags]), keepalive_s.to_bytes(2, "big"),
                  variable(len(expiry)) + expiry if version == V5 else b"", string(client_id),
                  *[string(text) for text in (user, password) if text is not None])


class Client:
    """One connection, and what the server has said to its CONNECT.

    code is CONNACK's, or a text that says why there is none.
    """

    def __init__(self, wire, version, login):
        self.wire, self.version = wire, version
        self.code, self.properties = "closed", {}
        self.ended = None  # what was said at an end of the connection
        self.acknowledges = True
        self._early = []  # messages that came before the answer to a PUBLISH
        self._packet_id = 0
        wire.send(login)
        got = wire.receive()
        if got and got[0] == CONNACK:
            self.code = f"{got[1][1]:#04x}"
            if version == V5 and len(got[1]) > 3:
                self.properties = properties_of(got[1][3:])

    @property
    def is_in(self):
        return self.code == "0x00"

    def acknowledge(self, message):
        """Sends PUBACK where the message is of QoS 1."""
        if message[0] & 6 == 2:
            at = 2 + int.from_bytes(message[1][:2], "big")
            self.wire.send("40 02", message[1][at:at + 2])

    def _take(self, message, others):
        others.append(message)
        if self.acknowledges:
            self.acknowledge(message)

    def _next(self, wanted, others):
        """The next packet of that kind, or None at the end; messages before it go to others."""
        while (got := self.wire.receive()) is not None:
            if got[0] & 0xF0 == 0x30:
                self._take(got, others)
            elif got[0] == DISCONNECT:
                self.ended = f"DISCONNECT {got[1][0] if got[1] else 0:#04x}"
            elif got[0] & 0xF0 == wanted:
                return got[1]
        self.ended = self.ended or "closed"
        return None

    def publish(self, topic, payload=b"x", qos=1, retain=False):
        """Publishes; says what the server answers, where it can."""
        self._packet_id += 1
        self.wire.send(packet(
            0x30 | qos << 1 | retain, string(topic),
            self._packet_id.to_bytes(2, "big") if qos else b"",
            b"\0" if self.version == V5 else b"", payload))
        if qos == 0:
            came = self.ping()
            self._early += came or []
            return "sent" if came is not None else self.ended
        body = self._next(0x40 if qos == 1 else 0x50, self._early)
        if body is None:
            return self.ended
        code = body[2] if len(body) > 2 else 0
        return "taken" if code in (0, 0x10) else f"{code:#04x}"

    def subscribe(self, topic_filter, qos=1):
        """SUBACK's code, and the topics of messages that came with it."""
        self._packet_id += 1
        self.wire.send(packet(0x82, self._packet_id.to_bytes(2, "big"),
                              b"\0" if self.version == V5 else b"",
                              string(topic_filter), bytes([qos])))
        came = []
        body = self._next(0x90, came)
        return (f"{body[-1]:#04x}" if body else self.ended), came

    def unsubscribe(self, topic_filter):
        self.wire.send(packet(0xA2, "0001", b"\0" if self.version == V5 else b"",
                              string(topic_filter)))
        self._next(0xB0, [])

    def ping(self):
        """The messages up to the answer, as they came; None at the end of the connection."""
        came = []
        self.wire.send("c0 00")
        return came if self._next(0xD0, came) is not None else None

    def messages(self):
        """All that is under way: retained messages may come in two turns of the server."""
        came, self._early = self._early, []
        return came + (self.ping() or []) + (self.ping() or [])

    def backlog(self, is_enough):
        """What waited for us, until is_enough(messages), for some of it may come from the disk,
        which takes its time; or what there is when patience ends."""
        came = self.messages()
        while not is_enough(came):
            try:
                got = self.wire.receive()
            except TimeoutError:
                break
            if not got or got[0] & 0xF0 != 0x30:
                break
            self._take(got, came)
        return came + self.messages()

    def leave(self):
        """Ends; returns when the server has forgotten the connection."""
        self.wire.send("e0 00")
        try:
            while self.wire.receive() is not None:
                pass
        except AssertionError:  # an end within a packet
            pass
        self.wire.close()


def opened(messages):
    return sum(first & 6 == 2 for first, _ in messages)


def is_mark(message):
    return message[1].endswith(MARK)


def topic_of(message):
    body = message[1]
    return body[2:2 + int.from_bytes(body[:2], "big")].decode()


class Prober:
    """Asks one listener; awaited: so many messages are to be open, of which more may be."""

    def __init__(self, doors, listener, is_first, awaited):
        self.doors, self.listener, self.is_first = doors, listener, is_first
        self.awaited = awaited
        self.id_prefix = listener.options.get("clientid_prefixes", "")
        self.answers = {}
        self.version = V5
        self.qos = 1
        self.clients = []
        self.kept = {}  # the clients of the verdicts

    def login(self, name, client_id=None, version=None, **options):
        """A client by name, with its password unless another one is given; wire: of open()."""
        how = {key: options.pop(key) for key in HOW if key in options}
        options = {"user": name if name in PEOPLE else None, "password": PEOPLE.get(name)} | options
        version = version or self.version
        client_id = self.id_prefix + name if client_id is None else client_id
        shown = name if name in PSK_KEYS else "anonymous"
        try:
            wire = self.doors.open(self.listener, shown, **how)
            client = Client(wire, version, connect(version, client_id, **options))
        except DoorClosed as closed:
            return None, str(closed)
        except (OSError, ssl.SSLError):
            return None, "closed before CONNACK"
        self.clients.append(client)
        return client, client.code

    def told(self, name, **options):
        """What a client is told that only comes to see whether it may."""
        client, code = self.login(name, **options)
        if client:
            client.leave()
        return code

    def somebody(self, *names, **options):
        """The first of these that is let in, or None."""
        for name in names:
            client, code = self.login(name, **options)
            if code == "0x00":
                return client
        return None

    # ---- Who comes in ----

    def ask_who(self):
        for name in ("anonymous", *PEOPLE):
            for version in VERSIONS:
                self.answers[f"{name} by version {version}"] = self.told(name, version=version)
        for version in (V311, V5):
            for what, name, options in (
                    ("a wrong password", "alice", {"password": "Wonder"}),
                    ("no password", "alice", {"password": None}),
                    ("an empty password", "alice", {"password": ""}),
                    ("an unknown name", "anonymous", dict(zip(("user", "password"), UNKNOWN)))):
                self.answers[f"{what} by version {version}"] = self.told(
                    name, version=version, **options)
        for version in reversed(VERSIONS):
            client = self.somebody("admin", "anonymous", version=version)
            if client:
                client.leave()
                self.version = version
                return True
        return False

    def ask_ids(self):
        for clean in (True, False):
            client, code = self.login("admin" if self.is_known("admin") else "anonymous",
                                      client_id="", clean=clean, version=V311)
            self.answers[f"an empty id, clean {clean}"] = code
            if client:
                client.leave()
        self.answers["a foreign id"] = self.told(
            "admin" if self.is_known("admin") else "anonymous", client_id="#other+/")

    def is_known(self, name):
        return self.answers[f"{name} by version {self.version}"] == "0x00"

    def ask_tls(self):
        if "certfile" not in self.listener.options:
            return
        for tls in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.answers[f"{tls.name}"] = self.told("admin", tls=tls)
        self.answers["a cipher with CBC"] = self.told("admin", ciphers=CBC)
        if self.listener.has("require_certificate"):
            folder = self.doors.authority.folder
            self.answers["no certificate"] = self.told("admin", bare=True)
            for name in ("revoked", "stranger"):
                self.answers[f"certificate: {name}"] = self.told(
                    "admin", certificate=folder / f"{name}.pem")

    # ---- Limits ----

    def ask_limits(self):
        client = self.somebody("admin", "anonymous", client_id="", keepalive_s=LONG_KEEPALIVE_S)
        for name, _ in PROPERTIES.values():
            value = client.properties.get(name) if client else "refused"
            if name == "Assigned Client Identifier" and isinstance(value, str):
                value = RANDOM_TAIL.sub("*", value)
            self.answers[f"CONNACK {name}"] = value
        if client:
            self.qos = min(1, client.properties.get("Maximum QoS", 2))
            client.leave()
        for keepalive_s in (0, 60, LONG_KEEPALIVE_S):
            self.answers[f"keep alive {keepalive_s} by version 4"] = self.told(
                "admin" if self.is_known("admin") else "anonymous", keepalive_s=keepalive_s,
                version=V311)
        self._ask_sizes()

    def _ask_sizes(self):
        for size in LARGE:
            client = self.somebody("admin", "anonymous")
            self.answers[f"{size} bytes"] = client.publish("home/large", bytes(size), self.qos)
            client.leave()
        client = self.somebody("admin", "anonymous")
        self.answers["a subscription with QoS 2"] = client.subscribe("home/hall/light", 2)[0]
        self.answers["a message with QoS 2"] = client.publish("home/hall/light", qos=2)
        client.leave()

    def ask_delivery(self):
        """How many copies come of a message, and at which QoS."""
        client = self.somebody("admin", "anonymous")
        for topic_filter in "home/hall/light", "home/+/light", "home/#":
            client.subscribe(topic_filter, self.qos)
        client.publish("home/hall/light", qos=0)
        came = client.messages()
        self.answers["copies by three subscriptions"] = len(came)
        self.answers["QoS of what was sent with 0"] = {first >> 1 & 3 for first, _ in came}
        client.leave()

    def ask_files(self):
        if "http_dir" in self.listener.options:
            with socket.create_connection((self.listener.host, self.listener.port)) as asking:
                asking.sendall(b"GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.answers["a file by HTTP"] = asking.recv(4096).split(b" ")[1]

    def ask_room(self):
        clients = [self.login("admin" if self.is_known("admin") else "anonymous",
                              client_id=f"{self.id_prefix}{number}") for number in range(ROOM)]
        self.answers[f"let in of {ROOM}"] = sum(code == "0x00" for _, code in clients)
        for client, _ in clients:
            if client:
                client.leave()

    # ---- What waits for an absent client, and what may be open ----

    def ask_queue(self):
        for name in ("alice", "anonymous"):
            sleeper = self.somebody(name, clean=False, version=V311)
            if sleeper:
                break
        else:
            return
        sleeper.subscribe("home/hall/light", 1)
        helper = self.somebody("admin", "anonymous", client_id=f"{self.id_prefix}helper")
        helper.publish("home/hall/light", MARK, self.qos)
        hears = any(map(is_mark, sleeper.messages()))
        sleeper.leave()
        for number in range(WINDOW):
            for qos in range(self.qos + 1):
                said = helper.publish("home/hall/light", bytes(PAYLOAD_SIZE), qos)
        self.answers[f"message {number} for an absent client"] = said
        sleeper, _ = self.login(name, clean=False, version=V311)
        sleeper.acknowledges = False
        waiting = sleeper.backlog(lambda came: opened(came) >= self.awaited)
        self.answers[OPENED] = opened(waiting)
        waiting += self._rest(sleeper, waiting, helper if hears else None)
        for qos in range(2):
            self.answers[f"QoS {qos} kept for an absent client"] = sum(
                first >> 1 & 3 == qos for first, _ in waiting)
        helper.leave()
        sleeper.leave()
        self.told(name, version=V311)

    def _rest(self, sleeper, waiting, helper):
        """What comes once all of waiting is acknowledged; its end is known by a message of the
        helper's, for which there is room then. Without a helper nothing is to be expected."""
        sleeper.acknowledges = True
        for message in waiting:
            sleeper.acknowledge(message)
        came = sleeper.messages()
        if helper:
            helper.publish("home/hall/light", MARK, self.qos)
            came += sleeper.backlog(lambda more: any(map(is_mark, more)))
            assert came and is_mark(came[-1]), "what was published last is not what came last"
            came.pop()
        return came

    # ---- Verdicts ----

    def ask_verdicts(self):
        for name in ("anonymous", "alice", "bob"):
            for topic in TOPICS:
                topic = topic.replace("ID", self.id_prefix + name).replace("USER", name)
                for ask in (self._verdict_on_publish, self._verdict_on_subscribe,
                            self._verdict_on_retain):
                    question = f"{name} {ask.__name__.removeprefix('_verdict_on_')} {topic}"
                    self.answers[question] = self._asked(ask, name, topic)
        self.answers["$SYS"] = self._asked(self._sys, "admin", "$SYS/broker/version")

    def _asked(self, ask, name, topic):
        """One verdict, with a helper at hand who may all where somebody may."""
        helper = self._kept("helper")
        client = self._kept(name)
        if not client:
            return "not let in"
        if not helper:
            return "nobody to ask"
        return ask(client, helper, topic)

    def _kept(self, name):
        """The client of the verdicts, connected anew where the server has ended it."""
        client = self.kept.get(name)
        if client and client.ended is None:
            return client
        if name == "helper":
            client = self.somebody("admin", "anonymous", client_id=f"{self.id_prefix}helper")
        else:
            client = self.somebody(name)
        self.kept[name] = client
        return client

    def _verdict_on_publish(self, client, helper, topic):
        helper.subscribe(topic, self.qos)
        said = client.publish(topic, qos=self.qos)
        came = [topic_of(message) for message in helper.ping() or []]
        helper.unsubscribe(topic)
        return said, came

    def _verdict_on_subscribe(self, client, helper, topic):
        code, _ = client.subscribe(topic, self.qos)
        helper.publish(topic, qos=self.qos)
        came = [topic_of(message) for message in client.ping() or []]
        client.unsubscribe(topic)
        return code, came

    def _verdict_on_retain(self, client, helper, topic):
        said = helper.publish(topic, qos=self.qos, retain=True)
        if helper.ended:
            return said
        _, came = client.subscribe(topic, self.qos)
        came = [(first & 1, topic_of((first, body))) for first, body in came + client.messages()]
        client.unsubscribe(topic)
        helper.publish(topic, b"", qos=self.qos, retain=True)
        return said, came

    @staticmethod
    def _sys(client, _, topic):
        _, came = client.subscribe(topic, 0)
        return bool(came + client.messages())

    def ask(self):
        """All questions; the answers."""
        if self.ask_who():
            self.ask_room()
            self.ask_ids()
            self.ask_tls()
            self.ask_limits()
            self.ask_delivery()
            self.ask_files()
            if self.is_first:  # no listener has limits of its own for queues
                self.ask_queue()
            self.ask_verdicts()
        for client in self.clients:
            client.wire.close()
        return self.answers


@contextmanager
def kept_awake(listeners, listener):
    """While Mosquitto is asked by WebSocket: it answers there when its loop turns, which something
    at another listener has to bring about, or it waits a tenth of a second.
    """
    plain = [other for other in listeners
             if other.port and other.options.get("protocol", "mqtt") == "mqtt"]
    done = threading.Event()

    def keep_awake():
        while not done.wait(NUDGE_S):
            is_open(plain[0].host, plain[0].port)

    thread = threading.Thread(target=keep_awake)
    if plain and listener.options.get("protocol") == "websockets":
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread.ident:
            thread.join()


def answers(doors, listeners, awaited):
    """What the listeners answer, each by itself, and what passes from the first to the others.

    awaited: so many messages are awaited for OPENED, where they need not be there at once.
    """
    found = {}
    probers = []
    for number, listener in enumerate(listeners):
        for host in ("127.0.0.1", "::1") if listener.port else ():
            found[number, f"listens on {host}"] = is_open(host, listener.port)
        prober = Prober(doors, listener, is_first=number == 0, awaited=awaited)
        probers.append(prober)
        with kept_awake(listeners, listener):
            found |= {(number, question): answer for question, answer in prober.ask().items()}
            if number > 0:
                found[number, "passes from listener 0"] = across(probers[0], prober)
    return found


def across(source, target):
    """The topic under which a message of one listener comes to another."""
    publisher = source.somebody("admin", "anonymous", client_id=f"{source.id_prefix}helper")
    receiver = target.somebody("alice", "anonymous")
    if not publisher or not receiver:
        return "nobody to ask"
    receiver.subscribe("#", 0)
    publisher.publish("home/hall/light", qos=source.qos)
    came = [topic_of(message) for message in receiver.messages()]
    publisher.leave()
    receiver.leave()
    return came
