/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/discovery.h"

void mqttsn2_advertise_encode(struct writer *out, const struct mqttsn_advertise *advertise)
{
    mqttsn2_header_encode(out, MQTTSN2_ADVERTISE, 1 + 2);
    writer_u8(out, advertise->gateway_id);
    writer_u16(out, advertise->duration_s);
}

void mqttsn2_searchgw_encode(struct writer *out, const struct mqttsn2_searchgw *searchgw)
{
    mqttsn2_header_encode(out, MQTTSN2_SEARCHGW, searchgw->network_info.size);
    writer_bytes(out, searchgw->network_info);
}

void mqttsn2_gwinfo_encode(struct writer *out, const struct mqttsn_gwinfo *gwinfo)
{
    mqttsn2_header_encode(out, MQTTSN2_GWINFO, 1 + gwinfo->gateway_address.size);
    writer_u8(out, gwinfo->gateway_id);
    writer_bytes(out, gwinfo->gateway_address);
}
