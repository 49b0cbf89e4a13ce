/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/reason.h"

#include <stddef.h>

#include "mqttsn/return_code.h"

/* Packets that carry a code. */
enum {
    CA = 1 << MQTTSN2_CONNACK,
    PA = 1 << MQTTSN2_PUBACK,
    PR = 1 << MQTTSN2_PUBREC,
    PL = 1 << MQTTSN2_PUBREL,
    PC = 1 << MQTTSN2_PUBCOMP,
    SA = 1 << MQTTSN2_SUBACK,
    UA = 1 << MQTTSN2_UNSUBACK,
    DI = 1 << MQTTSN2_DISCONNECT,
    AU = 1 << MQTTSN2_AUTH,
    RA = 1 << MQTTSN2_REGACK,
    SR = 1 << MQTTSN2_SLEEPRESP,
    ALL_OF_CLIENT = PA | PR | PL | PC | RA | DI | AU,
    ALL_OF_SERVER = ALL_OF_CLIENT | CA | SA | UA | SR,
};

struct reason_row {
    uint8_t code;
    uint32_t client_says; /* in these packets */
    uint32_t server_says;
    const char *name; /* NULL: MQTT 5.0 has it too */
};

/* clang-format off */
static const struct reason_row rows[] = {
    { MQTT_SUCCESS, ALL_OF_CLIENT & ~AU, ALL_OF_SERVER, NULL },
    { MQTT_GRANTED_QOS_1, 0, SA, NULL },
    { MQTT_GRANTED_QOS_2, 0, SA, NULL },
    { MQTT_DISCONNECT_WITH_WILL, DI, 0, NULL },
    { MQTT_NO_MATCHING_SUBSCRIBERS, PA | PR, PA | PR, NULL },
    { MQTT_NO_SUBSCRIPTION_EXISTED, 0, UA, NULL },
    { MQTT_CONTINUE_AUTHENTICATION, AU, AU, NULL },
    { MQTT_REAUTHENTICATE, AU, 0, NULL },
    { MQTTSN2_TOPIC_ALIAS_EXISTS, RA, RA, "topic_alias_exists" },
    { MQTT_UNSPECIFIED_ERROR, PA | PR | DI, CA | PA | PR | SA | UA | DI, NULL },
    { MQTT_MALFORMED, DI, CA | DI, NULL },
    { MQTT_PROTOCOL_ERROR, DI, CA | DI, NULL },
    { MQTT_IMPLEMENTATION_ERROR, PA | PR | RA | DI, CA | PA | PR | RA | SA | UA | DI, NULL },
    { MQTT_UNSUPPORTED_VERSION, 0, CA, NULL },
    { MQTT_CLIENT_ID_NOT_VALID, 0, CA, NULL },
    { MQTT_BAD_USER_NAME_OR_PASSWORD, 0, CA, NULL },
    { MQTT_NOT_AUTHORIZED, PA | PR | RA, CA | PA | PR | RA | SA | UA | DI, NULL },
    { MQTT_SERVER_UNAVAILABLE, 0, CA, NULL },
    { MQTT_SERVER_BUSY, 0, CA | DI, NULL },
    { MQTT_BANNED, 0, CA, NULL },
    { MQTT_SERVER_SHUTTING_DOWN, 0, DI, NULL },
    { MQTT_BAD_AUTHENTICATION_METHOD, DI, CA | DI, NULL },
    { MQTT_KEEP_ALIVE_TIMEOUT, 0, DI, NULL },
    { MQTT_SESSION_TAKEN_OVER, 0, DI, NULL },
    { MQTT_TOPIC_FILTER_INVALID, 0, SA | UA | DI, NULL },
    { MQTT_TOPIC_NAME_INVALID, PA | PR, CA | PA | PR | DI, NULL },
    { MQTT_PACKET_ID_IN_USE, PA | PR | RA, PA | PR | SA | UA | RA | SR, NULL },
    { MQTT_PACKET_ID_NOT_FOUND, PL | PC, PL | PC, NULL },
    { MQTT_RECEIVE_MAXIMUM_EXCEEDED, DI, DI, NULL },
    { MQTT_TOPIC_ALIAS_INVALID, 0, DI, NULL },
    { MQTT_PACKET_TOO_LARGE, DI, CA | DI, NULL },
    { MQTT_MESSAGE_RATE_TOO_HIGH, DI, DI, NULL },
    { MQTT_QUOTA_EXCEEDED, RA | DI, RA | SA | DI, NULL },
    { MQTT_ADMINISTRATIVE_ACTION, DI, DI, NULL },
    { MQTT_PAYLOAD_FORMAT_INVALID, PA | PR, PA | PR | DI, NULL },
    { MQTT_RETAIN_NOT_SUPPORTED, 0, CA | DI, NULL },
    { MQTT_QOS_NOT_SUPPORTED, 0, CA | DI, NULL },
    { MQTT_USE_ANOTHER_SERVER, 0, CA | DI, NULL },
    { MQTT_SERVER_MOVED, 0, CA | DI, NULL },
    { MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, 0, SA | DI, NULL },
    { MQTT_CONNECTION_RATE_EXCEEDED, 0, CA | DI, NULL },
    { MQTT_MAXIMUM_CONNECT_TIME, 0, DI, NULL },
    { MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED, 0, SA | DI, NULL },
    { MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, 0, SA | DI, NULL },
    { MQTTSN2_ONLY_PROTECTION_SUPPORTED, ALL_OF_CLIENT, ALL_OF_SERVER,
        "only_protection_supported" },
    { MQTTSN2_PROTECTION_SCHEME_INVALID, DI, DI, "protection_scheme_invalid" },
    { MQTTSN2_UNKNOWN_SENDER_ID, DI, DI, "unknown_sender_id" },
    { MQTTSN2_UNKNOWN_TOPIC_ALIAS, PA | PR | RA, PA | PR | RA | SA | UA, "unknown_topic_alias" },
    { MQTTSN2_CONGESTION, PA | PR | RA, CA | PA | PR | RA | SA, "congestion" },
    { MQTTSN2_PROTECTION_NOT_SUPPORTED, DI, DI, "protection_not_supported" },
    { MQTTSN2_FORWARDER_NOT_SUPPORTED, DI, DI, "forwarder_not_supported" },
    { MQTTSN2_NO_VIRTUAL_CONNECTION, DI, DI, "no_virtual_connection" },
};
/* clang-format on */

static const struct reason_row *row_find(uint8_t code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

bool mqttsn2_reason_allowed(uint8_t code, enum mqttsn2_type type, enum mqtt_sender sender)
{
    const struct reason_row *row = row_find(code);
    uint32_t packets = !row ? 0 : sender == MQTT_FROM_CLIENT ? row->client_says : row->server_says;

    return type <= MQTTSN2_SLEEPRESP && packets >> type & 1;
}

uint8_t mqttsn2_reason_fit(uint8_t code, enum mqttsn2_type type, enum mqtt_sender sender)
{
    /* What 1.2 would say has a code of its own here too. */
    static const uint8_t as_in_1_2[] = {
        [MQTTSN_CONGESTION] = MQTTSN2_CONGESTION,
        [MQTTSN_INVALID_TOPIC_ID] = MQTTSN2_UNKNOWN_TOPIC_ALIAS,
        [MQTTSN_NOT_SUPPORTED] = MQTT_UNSPECIFIED_ERROR,
    };
    uint8_t substitutes[] = { code, 0, MQTT_UNSPECIFIED_ERROR, MQTT_IMPLEMENTATION_ERROR };

    if (code < MQTT_UNSPECIFIED_ERROR)
        return mqttsn2_reason_allowed(code, type, sender) ? code : MQTT_SUCCESS;
    substitutes[1] = as_in_1_2[mqttsn_return_code_of((enum mqtt_reason)code)];
    for (size_t i = 0; i < sizeof(substitutes); i++)
        if (mqttsn2_reason_allowed(substitutes[i], type, sender))
            return substitutes[i];
    return code;
}

const char *mqttsn2_reason_name(uint8_t code)
{
    const struct reason_row *row = row_find(code);

    return row && row->name ? row->name : mqtt_reason_name((enum mqtt_reason)code);
}
