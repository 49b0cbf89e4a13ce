/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/encapsulation.h"

#include "base/reader.h"

enum mqtt_reason mqttsn_encapsulation_decode(
        struct mqttsn_encapsulation *out, struct bytes datagram)
{
    struct reader in = { .rest = datagram };
    struct mqttsn_encapsulation encapsulation;
    struct mqttsn_header header;
    struct mqttsn_header inner;

    if (!mqttsn_header_read(&header, datagram) || header.type != MQTTSN_ENCAPSULATED)
        return MQTT_MALFORMED;
    /* The length counts the frame alone. [SN-5.5-1] */
    in.rest = bytes_from(bytes_first(datagram, header.length), header.size);
    encapsulation = (struct mqttsn_encapsulation){
        .radius = reader_u8(&in) & MQTTSN_RADIUS_MAX,
        .node_id = in.rest,
        .inner = bytes_from(datagram, header.length),
    };
    if (in.failed || encapsulation.node_id.size > MQTTSN_NODE_ID_SIZE_MAX)
        return MQTT_MALFORMED;
    if (encapsulation.inner.size == 0) /* [SN-5.5-4] */
        return MQTT_MALFORMED;
    if (mqttsn_header_read(&inner, encapsulation.inner) && inner.type == MQTTSN_ENCAPSULATED)
        return MQTT_MALFORMED;
    *out = encapsulation;
    return MQTT_SUCCESS;
}

void mqttsn_encapsulation_head_encode(
        struct writer *out, const struct mqttsn_encapsulation *encapsulation)
{
    if (encapsulation->radius > MQTTSN_RADIUS_MAX ||
            encapsulation->node_id.size > MQTTSN_NODE_ID_SIZE_MAX)
        out->failed = true;
    mqttsn_header_encode(out, MQTTSN_ENCAPSULATED, 1 + encapsulation->node_id.size);
    writer_u8(out, encapsulation->radius);
    writer_bytes(out, encapsulation->node_id);
}
