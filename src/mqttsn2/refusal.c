/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/refusal.h"

#include <assert.h>

#include "mqttsn2/connack.h"
#include "mqttsn2/disconnect.h"

bool mqttsn2_refuse(struct writer *out, const struct mqttsn2_packet *packet, uint8_t code)
{
    static const uint8_t unanswered[] = { MQTTSN2_PUBWOS, MQTTSN2_DISCONNECT, MQTTSN2_ADVERTISE,
        MQTTSN2_SEARCHGW, MQTTSN2_GWINFO };
    bool is_connect = packet->type == MQTTSN2_CONNECT;
    uint16_t id = 0;
    bool has_id = mqttsn2_packet_id_find(&id, packet);

    assert(code >= MQTT_UNSPECIFIED_ERROR);
    if (memchr(unanswered, packet->type, sizeof(unanswered)))
        return false;
    code = mqttsn2_reason_fit(
            code, is_connect ? MQTTSN2_CONNACK : MQTTSN2_DISCONNECT, MQTT_FROM_SERVER);
    if (is_connect)
        mqttsn2_connack_encode(out, &(struct mqttsn2_connack){ .packet_id = id, .code = code });
    else
        mqttsn2_disconnect_encode(out,
                &(struct mqttsn2_disconnect){
                        .has_packet_id = has_id, .packet_id = id, .code = code });
    return true;
}
