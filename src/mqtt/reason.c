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
    uint8_t connack_code_v3;
    unsigned client_says; /* in these packets */
    unsigned server_says;
    const char *name;
    const char *text;
};

/* clang-format off */
static const struct reason_row rows[] = {
    [MQTT_SUCCESS] = { 0, PA | PR | PL | PC | DI, CA | PA | PR | PL | PC | SA | UA | DI | AU,
        "success", "Success" },
    [MQTT_GRANTED_QOS_1] = { 0, 0, SA,
        "granted_qos_1", "Granted QoS 1" },
    [MQTT_GRANTED_QOS_2] = { 0, 0, SA,
        "granted_qos_2", "Granted QoS 2" },
    [MQTT_DISCONNECT_WITH_WILL] = { 0, DI, 0,
        "disconnect_with_will", "Disconnect with Will Message" },
    [MQTT_NO_MATCHING_SUBSCRIBERS] = { 0, 0, PA | PR,
        "no_matching_subscribers", "No matching subscribers" },
    [MQTT_NO_SUBSCRIPTION_EXISTED] = { 0, 0, UA,
        "no_subscription_existed", "No subscription existed" },
    [MQTT_CONTINUE_AUTHENTICATION] = { 0, AU, AU,
        "continue_authentication", "Continue authentication" },
    [MQTT_REAUTHENTICATE] = { 0, AU, 0,
        "reauthenticate", "Re-authenticate" },
    [MQTT_UNSPECIFIED_ERROR] = { 0, PA | PR | DI, CA | PA | PR | SA | UA | DI,
        "unspecified_error", "Unspecified error" },
    [MQTT_MALFORMED] = { 0, DI, CA | DI,
        "malformed_packet", "Malformed Packet" },
    [MQTT_PROTOCOL_ERROR] = { 0, DI, CA | DI,
        "protocol_error", "Protocol Error" },
    [MQTT_IMPLEMENTATION_ERROR] = { 0, PA | PR | DI, CA | PA | PR | SA | UA | DI,
        "implementation_error", "Implementation specific error" },
    [MQTT_UNSUPPORTED_VERSION] = { 1, 0, CA,
        "unsupported_version", "Unsupported Protocol Version" },
    [MQTT_CLIENT_ID_NOT_VALID] = { 2, 0, CA,
        "client_id_not_valid", "Client Identifier not valid" },
    [MQTT_BAD_USER_NAME_OR_PASSWORD] = { 4, 0, CA,
        "bad_user_name_or_password", "Bad User Name or Password" },
    [MQTT_NOT_AUTHORIZED] = { 5, PA | PR, CA | PA | PR | SA | UA | DI,
        "not_authorized", "Not authorized" },
    [MQTT_SERVER_UNAVAILABLE] = { 3, 0, CA,
        "server_unavailable", "Server unavailable" },
    [MQTT_SERVER_BUSY] = { 3, 0, CA | DI,
        "server_busy", "Server busy" },
    [MQTT_BANNED] = { 5, 0, CA,
        "banned", "Banned" },
    [MQTT_SERVER_SHUTTING_DOWN] = { 3, 0, DI,
        "server_shutting_down", "Server shutting down" },
    [MQTT_BAD_AUTHENTICATION_METHOD] = { 5, 0, CA,
        "bad_authentication_method", "Bad authentication method" },
    [MQTT_KEEP_ALIVE_TIMEOUT] = { 0, 0, DI,
        "keep_alive_timeout", "Keep Alive timeout" },
    [MQTT_SESSION_TAKEN_OVER] = { 0, 0, DI,
        "session_taken_over", "Session taken over" },
    [MQTT_TOPIC_FILTER_INVALID] = { 0, 0, SA | UA | DI,
        "topic_filter_invalid", "Topic Filter invalid" },
    [MQTT_TOPIC_NAME_INVALID] = { 0, PA | PR | DI, CA | PA | PR | DI,
        "topic_name_invalid", "Topic Name invalid" },
    [MQTT_PACKET_ID_IN_USE] = { 0, PA | PR, PA | PR | SA | UA,
        "packet_id_in_use", "Packet Identifier in use" },
    [MQTT_PACKET_ID_NOT_FOUND] = { 0, PL | PC, PL | PC,
        "packet_id_not_found", "Packet Identifier not found" },
    [MQTT_RECEIVE_MAXIMUM_EXCEEDED] = { 0, DI, DI,
        "receive_maximum_exceeded", "Receive Maximum exceeded" },
    [MQTT_TOPIC_ALIAS_INVALID] = { 0, DI, DI,
        "topic_alias_invalid", "Topic Alias invalid" },
    [MQTT_PACKET_TOO_LARGE] = { 0, DI, CA | DI,
        "packet_too_large", "Packet too large" },
    [MQTT_MESSAGE_RATE_TOO_HIGH] = { 0, DI, DI,
        "message_rate_too_high", "Message rate too high" },
    [MQTT_QUOTA_EXCEEDED] = { 0, PA | PR | DI, CA | PA | PR | SA | DI,
        "quota_exceeded", "Quota exceeded" },
    [MQTT_ADMINISTRATIVE_ACTION] = { 0, DI, DI,
        "administrative_action", "Administrative action" },
    [MQTT_PAYLOAD_FORMAT_INVALID] = { 0, PA | PR | DI, CA | PA | PR | DI,
        "payload_format_invalid", "Payload format invalid" },
    [MQTT_RETAIN_NOT_SUPPORTED] = { 0, 0, CA | DI,
        "retain_not_supported", "Retain not supported" },
    [MQTT_QOS_NOT_SUPPORTED] = { 0, 0, CA | DI,
        "qos_not_supported", "QoS not supported" },
    [MQTT_USE_ANOTHER_SERVER] = { 3, 0, CA | DI,
        "use_another_server", "Use another server" },
    [MQTT_SERVER_MOVED] = { 3, 0, CA | DI,
        "server_moved", "Server moved" },
    [MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED] = { 0, 0, SA | DI,
        "shared_subscriptions_not_supported", "Shared Subscriptions not supported" },
    [MQTT_CONNECTION_RATE_EXCEEDED] = { 3, 0, CA | DI,
        "connection_rate_exceeded", "Connection rate exceeded" },
    [MQTT_MAXIMUM_CONNECT_TIME] = { 0, 0, DI,
        "maximum_connect_time", "Maximum connect time" },
    [MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED] = { 0, 0, SA | DI,
        "subscription_ids_not_supported", "Subscription Identifiers not supported" },
    [MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED] = { 0, 0, SA | DI,
        "wildcard_subscriptions_not_supported", "Wildcard Subscriptions not supported" },
};
/* clang-format on */

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
