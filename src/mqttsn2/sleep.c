/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/sleep.h"

#include "base/reader.h"

enum {
    RETAIN_ALIASES = 0x01, /* in SLEEPREQ */
    DURATION = 0x01,       /* in SLEEPRESP */
    RESERVED = 0xFE,
};

enum mqtt_reason mqttsn2_sleepreq_decode(struct mqttsn2_sleepreq *out, struct bytes body)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn2_sleepreq sleepreq = { .retain_aliases = flags & RETAIN_ALIASES };

    sleepreq.packet_id = reader_u16(&in);
    sleepreq.duration_s = reader_u32(&in);
    if (in.failed || in.rest.size > 0 || flags & RESERVED)
        return MQTT_MALFORMED;
    if (sleepreq.packet_id == 0 || sleepreq.duration_s == 0) /* [MQTTSN2-3.15.4-1] */
        return MQTT_PROTOCOL_ERROR;
    *out = sleepreq;
    return MQTT_SUCCESS;
}

void mqttsn2_sleepreq_encode(struct writer *out, const struct mqttsn2_sleepreq *sleepreq)
{
    mqttsn2_header_encode(out, MQTTSN2_SLEEPREQ, 1 + 2 + 4);
    writer_u8(out, sleepreq->retain_aliases ? RETAIN_ALIASES : 0);
    writer_u16(out, sleepreq->packet_id);
    writer_u32(out, sleepreq->duration_s);
}

enum mqtt_reason mqttsn2_sleepresp_decode(struct mqttsn2_sleepresp *out, struct bytes body)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn2_sleepresp sleepresp = { .has_duration = flags & DURATION };

    sleepresp.packet_id = reader_u16(&in);
    sleepresp.duration_s = sleepresp.has_duration ? reader_u32(&in) : 0;
    sleepresp.code = in.rest.size > 0 ? reader_u8(&in) : MQTT_SUCCESS;
    if (in.failed || in.rest.size > 0 || flags & RESERVED)
        return MQTT_MALFORMED;
    if (sleepresp.has_duration && sleepresp.duration_s == 0)
        return MQTT_PROTOCOL_ERROR;
    *out = sleepresp;
    return MQTT_SUCCESS;
}

void mqttsn2_sleepresp_encode(struct writer *out, const struct mqttsn2_sleepresp *sleepresp)
{
    bool says_code = sleepresp->code != MQTT_SUCCESS;

    mqttsn2_header_encode(out, MQTTSN2_SLEEPRESP,
            1 + 2 + (sleepresp->has_duration ? 4 : 0) + (says_code ? 1 : 0));
    writer_u8(out, sleepresp->has_duration ? DURATION : 0);
    writer_u16(out, sleepresp->packet_id);
    if (sleepresp->has_duration)
        writer_u32(out, sleepresp->duration_s);
    if (says_code)
        writer_u8(out, sleepresp->code);
}
