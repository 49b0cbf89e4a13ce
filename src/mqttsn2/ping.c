/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/ping.h"

#include "base/reader.h"

enum mqtt_reason mqttsn2_ping_decode(
        struct mqttsn2_ping *out, struct bytes body, enum mqttsn2_type type)
{
    struct reader in = { .rest = body };
    struct mqttsn2_ping ping = { .packet_id = reader_u16(&in) };

    ping.has_remaining = type == MQTTSN2_PINGRESP && in.rest.size > 0;
    ping.remaining = ping.has_remaining ? reader_u8(&in) : 0;
    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    if (type == MQTTSN2_PINGREQ && ping.packet_id == 0)
        return MQTT_PROTOCOL_ERROR;
    *out = ping;
    return MQTT_SUCCESS;
}

void mqttsn2_ping_encode(
        struct writer *out, const struct mqttsn2_ping *ping, enum mqttsn2_type type)
{
    bool says_remaining = type == MQTTSN2_PINGRESP && ping->has_remaining;

    mqttsn2_header_encode(out, type, says_remaining ? 3 : 2);
    writer_u16(out, ping->packet_id);
    if (says_remaining)
        writer_u8(out, ping->remaining);
}
