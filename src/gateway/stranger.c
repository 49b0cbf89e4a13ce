/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stranger.h"

#include "mqttsn/connack.h"
#include "mqttsn/connect.h"
#include "mqttsn/disconnect.h"
#include "mqttsn/flags.h"
#include "mqttsn/gwinfo.h"
#include "mqttsn/publish.h"
#include "mqttsn/refusal.h"
#include "mqttsn/searchgw.h"
#include "mqttsn2/connect.h"
#include "mqttsn2/disconnect.h"
#include "mqttsn2/discovery.h"
#include "mqttsn2/publish.h"
#include "mqttsn2/refusal.h"

#include <assert.h>

static_assert((int)GATEWAY_ANSWER_SIZE_MAX >= (int)MQTTSN_REFUSAL_SIZE_MAX, "room for a refusal");
static_assert((int)GATEWAY_ANSWER_SIZE_MAX >= (int)MQTTSN2_REFUSAL_SIZE_MAX, "room for a refusal");

static enum gateway_welcome judge_connect(
        struct writer *answer, const struct mqttsn_message *message)
{
    struct mqttsn_connect connect;
    enum mqtt_reason reason = mqttsn_connect_decode(&connect, message->body);

    if (reason == MQTT_SUCCESS)
        return GATEWAY_JOINS;
    return mqttsn_refuse(answer, message, reason) ? GATEWAY_ANSWERED : GATEWAY_IGNORED;
}

static enum gateway_welcome judge_search(
        struct writer *answer, struct bytes body, uint8_t gateway_id)
{
    struct mqttsn_searchgw search;

    if (mqttsn_searchgw_decode(&search, body) != MQTT_SUCCESS)
        return GATEWAY_IGNORED;
    mqttsn_gwinfo_encode(answer, &(struct mqttsn_gwinfo){ .gateway_id = gateway_id });
    return GATEWAY_ANSWERED;
}

static enum gateway_welcome turn_away(struct writer *answer)
{
    mqttsn_disconnect_encode(answer, &(struct mqttsn_disconnect){ 0 });
    return GATEWAY_ANSWERED;
}

/* A message of QoS -1 is never answered, not even where it makes no sense [SN-6.8-1]. */
static enum gateway_welcome judge_publish(struct writer *answer, struct bytes body)
{
    struct mqttsn_publish publish;
    enum mqtt_reason reason = mqttsn_publish_decode(&publish, body, MQTT_FROM_CLIENT);

    if (reason == MQTT_MALFORMED)
        return GATEWAY_IGNORED;
    if (mqttsn_flags_qos(body.data[0]) != MQTTSN_QOS_MINUS_1)
        return turn_away(answer);
    return reason == MQTT_SUCCESS ? GATEWAY_SPEAKS : GATEWAY_IGNORED;
}

/* ---- 2.0 ---- */

/* Bytes of the body that a packet of 2.0 has and a client's message of 1.2 has not. */
struct draft_row {
    uint16_t size_min;
    uint16_t size_end; /* one more than there may be; 0: there is no such packet */
};

static bool is_pubwos(struct bytes body)
{
    struct mqttsn2_publish publish;

    return mqttsn2_publish_decode(&publish, body, MQTTSN2_PUBWOS) == MQTT_SUCCESS;
}

/* Whether it is a packet of 2.0, by its type and size; a client of 1.2 sends CONNACK, WILLTOPICREQ
 * and the like never, and its CONNECT, PUBLISH and PUBREL have other sizes. */
static bool is_draft(struct bytes datagram)
{
    static const struct draft_row rows[UINT8_MAX + 1] = {
        [MQTTSN2_PUBLISH] = { 0, UINT16_MAX },
        [MQTTSN2_PUBACK] = { 0, 4 },
        [MQTTSN2_PUBREC] = { 0, UINT16_MAX },
        [MQTTSN2_PUBREL] = { 0, UINT16_MAX },
        [MQTTSN2_SUBSCRIBE] = { 0, UINT16_MAX },
        [MQTTSN2_PINGREQ] = { 2, 3 },
        [MQTTSN2_REGISTER] = { 3, UINT16_MAX },
        [MQTTSN2_REGACK] = { 0, UINT16_MAX },
        [MQTTSN2_SLEEPREQ] = { 0, UINT16_MAX },
        [MQTTSN2_SEARCHGW] = { 0, UINT16_MAX },
        [MQTTSN2_FORWARDER] = { 0, UINT16_MAX },
        [MQTTSN2_CONNECTION] = { 0, UINT16_MAX },
        [MQTTSN2_PROTECTION] = { 0, UINT16_MAX },
    };
    struct mqttsn_front front;
    struct bytes body;

    if (!mqttsn_front_read(&front, datagram) || front.length != datagram.size)
        return false;
    body = bytes_from(datagram, front.size);
    if (front.type == MQTTSN2_PUBWOS)
        return is_pubwos(body);
    return body.size >= rows[front.type].size_min && body.size < rows[front.type].size_end;
}

/* A client id that the server makes up, and what it says to show who it is, may take any room. */
static enum gateway_welcome judge_draft_connect(
        struct writer *answer, const struct mqttsn2_packet *packet)
{
    struct mqttsn2_connect connect;
    enum mqtt_reason reason = mqttsn2_connect_decode(&connect, packet->body);

    if (reason != MQTT_SUCCESS)
        return mqttsn2_refuse(answer, packet, (uint8_t)reason) ? GATEWAY_ANSWERED : GATEWAY_IGNORED;
    if (connect.client_id.size > 0 &&
            (!connect.has_authentication ||
                    bytes_equal(connect.authentication.method, MQTTSN2_METHOD_BASIC)))
        return GATEWAY_JOINS;
    return GATEWAY_JOINS_LARGE;
}

/* Without the packet's identifier, for which there may be no room. */
static enum gateway_welcome send_away(struct writer *answer, size_t asked_size, uint8_t reason)
{
    mqttsn2_disconnect_encode(answer, &(struct mqttsn2_disconnect){ .code = reason });
    if (answer->used <= asked_size)
        return GATEWAY_ANSWERED;
    answer->used = 0;
    return GATEWAY_IGNORED;
}

/* Nobody can show by an envelope that a connection is its own, so from another address there is no
 * such connection. */
static enum gateway_welcome judge_draft(
        struct writer *answer, struct bytes datagram, uint8_t gateway_id)
{
    struct mqttsn2_packet packet;

    if (mqttsn2_packet_read(&packet, datagram, MQTT_FROM_CLIENT) != MQTT_SUCCESS)
        return GATEWAY_IGNORED;
    if (packet.type == MQTTSN2_CONNECT)
        return judge_draft_connect(answer, &packet);
    if (packet.type == MQTTSN2_PUBWOS)
        return GATEWAY_SPEAKS_DRAFT;
    if (packet.type == MQTTSN2_SEARCHGW) {
        mqttsn2_gwinfo_encode(answer, &(struct mqttsn_gwinfo){ .gateway_id = gateway_id });
        return GATEWAY_ANSWERED;
    }
    if (packet.type == MQTTSN2_PROTECTION)
        return send_away(answer, datagram.size, MQTTSN2_PROTECTION_NOT_SUPPORTED);
    if (packet.type == MQTTSN2_FORWARDER)
        return send_away(answer, datagram.size, MQTTSN2_FORWARDER_NOT_SUPPORTED);
    return send_away(answer, datagram.size, MQTTSN2_NO_VIRTUAL_CONNECTION);
}

static enum gateway_welcome refuse_draft(struct writer *answer, struct bytes datagram)
{
    struct mqttsn2_packet packet;

    if (mqttsn2_packet_read(&packet, datagram, MQTT_FROM_CLIENT) != MQTT_SUCCESS ||
            !mqttsn2_refuse(answer, &packet, MQTT_UNSUPPORTED_VERSION))
        return GATEWAY_IGNORED;
    return GATEWAY_REFUSES_DRAFT;
}

void gateway_put_off(struct writer *answer, struct bytes connect)
{
    struct mqttsn2_packet packet;

    if (mqttsn2_connect_likely(connect) &&
            mqttsn2_packet_read(&packet, connect, MQTT_FROM_CLIENT) == MQTT_SUCCESS)
        mqttsn2_refuse(answer, &packet, MQTT_SERVER_BUSY);
    else
        mqttsn_connack_encode(answer, MQTTSN_CONNACK, MQTTSN_CONGESTION);
}

enum gateway_welcome gateway_judge_stranger(
        struct writer *answer, struct bytes datagram, uint8_t gateway_id, bool speaks_draft)
{
    struct mqttsn_message message;

    if (!speaks_draft && mqttsn2_connect_likely(datagram))
        return refuse_draft(answer, datagram);
    if (speaks_draft && (mqttsn2_connect_likely(datagram) || is_draft(datagram)))
        return judge_draft(answer, datagram, gateway_id);
    if (!mqttsn_message_read(&message, datagram, MQTT_FROM_CLIENT))
        return GATEWAY_IGNORED;
    if (message.type == MQTTSN_CONNECT)
        return judge_connect(answer, &message);
    if (message.type == MQTTSN_SEARCHGW)
        return judge_search(answer, message.body, gateway_id);
    if (message.type == MQTTSN_PUBLISH)
        return judge_publish(answer, message.body);
    if (message.type == MQTTSN_ADVERTISE || message.type == MQTTSN_GWINFO ||
            message.type == MQTTSN_PINGRESP)
        return GATEWAY_IGNORED;
    return turn_away(answer);
}
