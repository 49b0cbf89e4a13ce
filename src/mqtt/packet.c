/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/packet.h"

#include <assert.h>

#include "mqtt/field.h"

bool mqtt_header_flags_valid(const struct mqtt_header *header, enum mqtt_version version)
{
    static const uint8_t prescribed[MQTT_AUTH + 1] = {
        [MQTT_PUBREL] = 2,
        [MQTT_SUBSCRIBE] = 2,
        [MQTT_UNSUBSCRIBE] = 2,
    };
    uint8_t flags = header->flags;

    if (header->type == MQTT_CONNECT || header->type == MQTT_PUBLISH)
        return true;
    if (header->type == MQTT_AUTH && version != MQTT_5_0)
        return false;
    /* To 3.1 these three are packets of QoS 1, which may be repeated with DUP set. [V31-11] */
    if (version == MQTT_3_1 && prescribed[header->type] == 2)
        flags &= 7;
    return flags == prescribed[header->type];
}

size_t mqtt_packet_size(size_t remaining)
{
    return 1 + mqtt_varint_size((uint32_t)remaining) + remaining;
}

void mqtt_header_encode(struct writer *out, enum mqtt_type type, uint8_t flags, size_t remaining)
{
    if (remaining > MQTT_REMAINING_MAX)
        out->failed = true;
    writer_u8(out, (uint8_t)(type << 4 | flags));
    mqtt_varint_write(out, (uint32_t)remaining);
}

const char *mqtt_type_name(enum mqtt_type type)
{
    static const char *const names[MQTT_AUTH + 1] = {
        [MQTT_CONNECT] = "CONNECT",
        [MQTT_CONNACK] = "CONNACK",
        [MQTT_PUBLISH] = "PUBLISH",
        [MQTT_PUBACK] = "PUBACK",
        [MQTT_PUBREC] = "PUBREC",
        [MQTT_PUBREL] = "PUBREL",
        [MQTT_PUBCOMP] = "PUBCOMP",
        [MQTT_SUBSCRIBE] = "SUBSCRIBE",
        [MQTT_SUBACK] = "SUBACK",
        [MQTT_UNSUBSCRIBE] = "UNSUBSCRIBE",
        [MQTT_UNSUBACK] = "UNSUBACK",
        [MQTT_PINGREQ] = "PINGREQ",
        [MQTT_PINGRESP] = "PINGRESP",
        [MQTT_DISCONNECT] = "DISCONNECT",
        [MQTT_AUTH] = "AUTH",
    };

    assert(type >= MQTT_CONNECT);
    assert(type <= MQTT_AUTH);
    return names[type];
}
