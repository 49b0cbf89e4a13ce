/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/packet.h"

#include <assert.h>

#include "base/reader.h"

/* Who sends a packet, as a set of enum mqtt_sender. */
enum senders {
    NOBODY = 0,
    CLIENT = 1 << MQTT_FROM_CLIENT,
    SERVER = 1 << MQTT_FROM_SERVER,
    BOTH = CLIENT | SERVER,
};

/* Where the packet identifier stands. */
enum id_place {
    ID_NOWHERE,
    ID_FIRST,
    ID_BEHIND_FLAGS,
};

struct packet_row {
    const char *name;
    uint8_t senders;
    uint8_t id_place;
    uint8_t id_flags; /* of which one must be set, else there is no identifier; 0: it is always */
};

enum {
    CONNECT_WILL = 0x02, /* one more byte of flags comes before the identifier */
    PUBLISH_QOS = 0x60,
    DISCONNECT_ID = 0x01,
    FIRST_ENVELOPE = MQTTSN2_FORWARDER,
};

/* The first row is that of types that are reserved. The broadcast ones pass from either side. */
static const struct packet_row rows[] = {
    [MQTTSN2_CONNECT] = { "CONNECT", CLIENT, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_CONNACK] = { "CONNACK", SERVER, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_PUBLISH] = { "PUBLISH", BOTH, ID_BEHIND_FLAGS, PUBLISH_QOS },
    [MQTTSN2_PUBACK] = { "PUBACK", BOTH, ID_FIRST, 0 },
    [MQTTSN2_PUBREC] = { "PUBREC", BOTH, ID_FIRST, 0 },
    [MQTTSN2_PUBREL] = { "PUBREL", BOTH, ID_FIRST, 0 },
    [MQTTSN2_PUBCOMP] = { "PUBCOMP", BOTH, ID_FIRST, 0 },
    [MQTTSN2_SUBSCRIBE] = { "SUBSCRIBE", CLIENT, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_SUBACK] = { "SUBACK", SERVER, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_UNSUBSCRIBE] = { "UNSUBSCRIBE", CLIENT, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_UNSUBACK] = { "UNSUBACK", SERVER, ID_FIRST, 0 },
    [MQTTSN2_PINGREQ] = { "PINGREQ", CLIENT, ID_FIRST, 0 },
    [MQTTSN2_PINGRESP] = { "PINGRESP", SERVER, ID_FIRST, 0 },
    [MQTTSN2_DISCONNECT] = { "DISCONNECT", BOTH, ID_BEHIND_FLAGS, DISCONNECT_ID },
    [MQTTSN2_AUTH] = { "AUTH", BOTH, ID_FIRST, 0 },
    [MQTTSN2_REGISTER] = { "REGISTER", BOTH, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_REGACK] = { "REGACK", BOTH, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_PUBWOS] = { "PUBWOS", BOTH, ID_NOWHERE, 0 },
    [MQTTSN2_SLEEPREQ] = { "SLEEPREQ", CLIENT, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_SLEEPRESP] = { "SLEEPRESP", SERVER, ID_BEHIND_FLAGS, 0 },
    [MQTTSN2_WAKEUP] = { "WAKEUP", SERVER, ID_NOWHERE, 0 },
    [MQTTSN2_ADVERTISE] = { "ADVERTISE", BOTH, ID_NOWHERE, 0 },
    [MQTTSN2_SEARCHGW] = { "SEARCHGW", BOTH, ID_NOWHERE, 0 },
    [MQTTSN2_GWINFO] = { "GWINFO", BOTH, ID_NOWHERE, 0 },
};

static const struct packet_row envelopes[] = {
    [MQTTSN2_FORWARDER - FIRST_ENVELOPE] = { "FORWARDER", BOTH, ID_NOWHERE, 0 },
    [MQTTSN2_CONNECTION - FIRST_ENVELOPE] = { "CONNECTION", CLIENT, ID_NOWHERE, 0 },
    [MQTTSN2_PROTECTION - FIRST_ENVELOPE] = { "PROTECTION", BOTH, ID_NOWHERE, 0 },
};

static const struct packet_row *row_of(uint8_t type)
{
    if (type >= FIRST_ENVELOPE)
        return &envelopes[type - FIRST_ENVELOPE];
    return type < sizeof(rows) / sizeof(rows[0]) ? &rows[type] : &rows[0];
}

enum mqtt_reason mqttsn2_packet_read(
        struct mqttsn2_packet *out, struct bytes datagram, enum mqtt_sender sender)
{
    struct mqttsn_front front;
    uint8_t senders;

    if (!mqttsn_front_read(&front, datagram) || front.length != datagram.size)
        return MQTT_MALFORMED;
    senders = row_of(front.type)->senders;
    if (senders == NOBODY)
        return MQTT_MALFORMED;
    if (!(senders >> sender & 1))
        return MQTT_PROTOCOL_ERROR;
    *out = (struct mqttsn2_packet){ (enum mqttsn2_type)front.type,
        bytes_from(datagram, front.size) };
    return MQTT_SUCCESS;
}

bool mqttsn2_packet_id_find(uint16_t *out, const struct mqttsn2_packet *packet)
{
    const struct packet_row *row = row_of((uint8_t)packet->type);
    struct reader in = { .rest = packet->body };
    uint8_t flags = row->id_place == ID_BEHIND_FLAGS ? reader_u8(&in) : 0;
    uint16_t id;

    if (packet->type == MQTTSN2_CONNECT && flags & CONNECT_WILL)
        reader_u8(&in);
    if (row->id_place == ID_NOWHERE || (row->id_flags > 0 && !(flags & row->id_flags)))
        return false;
    id = reader_u16(&in);
    if (in.failed)
        return false;
    *out = id;
    return true;
}

const char *mqttsn2_type_name(enum mqttsn2_type type)
{
    const char *name = row_of((uint8_t)type)->name;

    assert(name);
    return name;
}
