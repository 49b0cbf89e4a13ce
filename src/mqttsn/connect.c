/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/connect.h"

#include "base/reader.h"
#include "mqtt/utf8.h"
#include "mqttsn/flags.h"

enum { FIXED_SIZE = 4 }; /* bytes of the body before the client id */

enum mqtt_reason mqttsn_connect_decode(struct mqttsn_connect *out, struct bytes body)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    uint8_t protocol_id = reader_u8(&in);
    struct mqttsn_connect connect = {
        .clean_session = flags & MQTTSN_FLAG_CLEAN_SESSION,
        .has_will = flags & MQTTSN_FLAG_WILL,
        .keepalive_s = reader_u16(&in),
    };

    if (in.failed)
        return MQTT_MALFORMED;
    if (protocol_id != MQTTSN_PROTOCOL_ID)
        return MQTT_UNSUPPORTED_VERSION;
    connect.client_id = in.rest;
    if (!mqtt_utf8_valid(connect.client_id))
        return MQTT_CLIENT_ID_NOT_VALID;
    if (connect.client_id.size == 0 && !connect.clean_session)
        return MQTT_CLIENT_ID_NOT_VALID;
    *out = connect;
    return MQTT_SUCCESS;
}

bool mqttsn_client_id_short(struct bytes client_id)
{
    size_t characters = 0;

    /* All but the first byte of a character are 10xxxxxx. */
    for (size_t i = 0; i < client_id.size; i++)
        characters += (client_id.data[i] & 0xC0) != 0x80;
    return characters <= MQTTSN_CLIENT_ID_CHARACTERS_MAX;
}

void mqttsn_connect_encode(struct writer *out, const struct mqttsn_connect *connect)
{
    mqttsn_header_encode(out, MQTTSN_CONNECT, FIXED_SIZE + connect->client_id.size);
    writer_u8(out,
            (uint8_t)((connect->has_will ? MQTTSN_FLAG_WILL : 0) |
                    (connect->clean_session ? MQTTSN_FLAG_CLEAN_SESSION : 0)));
    writer_u8(out, MQTTSN_PROTOCOL_ID);
    writer_u16(out, connect->keepalive_s);
    writer_bytes(out, connect->client_id);
}
