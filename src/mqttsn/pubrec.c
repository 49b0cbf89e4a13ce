/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/pubrec.h"

#include "base/reader.h"

enum mqtt_reason mqttsn_pubrec_decode(struct mqttsn_pubrec *out, struct bytes body)
{
    struct reader in = { .rest = body };
    struct mqttsn_pubrec pubrec = { .msg_id = reader_u16(&in) };

    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    *out = pubrec;
    return MQTT_SUCCESS;
}

void mqttsn_pubrec_encode(struct writer *out, enum mqttsn_type type, uint16_t msg_id)
{
    mqttsn_header_encode(out, type, 2);
    writer_u16(out, msg_id);
}
