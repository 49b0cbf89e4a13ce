/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/reason.h"

#include <stddef.h>

/* Packets that carry a code, as the columns of the standard's table. */
enum {
    CA = 1 << MQTT_CONNACK,
    PA = 1 << MQTT_PUBACK,
    PR = 1 << MQTT_PUBREC,
    PL = 1 << MQTT_PUBREL,
    PC = 1 << MQTT_PUBCOMP,
    SA = 1 << MQTT_SUBACK,
    UA = 1 << MQTT_UNSUBACK,
    DI = 1 << MQTT_DISCONNECT,
    AU = 1 << MQTT_AUTH,
};

struct reason_row {
    uint16_t client_says; /* in these packets */
    uint16_t server_says;
};

/* Codes have a gap between success and the errors, so there are two tables. */
enum { FIRST_ERROR = MQTT_UNSPECIFIED_ERROR };

#define ERROR(reason) [(reason)-FIRST_ERROR]

/* clang-format off */
static const struct reason_row successes[] = {
    [MQTT_SUCCESS] = { PA | PR | PL | PC | DI, CA | PA | PR | PL | PC | SA | UA | DI | AU },
    [MQTT_GRANTED_QOS_1] = { 0, SA },
    [MQTT_GRANTED_QOS_2] = { 0, SA },
    [MQTT_DISCONNECT_WITH_WILL] = { DI, 0 },
    [MQTT_NO_MATCHING_SUBSCRIBERS] = { 0, PA | PR },
    [MQTT_NO_SUBSCRIPTION_EXISTED] = { 0, UA },
    [MQTT_CONTINUE_AUTHENTICATION] = { AU, AU },
    [MQTT_REAUTHENTICATE] = { AU, 0 },
};

static const struct reason_row errors[] = {
    ERROR(MQTT_UNSPECIFIED_ERROR) = { PA | PR | DI, CA | PA | PR | SA | UA | DI },
    ERROR(MQTT_MALFORMED) = { DI, CA | DI },
    ERROR(MQTT_PROTOCOL_ERROR) = { DI, CA | DI },
    ERROR(MQTT_IMPLEMENTATION_ERROR) = { PA | PR | DI, CA | PA | PR | SA | UA | DI },
    ERROR(MQTT_UNSUPPORTED_VERSION) = { 0, CA },
    ERROR(MQTT_CLIENT_ID_NOT_VALID) = { 0, CA },
    ERROR(MQTT_BAD_USER_NAME_OR_PASSWORD) = { 0, CA },
    ERROR(MQTT_NOT_AUTHORIZED) = { PA | PR, CA | PA | PR | SA | UA | DI },
    ERROR(MQTT_SERVER_UNAVAILABLE) = { 0, CA },
    ERROR(MQTT_SERVER_BUSY) = { 0, CA | DI },
    ERROR(MQTT_BANNED) = { 0, CA },
    ERROR(MQTT_SERVER_SHUTTING_DOWN) = { 0, DI },
    ERROR(MQTT_BAD_AUTHENTICATION_METHOD) = { 0, CA },
    ERROR(MQTT_KEEP_ALIVE_TIMEOUT) = { 0, DI },
    ERROR(MQTT_SESSION_TAKEN_OVER) = { 0, DI },
    ERROR(MQTT_TOPIC_FILTER_INVALID) = { 0, SA | UA | DI },
    ERROR(MQTT_TOPIC_NAME_INVALID) = { PA | PR | DI, CA | PA | PR | DI },
    ERROR(MQTT_PACKET_ID_IN_USE) = { PA | PR, PA | PR | SA | UA },
    ERROR(MQTT_PACKET_ID_NOT_FOUND) = { PL | PC, PL | PC },
    ERROR(MQTT_RECEIVE_MAXIMUM_EXCEEDED) = { DI, DI },
    ERROR(MQTT_TOPIC_ALIAS_INVALID) = { DI, DI },
    ERROR(MQTT_PACKET_TOO_LARGE) = { DI, CA | DI },
    ERROR(MQTT_MESSAGE_RATE_TOO_HIGH) = { DI, DI },
    ERROR(MQTT_QUOTA_EXCEEDED) = { PA | PR | DI, CA | PA | PR | SA | DI },
    ERROR(MQTT_ADMINISTRATIVE_ACTION) = { DI, DI },
    ERROR(MQTT_PAYLOAD_FORMAT_INVALID) = { PA | PR | DI, CA | PA | PR | DI },
    ERROR(MQTT_RETAIN_NOT_SUPPORTED) = { 0, CA | DI },
    ERROR(MQTT_QOS_NOT_SUPPORTED) = { 0, CA | DI },
    ERROR(MQTT_USE_ANOTHER_SERVER) = { 0, CA | DI },
    ERROR(MQTT_SERVER_MOVED) = { 0, CA | DI },
    ERROR(MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED) = { 0, SA | DI },
    ERROR(MQTT_CONNECTION_RATE_EXCEEDED) = { 0, CA | DI },
    ERROR(MQTT_MAXIMUM_CONNECT_TIME) = { 0, DI },
    ERROR(MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED) = { 0, SA | DI },
    ERROR(MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED) = { 0, SA | DI },
};
/* clang-format on */

/* The row of a code; of a value that is none a row that is allowed nowhere. */
static struct reason_row row_find(unsigned code)
{
    if (code < sizeof(successes) / sizeof(successes[0]))
        return successes[code];
    if (code - FIRST_ERROR < sizeof(errors) / sizeof(errors[0]))
        return errors[code - FIRST_ERROR];
    return (struct reason_row){ 0 };
}

bool mqtt_reason_allowed(enum mqtt_reason reason, enum mqtt_type type, enum mqtt_sender sender)
{
    struct reason_row row = row_find(reason);
    unsigned packets = sender == MQTT_FROM_SERVER ? row.server_says : row.client_says;

    return packets >> type & 1;
}

uint8_t mqtt_connack_code_v3(enum mqtt_reason reason)
{
    static const uint8_t codes[] = {
        ERROR(MQTT_UNSUPPORTED_VERSION) = 1,
        ERROR(MQTT_CLIENT_ID_NOT_VALID) = 2,
        ERROR(MQTT_BAD_USER_NAME_OR_PASSWORD) = 4,
        ERROR(MQTT_NOT_AUTHORIZED) = 5,
        ERROR(MQTT_SERVER_UNAVAILABLE) = 3,
        ERROR(MQTT_SERVER_BUSY) = 3,
        ERROR(MQTT_BANNED) = 5,
        ERROR(MQTT_SERVER_SHUTTING_DOWN) = 3,
        ERROR(MQTT_BAD_AUTHENTICATION_METHOD) = 5,
        ERROR(MQTT_USE_ANOTHER_SERVER) = 3,
        ERROR(MQTT_SERVER_MOVED) = 3,
        ERROR(MQTT_CONNECTION_RATE_EXCEEDED) = 3,
    };
    unsigned error = (unsigned)reason - FIRST_ERROR;

    return error < sizeof(codes) / sizeof(codes[0]) ? codes[error] : 0;
}
