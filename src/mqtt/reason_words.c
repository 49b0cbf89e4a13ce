/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/reason.h"

#include <stddef.h>

/* Apart from the rules, for a client on a small machine needs those without the words. */
struct words_row {
    const char *name;
    const char *text;
};

static const struct words_row rows[] = {
    [MQTT_SUCCESS] = { "success", "Success" },
    [MQTT_GRANTED_QOS_1] = { "granted_qos_1", "Granted QoS 1" },
    [MQTT_GRANTED_QOS_2] = { "granted_qos_2", "Granted QoS 2" },
    [MQTT_DISCONNECT_WITH_WILL] = { "disconnect_with_will", "Disconnect with Will Message" },
    [MQTT_NO_MATCHING_SUBSCRIBERS] = { "no_matching_subscribers", "No matching subscribers" },
    [MQTT_NO_SUBSCRIPTION_EXISTED] = { "no_subscription_existed", "No subscription existed" },
    [MQTT_CONTINUE_AUTHENTICATION] = { "continue_authentication", "Continue authentication" },
    [MQTT_REAUTHENTICATE] = { "reauthenticate", "Re-authenticate" },
    [MQTT_UNSPECIFIED_ERROR] = { "unspecified_error", "Unspecified error" },
    [MQTT_MALFORMED] = { "malformed_packet", "Malformed Packet" },
    [MQTT_PROTOCOL_ERROR] = { "protocol_error", "Protocol Error" },
    [MQTT_IMPLEMENTATION_ERROR] = { "implementation_error", "Implementation specific error" },
    [MQTT_UNSUPPORTED_VERSION] = { "unsupported_version", "Unsupported Protocol Version" },
    [MQTT_CLIENT_ID_NOT_VALID] = { "client_id_not_valid", "Client Identifier not valid" },
    [MQTT_BAD_USER_NAME_OR_PASSWORD] = { "bad_user_name_or_password", "Bad User Name or Password" },
    [MQTT_NOT_AUTHORIZED] = { "not_authorized", "Not authorized" },
    [MQTT_SERVER_UNAVAILABLE] = { "server_unavailable", "Server unavailable" },
    [MQTT_SERVER_BUSY] = { "server_busy", "Server busy" },
    [MQTT_BANNED] = { "banned", "Banned" },
    [MQTT_SERVER_SHUTTING_DOWN] = { "server_shutting_down", "Server shutting down" },
    [MQTT_BAD_AUTHENTICATION_METHOD] = { "bad_authentication_method", "Bad authentication method" },
    [MQTT_KEEP_ALIVE_TIMEOUT] = { "keep_alive_timeout", "Keep Alive timeout" },
    [MQTT_SESSION_TAKEN_OVER] = { "session_taken_over", "Session taken over" },
    [MQTT_TOPIC_FILTER_INVALID] = { "topic_filter_invalid", "Topic Filter invalid" },
    [MQTT_TOPIC_NAME_INVALID] = { "topic_name_invalid", "Topic Name invalid" },
    [MQTT_PACKET_ID_IN_USE] = { "packet_id_in_use", "Packet Identifier in use" },
    [MQTT_PACKET_ID_NOT_FOUND] = { "packet_id_not_found", "Packet Identifier not found" },
    [MQTT_RECEIVE_MAXIMUM_EXCEEDED] = { "receive_maximum_exceeded", "Receive Maximum exceeded" },
    [MQTT_TOPIC_ALIAS_INVALID] = { "topic_alias_invalid", "Topic Alias invalid" },
    [MQTT_PACKET_TOO_LARGE] = { "packet_too_large", "Packet too large" },
    [MQTT_MESSAGE_RATE_TOO_HIGH] = { "message_rate_too_high", "Message rate too high" },
    [MQTT_QUOTA_EXCEEDED] = { "quota_exceeded", "Quota exceeded" },
    [MQTT_ADMINISTRATIVE_ACTION] = { "administrative_action", "Administrative action" },
    [MQTT_PAYLOAD_FORMAT_INVALID] = { "payload_format_invalid", "Payload format invalid" },
    [MQTT_RETAIN_NOT_SUPPORTED] = { "retain_not_supported", "Retain not supported" },
    [MQTT_QOS_NOT_SUPPORTED] = { "qos_not_supported", "QoS not supported" },
    [MQTT_USE_ANOTHER_SERVER] = { "use_another_server", "Use another server" },
    [MQTT_SERVER_MOVED] = { "server_moved", "Server moved" },
    [MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED] = { "shared_subscriptions_not_supported",
            "Shared Subscriptions not supported" },
    [MQTT_CONNECTION_RATE_EXCEEDED] = { "connection_rate_exceeded", "Connection rate exceeded" },
    [MQTT_MAXIMUM_CONNECT_TIME] = { "maximum_connect_time", "Maximum connect time" },
    [MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED] = { "subscription_ids_not_supported",
            "Subscription Identifiers not supported" },
    [MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED] = { "wildcard_subscriptions_not_supported",
            "Wildcard Subscriptions not supported" },
};

/* A value that is no reason code gets an empty row. */
static struct words_row row_find(enum mqtt_reason reason)
{
    if (reason < sizeof(rows) / sizeof(rows[0]) && rows[reason].name)
        return rows[reason];
    return (struct words_row){ "unknown", "Unknown" };
}

const char *mqtt_reason_name(enum mqtt_reason reason)
{
    return row_find(reason).name;
}

const char *mqtt_reason_text(enum mqtt_reason reason)
{
    return row_find(reason).text;
}
