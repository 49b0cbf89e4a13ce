/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/disconnect.h"

#include "base/reader.h"
#include "mqtt/utf8.h"

enum disconnect_flags {
    PACKET_ID = 0x01,
    SESSION_EXPIRY = 0x02,
    CODE = 0x04,
    RESERVED = 0xF8,
};

enum mqtt_reason mqttsn2_disconnect_decode(
        struct mqttsn2_disconnect *out, struct bytes body, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn2_disconnect disconnect = {
        .has_packet_id = flags & PACKET_ID,
        .has_session_expiry = flags & SESSION_EXPIRY,
    };

    disconnect.packet_id = disconnect.has_packet_id ? reader_u16(&in) : 0;
    disconnect.session_expiry_s = disconnect.has_session_expiry ? reader_u32(&in) : 0;
    disconnect.code = flags & CODE ? reader_u8(&in) : MQTT_SUCCESS;
    disconnect.reason_string = in.rest;
    if (in.failed || flags & RESERVED || !mqtt_utf8_valid(disconnect.reason_string))
        return MQTT_MALFORMED;
    if (disconnect.has_session_expiry && sender == MQTT_FROM_SERVER) /* [MQTTSN2-3.13.5-1] */
        return MQTT_PROTOCOL_ERROR;
    *out = disconnect;
    return MQTT_SUCCESS;
}

void mqttsn2_disconnect_encode(struct writer *out, const struct mqttsn2_disconnect *disconnect)
{
    bool says_code = disconnect->code != MQTT_SUCCESS;
    size_t size = 1 + disconnect->reason_string.size;

    size += disconnect->has_packet_id ? 2 : 0;
    size += disconnect->has_session_expiry ? 4 : 0;
    size += says_code ? 1 : 0;
    mqttsn2_header_encode(out, MQTTSN2_DISCONNECT, size);
    writer_u8(out,
            (uint8_t)((disconnect->has_packet_id ? PACKET_ID : 0) |
                    (disconnect->has_session_expiry ? SESSION_EXPIRY : 0) |
                    (says_code ? CODE : 0)));
    if (disconnect->has_packet_id)
        writer_u16(out, disconnect->packet_id);
    if (disconnect->has_session_expiry)
        writer_u32(out, disconnect->session_expiry_s);
    if (says_code)
        writer_u8(out, disconnect->code);
    writer_bytes(out, disconnect->reason_string);
}
