/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/advertise.h"

#include "base/reader.h"

enum { BODY_SIZE = 3 };

enum mqtt_reason mqttsn_advertise_decode(struct mqttsn_advertise *out, struct bytes body)
{
    struct reader in = { .rest = body };
    struct mqttsn_advertise advertise = { .gateway_id = reader_u8(&in) };

    advertise.duration_s = reader_u16(&in);
    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    *out = advertise;
    return MQTT_SUCCESS;
}

void mqttsn_advertise_encode(struct writer *out, const struct mqttsn_advertise *advertise)
{
    mqttsn_header_encode(out, MQTTSN_ADVERTISE, BODY_SIZE);
    writer_u8(out, advertise->gateway_id);
    writer_u16(out, advertise->duration_s);
}
