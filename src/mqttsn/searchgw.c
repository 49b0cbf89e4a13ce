/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/searchgw.h"

enum mqtt_reason mqttsn_searchgw_decode(struct mqttsn_searchgw *out, struct bytes body)
{
    if (body.size != 1)
        return MQTT_MALFORMED;
    *out = (struct mqttsn_searchgw){ .radius = body.data[0] };
    return MQTT_SUCCESS;
}

void mqttsn_searchgw_encode(struct writer *out, const struct mqttsn_searchgw *searchgw)
{
    mqttsn_header_encode(out, MQTTSN_SEARCHGW, 1);
    writer_u8(out, searchgw->radius);
}
