# SPDX-License-Identifier: Apache-2.0
"""Paho Python's client, with calls that return when the server has answered."""

import contextlib
import os
import socket
import uuid

from paho.mqtt import client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from waiting import PATIENCE_S, until
from wire import hang_up

CONNECTION_LOST = mqtt.MQTT_ERR_CONN_LOST
V31, V311, V5 = mqtt.MQTTv31, mqtt.MQTTv311, mqtt.MQTTv5


def properties(packet_type, **values):
    """Properties by the names of the standard without blanks; None where there are none."""
    if not values:
        return None
    made = Properties(packet_type)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class _Paho(mqtt.Client):
    """Paho 1.6 hands a message over before it acknowledges it, and who then disconnects is quicker
    than that: the server still has the message. Here each packet that came is dealt with first."""

    on_handled = None

    def _packet_handle(self):
        result = super()._packet_handle()
        self.on_handled()
        return result


class Client:
    """One connection; made when its CONNACK has come.

    `code` is the CONNACK's code, `session_present` its flag, `connack` its properties;
    `messages` grows as they arrive; `ended` is None while connected, then why not any more:
    the server's reason code (5.0), or Paho's own number.
    """

    def __init__(self, server, client_id="", version=V5, clean=True, will=None, keepalive_s=60,
                 transport="tcp", user=None, source="", tls=None, **connect_properties):
        """will: (topic, payload, qos, retain, a dict of properties); transport: Paho's word;
        user: (name, password); source: the address to come from; tls: an SSLContext."""
        self.client_id = client_id
        self.version = version
        self.code = self.session_present = self.connack = self.ended = None
        self.messages = []
        self._arrived = []  # their acknowledgement is not on its way yet
        self._syncs = 0
        self._answers = {}
        self._sync_topic = f"sync/{uuid.uuid4()}"
        self._connect = dict(host="127.0.0.1", port=server.port, keepalive=keepalive_s,
                             bind_address=source)
        if version == V5:
            self.paho = _Paho(client_id, protocol=version, transport=transport,
                              reconnect_on_failure=False)
            self._connect["clean_start"] = clean
            self._connect["properties"] = properties(PacketTypes.CONNECT, **connect_properties)
        else:
            self.paho = _Paho(client_id, clean, protocol=version, transport=transport,
                              reconnect_on_failure=False)
        if will:
            *place, will_properties = will
            self.paho.will_set(
                *place, properties=properties(PacketTypes.WILLMESSAGE, **will_properties))
        if user:
            self.paho.username_pw_set(*user)
        if tls:
            self.paho.tls_set_context(tls)
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = self._on_disconnect
        self.paho.on_message = self._on_message
        self.paho.on_handled = self._on_handled
        self.paho.on_subscribe = self._on_subscribe
        self.paho.on_unsubscribe = self._on_unsubscribe
        self.connect()

    def connect(self):
        """Connects, or connects again with the client's own session state kept."""
        self.code = self.ended = None
        self.paho.connect(**self._connect)
        self.paho.loop_start()
        until(lambda: self.code is not None or self.ended is not None, "the CONNACK")

    def _on_connect(self, _client, _data, flags, code, connack=None):
        self.session_present, self.connack = bool(flags["session present"]), connack
        self.code = getattr(code, "value", code)

    def _on_disconnect(self, _client, _data, code, _properties=None):
        if self.ended is None:  # after a DISCONNECT Paho tells once more, of the closed socket
            self.ended = getattr(code, "value", code)

    def _on_message(self, _client, _data, message):
        self._arrived.append(message)

    def _on_handled(self):
        for message in self._arrived:
            if message.topic == self._sync_topic:
                self._syncs += 1
            else:
                self.messages.append(message)
        self._arrived.clear()

    def _on_subscribe(self, _client, _data, packet_id, codes, _properties=None):
        self._answers[packet_id] = [getattr(code, "value", code) for code in codes]

    def _on_unsubscribe(self, _client, _data, packet_id, _properties=None, codes=()):
        codes = codes if isinstance(codes, list) else [codes]
        self._answers[packet_id] = [getattr(code, "value", code) for code in codes]

    def subscribe(self, topic_filter, qos=0, identifier=None, no_local=False,
                  retain_as_published=False, retain_handling=0):
        """Returns the code of the SUBACK."""
        if self.version == V5:
            options = SubscribeOptions(qos, no_local, retain_as_published, retain_handling)
            ids = {} if identifier is None else {"SubscriptionIdentifier": identifier}
            _, packet_id = self.paho.subscribe(
                topic_filter, options=options,
                properties=properties(PacketTypes.SUBSCRIBE, **ids))
        else:
            _, packet_id = self.paho.subscribe(topic_filter, qos)
        return self._answer(packet_id)

    def unsubscribe(self, topic_filter):
        """Returns the code of the UNSUBACK (5.0)."""
        return self._answer(self.paho.unsubscribe(topic_filter)[1])

    def _answer(self, packet_id):
        until(lambda: packet_id in self._answers or self.ended is not None, "the answer")
        assert packet_id in self._answers, f"the connection ended before the answer: {self.ended}"
        return self._answers.pop(packet_id)[0]

    def send(self, topic, payload=b"", qos=0, retain=False, **publish_properties):
        """Publishes without waiting; returns what wait_for_publish() works on."""
        return self.paho.publish(topic, payload, qos, retain,
                                 properties(PacketTypes.PUBLISH, **publish_properties))

    def publish(self, *place, **publish_properties):
        """Publishes and waits for the acknowledgement, if the QoS has one."""
        info = self.send(*place, **publish_properties)
        info.wait_for_publish(PATIENCE_S)
        assert info.is_published(), f"no acknowledgement of {place[0][:100]}"

    def take(self, count):
        """The first `count` messages, once there are so many; there must not be more."""
        until(lambda: len(self.messages) >= count, f"{count} messages")
        assert len(self.messages) == count, [m.payload[:50] for m in self.messages]
        return self.messages

    def payloads(self):
        return [message.payload.decode() for message in self.messages]

    def payloads_until_now(self):
        """All payloads so far, and surely those that the server had handed out before this call.

        Where other publishers' messages are expected, await them with take() first: MQTT keeps no
        order between publishers.
        """
        syncs = self._syncs
        self.subscribe(self._sync_topic, 1)
        self.publish(self._sync_topic, "", 1)
        until(lambda: self._syncs > syncs, "the sync message")
        self.unsubscribe(self._sync_topic)
        return self.payloads()

    def expect_end(self, *codes):
        """Expects that the connection ends, in 5.0 for the reason code given.

        CONNECTION_LOST is always right, for Paho 1.6 overlooks the code of a DISCONNECT that has
        no properties; the tests over plain sockets look at it.
        """
        self._await_end()
        assert self.ended in (*codes, CONNECTION_LOST)

    def _await_end(self):
        until(lambda: self.ended is not None, "the end of the connection")
        self.paho.loop_stop()

    def disconnect(self, code=None, **disconnect_properties):
        """Ends with a DISCONNECT; the server has seen it when this returns."""
        if watch := self._watch():
            with watch:
                if self.version == V5:
                    self.paho.disconnect(
                        code, properties(PacketTypes.DISCONNECT, **disconnect_properties))
                else:
                    self.paho.disconnect()
                self._await_end()  # whatever came of it: the server may have been quicker
                hang_up(watch)

    def drop(self):
        """Ends as a crash would: the server sees a closed connection, and has seen that when this
        returns, and no DISCONNECT."""
        if watch := self._watch():
            with watch:
                with contextlib.suppress(OSError):  # it is closed already
                    watch.shutdown(socket.SHUT_WR)
                self._await_end()
                hang_up(watch)  # not before: Paho reads until then

    def _watch(self):
        """The connection, which is open as long as this is, whatever Paho closes; None where it
        has ended, which Paho's own thread may be about to tell."""
        if self.ended is not None:
            return None
        try:
            watch = socket.socket(fileno=os.dup(self.paho.socket().fileno()))
        except (AttributeError, OSError):  # Paho has closed it
            until(lambda: self.ended is not None, "Paho to tell of the end")
            return None
        watch.settimeout(PATIENCE_S)
        return watch

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.disconnect()
