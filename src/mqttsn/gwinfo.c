/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/gwinfo.h"

enum mqtt_reason mqttsn_gwinfo_decode(struct mqttsn_gwinfo *out, struct bytes body)
{
    if (body.size == 0)
        return MQTT_MALFORMED;
    *out = (struct mqttsn_gwinfo){ body.data[0], bytes_from(body, 1) };
    return MQTT_SUCCESS;
}

void mqttsn_gwinfo_encode(struct writer *out, const struct mqttsn_gwinfo *gwinfo)
{
    mqttsn_header_encode(out, MQTTSN_GWINFO, 1 + gwinfo->gateway_address.size);
    writer_u8(out, gwinfo->gateway_id);
    writer_bytes(out, gwinfo->gateway_address);
}
