/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/disconnect.h"

#include "base/reader.h"

enum mqtt_reason mqttsn_disconnect_decode(
        struct mqttsn_disconnect *out, struct bytes body, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    struct mqttsn_disconnect disconnect = { .has_duration = body.size > 0 };

    if (disconnect.has_duration)
        disconnect.duration_s = reader_u16(&in);
    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    if (disconnect.has_duration && sender == MQTT_FROM_SERVER)
        return MQTT_MALFORMED;
    *out = disconnect;
    return MQTT_SUCCESS;
}

void mqttsn_disconnect_encode(struct writer *out, const struct mqttsn_disconnect *disconnect)
{
    mqttsn_header_encode(out, MQTTSN_DISCONNECT, disconnect->has_duration ? 2 : 0);
    if (disconnect->has_duration)
        writer_u16(out, disconnect->duration_s);
}
