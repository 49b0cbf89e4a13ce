/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/message.h"

#include <assert.h>

/* Who sends a message, as a set of enum mqtt_sender. */
enum senders {
    NOBODY = 0,
    CLIENT = 1 << MQTT_FROM_CLIENT,
    GATEWAY = 1 << MQTT_FROM_SERVER,
    BOTH = CLIENT | GATEWAY,
};

/*
 * Who sends each type, as a byte of enum senders; NOBODY: it is reserved. The first three are
 * broadcast, so that whoever hears one may be of the same kind as its sender.
 */
static const uint8_t senders_of_types[] = {
    [MQTTSN_ADVERTISE] = BOTH,
    [MQTTSN_SEARCHGW] = BOTH,
    [MQTTSN_GWINFO] = BOTH,
    [MQTTSN_CONNECT] = CLIENT,
    [MQTTSN_CONNACK] = GATEWAY,
    [MQTTSN_WILLTOPICREQ] = GATEWAY,
    [MQTTSN_WILLTOPIC] = CLIENT,
    [MQTTSN_WILLMSGREQ] = GATEWAY,
    [MQTTSN_WILLMSG] = CLIENT,
    [MQTTSN_REGISTER] = BOTH,
    [MQTTSN_REGACK] = BOTH,
    [MQTTSN_PUBLISH] = BOTH,
    [MQTTSN_PUBACK] = BOTH,
    [MQTTSN_PUBCOMP] = BOTH,
    [MQTTSN_PUBREC] = BOTH,
    [MQTTSN_PUBREL] = BOTH,
    [MQTTSN_SUBSCRIBE] = CLIENT,
    [MQTTSN_SUBACK] = GATEWAY,
    [MQTTSN_UNSUBSCRIBE] = CLIENT,
    [MQTTSN_UNSUBACK] = GATEWAY,
    [MQTTSN_PINGREQ] = BOTH,
    [MQTTSN_PINGRESP] = BOTH,
    [MQTTSN_DISCONNECT] = BOTH,
    [MQTTSN_WILLTOPICUPD] = CLIENT,
    [MQTTSN_WILLTOPICRESP] = GATEWAY,
    [MQTTSN_WILLMSGUPD] = CLIENT,
    [MQTTSN_WILLMSGRESP] = GATEWAY,
};

static enum senders senders_of(uint8_t type)
{
    if (type == MQTTSN_ENCAPSULATED)
        return BOTH;
    return type < sizeof(senders_of_types) ? (enum senders)senders_of_types[type] : NOBODY;
}

bool mqttsn_header_read(struct mqttsn_header *out, struct bytes in)
{
    struct mqttsn_front front;

    if (!mqttsn_front_read(&front, in) || senders_of(front.type) == NOBODY)
        return false;
    *out = (struct mqttsn_header){ (enum mqttsn_type)front.type, front.size, front.length };
    return true;
}

bool mqttsn_message_read(struct mqttsn_message *out, struct bytes datagram, enum mqtt_sender sender)
{
    struct mqttsn_header header;

    if (!mqttsn_header_read(&header, datagram) || header.length != datagram.size)
        return false;
    if (header.type == MQTTSN_ENCAPSULATED)
        return false;
    if (!(senders_of((uint8_t)header.type) >> sender & 1)) /* [SN-5.2.2-2] */
        return false;
    *out = (struct mqttsn_message){ header.type, bytes_from(datagram, header.size) };
    return true;
}

void mqttsn_header_encode(struct writer *out, enum mqttsn_type type, size_t body_size)
{
    mqttsn_front_encode(out, (uint8_t)type, body_size);
}

const char *mqttsn_type_name(enum mqttsn_type type)
{
    static const char *const names[MQTTSN_WILLMSGRESP + 1] = {
        [MQTTSN_ADVERTISE] = "ADVERTISE",
        [MQTTSN_SEARCHGW] = "SEARCHGW",
        [MQTTSN_GWINFO] = "GWINFO",
        [MQTTSN_CONNECT] = "CONNECT",
        [MQTTSN_CONNACK] = "CONNACK",
        [MQTTSN_WILLTOPICREQ] = "WILLTOPICREQ",
        [MQTTSN_WILLTOPIC] = "WILLTOPIC",
        [MQTTSN_WILLMSGREQ] = "WILLMSGREQ",
        [MQTTSN_WILLMSG] = "WILLMSG",
        [MQTTSN_REGISTER] = "REGISTER",
        [MQTTSN_REGACK] = "REGACK",
        [MQTTSN_PUBLISH] = "PUBLISH",
        [MQTTSN_PUBACK] = "PUBACK",
        [MQTTSN_PUBCOMP] = "PUBCOMP",
        [MQTTSN_PUBREC] = "PUBREC",
        [MQTTSN_PUBREL] = "PUBREL",
        [MQTTSN_SUBSCRIBE] = "SUBSCRIBE",
        [MQTTSN_SUBACK] = "SUBACK",
        [MQTTSN_UNSUBSCRIBE] = "UNSUBSCRIBE",
        [MQTTSN_UNSUBACK] = "UNSUBACK",
        [MQTTSN_PINGREQ] = "PINGREQ",
        [MQTTSN_PINGRESP] = "PINGRESP",
        [MQTTSN_DISCONNECT] = "DISCONNECT",
        [MQTTSN_WILLTOPICUPD] = "WILLTOPICUPD",
        [MQTTSN_WILLTOPICRESP] = "WILLTOPICRESP",
        [MQTTSN_WILLMSGUPD] = "WILLMSGUPD",
        [MQTTSN_WILLMSGRESP] = "WILLMSGRESP",
    };

    if (type == MQTTSN_ENCAPSULATED)
        return "ENCAPSULATED";
    assert(type <= MQTTSN_WILLMSGRESP);
    assert(names[type]);
    return names[type];
}
