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
    const char *name;
    const char *text;
    uint8_t connack_code_v3;
    unsigned client_says; /* in these packets */
    unsigned server_says;
};

static const struct reason_row rows[] = {
    [MQTT_SUCCESS] = { "success", "Success", 0,
        PA | PR | PL | PC | DI, CA | PA | PR | PL | PC | SA | UA | DI | AU },
    [MQTT_GRANTED_QOS_1] = { "granted_qos_1", "Granted QoS 1", 0, 0, SA },
    [MQTT_GRANTED_QOS_2] = { "granted_qos_2", "Granted QoS 2", 0, 0, SA },
    [MQTT_DISCONNECT_WITH_WILL] = { "disconnect_with_will", "Disconnect with Will Message", 0,
        DI, 0 },
    [MQTT_NO_MATCHING_SUBSCRIBERS] = { "no_matching_subscribers", "No matching subscribers", 0,
        0, PA | PR },
    [MQTT_NO_SUBSCRIPTION_EXISTED] = { "no_subscription_existed", "No subscription existed", 0,
        0, UA },
    [MQTT_CONTINUE_AUTHENTICATION] = { "continue_authentication", "Continue authentication", 0,
        AU, AU },
    [MQTT_REAUTHENTICATE] = { "reauthenticate", "Re-authenticate", 0, AU, 0 },
    [MQTT_UNSPECIFIED_ERROR] = { "unspecified_error", "Unspecified error", 0,
        PA | PR | DI, CA | PA | PR | SA | UA | DI },
    [MQTT_MALFORMED] = { "malformed_packet", "Malformed Packet", 0, DI, CA | DI },
    [MQTT_PROTOCOL_ERROR] = { "protocol_error", "Protocol Error", 0, DI, CA | DI },
    [MQTT_IMPLEMENTATION_ERROR] = { "implementation_error", "Implementation specific error", 0,
        PA | PR | DI, CA | PA | PR | SA | UA | DI },
    [MQTT_UNSUPPORTED_VERSION] = { "unsupported_version", "Unsupported Protocol Version", 1,
        0, CA },
    [MQTT_CLIENT_ID_NOT_VALID] = { "client_id_not_valid", "Client Identifier not valid", 2,
        0, CA },
    [MQTT_BAD_USER_NAME_OR_PASSWORD] = { "bad_user_name_or_password",
        "Bad User Name or Password", 4, 0, CA },
    [MQTT_NOT_AUTHORIZED] = { "not_authorized", "Not authorized", 5,
        PA | PR, CA | PA | PR | SA | UA | DI },
    [MQTT_SERVER_UNAVAILABLE] = { "server_unavailable", "Server unavailable", 3, 0, CA },
    [MQTT_SERVER_BUSY] = { "server_busy", "Server busy", 3, 0, CA | DI },
    [MQTT_BANNED] = { "banned", "Banned", 5, 0, CA },
    [MQTT_SERVER_SHUTTING_DOWN] = { "server_shutting_down", "Server shutting down", 3, 0, DI },
    [MQTT_BAD_AUTHENTICATION_METHOD] = { "bad_authentication_method",
        "Bad authentication method", 5, 0, CA },
    [MQTT_KEEP_ALIVE_TIMEOUT] = { "keep_alive_timeout", "Keep Alive timeout", 0, 0, DI },
    [MQTT_SESSION_TAKEN_OVER] = { "session_taken_over", "Session taken over", 0, 0, DI },
    [MQTT_TOPIC_FILTER_INVALID] = { "topic_filter_invalid", "Topic Filter invalid", 0,
        0, SA | UA | DI },
    [MQTT_TOPIC_NAME_INVALID] = { "topic_name_invalid", "Topic Name invalid", 0,
        PA | PR | DI, CA | PA | PR | DI },
    [MQTT_PACKET_ID_IN_USE] = { "packet_id_in_use", "Packet Identifier in use", 0,
        PA | PR, PA | PR | SA | UA },
    [MQTT_PACKET_ID_NOT_FOUND] = { "packet_id_not_found", "Packet Identifier not found", 0,
        PL | PC, PL | PC },
    [MQTT_RECEIVE_MAXIMUM_EXCEEDED] = { "receive_maximum_exceeded", "Receive Maximum exceeded", 0,
        DI, DI },
    [MQTT_TOPIC_ALIAS_INVALID] = { "topic_alias_invalid", "Topic Alias invalid", 0, DI, DI },
    [MQTT_PACKET_TOO_LARGE] = { "packet_too_large", "Packet too large", 0, DI, CA | DI },
    [MQTT_MESSAGE_RATE_TOO_HIGH] = { "message_rate_too_high", "Message rate too high", 0, DI, DI },
    [MQTT_QUOTA_EXCEEDED] = { "quota_exceeded", "Quota exceeded", 0,
        PA | PR | DI, CA | PA | PR | SA | DI },
    [MQTT_ADMINISTRATIVE_ACTION] = { "administrative_action", "Administrative action", 0, DI, DI },
    [MQTT_PAYLOAD_FORMAT_INVALID] = { "payload_format_invalid", "Payload format invalid", 0,
        PA | PR | DI, CA | PA | PR | DI },
    [MQTT_RETAIN_NOT_SUPPORTED] = { "retain_not_supported", "Retain not supported", 0,
        0, CA | DI },
    [MQTT_QOS_NOT_SUPPORTED] = { "qos_not_supported", "QoS not supported", 0, 0, CA | DI },
    [MQTT_USE_ANOTHER_SERVER] = { "use_another_server", "Use another server", 3, 0, CA | DI },
    [MQTT_SERVER_MOVED] = { "server_moved", "Server moved", 3, 0, CA | DI },
    [MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED] = { "shared_subscriptions_not_supported",
        "Shared Subscriptions not supported", 0, 0, SA | DI },
    [MQTT_CONNECTION_RATE_EXCEEDED] = { "connection_rate_exceeded", "Connection rate exceeded", 3,
        0, CA | DI },
    [MQTT_MAXIMUM_CONNECT_TIME] = { "maximum_connect_time", "Maximum connect time", 0, 0, DI },
    [MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED] = { "subscription_ids_not_supported",
        "Subscription Identifiers not supported", 0, 0, SA | DI },
    [MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED] = { "wildcard_subscriptions_not_supported",
        "Wildcard Subscriptions not supported", 0, 0, SA | DI },
};

/* A value that is no reason code gets an empty row. */
static struct reason_row row_find(enum mqtt_reason reason)
{
    if (reason < sizeof(rows) / sizeof(rows[0]) && rows[reason].name)
        return rows[reason];
    return (struct reason_row){ .name = "unknown", .text = "Unknown" };
}

const char *mqtt_reason_name(enum mqtt_reason reason)
{
    return row_find(reason).name;
}

const char *mqtt_reason_text(enum mqtt_reason reason)
{
    return row_find(reason).text;
}

bool mqtt_reason_allowed(enum mqtt_reason reason, enum mqtt_type type, enum mqtt_sender sender)
{
    struct reason_row row = row_find(reason);
    unsigned packets = sender == MQTT_FROM_SERVER ? row.server_says : row.client_says;

    return packets >> type & 1;
}

uint8_t mqtt_connack_code_v3(enum mqtt_reason reason)
{
    return row_find(reason).connack_code_v3;
}
