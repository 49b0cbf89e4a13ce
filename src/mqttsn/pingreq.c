/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/pingreq.h"

#include "mqtt/utf8.h"

enum mqtt_reason mqttsn_pingreq_decode(
        struct mqttsn_pingreq *out, struct bytes body, enum mqtt_sender sender)
{
    if (sender == MQTT_FROM_SERVER && body.size > 0)
        return MQTT_MALFORMED;
    if (!mqtt_utf8_valid(body))
        return MQTT_MALFORMED;
    *out = (struct mqttsn_pingreq){ .client_id = body };
    return MQTT_SUCCESS;
}

void mqttsn_pingreq_encode(struct writer *out, const struct mqttsn_pingreq *pingreq)
{
    mqttsn_header_encode(out, MQTTSN_PINGREQ, pingreq->client_id.size);
    writer_bytes(out, pingreq->client_id);
}
