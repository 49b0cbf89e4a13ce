/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/option.h"

#include "base/nearest.h"
#include "broker/config/config.h"

#include <assert.h>

#define IN_CONFIG(member)                                                                          \
    .offset = offsetof(struct config, member), .size = sizeof(((struct config *)NULL)->member)
#define IN_LISTENER(member)                                                                        \
    .offset = offsetof(struct config_listener, member),                                            \
    .size = sizeof(((struct config_listener *)NULL)->member)

static const char no_engine[] =
        "keys in OpenSSL's engines cannot be used; put the key into a file, and name it with "
        "keyfile";
static const char no_plugins[] =
        "plugins are not there yet, and what this one checks or changes would be missing; remove "
        "the key and its plugin_opt_ keys if that is fine";
static const char no_bridge[] =
        "bridges are not there yet, so no message would pass between the two servers; remove the "
        "connection and its keys";
static const char no_snapshot[] =
        "there is no file that is saved now and then: each change is on disk at once, or "
        "when the key durability says";
static const char no_files[] = "this server serves no files; let a web server do that";

static const struct option_choice protocols[] = {
    { "mqtt", CONFIG_PROTOCOL_MQTT },
    { "websockets", CONFIG_PROTOCOL_WEBSOCKETS },
    { "mqttsn", CONFIG_PROTOCOL_MQTTSN },
    { "http_api", 0, OPTION_REFUSED, "the HTTP API is not there yet; remove this listener" },
    { NULL },
};

static const struct option_choice domains[] = {
    { "ipv4", CONFIG_DOMAIN_IPV4 },
    { "ipv6", CONFIG_DOMAIN_IPV6 },
    { NULL },
};

/* A value of 0 empties the set. */
static const struct option_choice log_destinations[] = {
    { "none", 0 },
    { "stdout", LOG_TO_STDOUT },
    { "stderr", LOG_TO_STDERR },
    { "syslog", LOG_TO_SYSLOG },
    { "topic", LOG_TO_TOPIC },
    { "file", LOG_TO_FILE },
    { "dlt", 0, OPTION_NO_EFFECT, "this server does not speak to a DLT daemon" },
    { "android", 0, OPTION_NO_EFFECT, "this server does not run on Android" },
    { NULL },
};

static const struct option_choice log_types[] = {
    { "none", 0 },
    { "error", LOG_TYPE_ERROR },
    { "warning", LOG_TYPE_WARNING },
    { "notice", LOG_TYPE_NOTICE },
    { "information", LOG_TYPE_INFORMATION },
    { "debug", LOG_TYPE_DEBUG },
    { "subscribe", LOG_TYPE_SUBSCRIBE },
    { "unsubscribe", LOG_TYPE_UNSUBSCRIBE },
    { "internal", 0, OPTION_NO_EFFECT, "this server has no messages of that type" },
    { "websockets", 0, OPTION_NO_EFFECT, "this server has no messages of that type" },
    { "all", LOG_TYPE_ALL },
    { NULL },
};

static const struct option_choice log_facilities[] = {
    { "0", 0 },
    { "1", 1 },
    { "2", 2 },
    { "3", 3 },
    { "4", 4 },
    { "5", 5 },
    { "6", 6 },
    { "7", 7 },
    { "daemon", LOG_FACILITY_DAEMON },
    { NULL },
};

static const struct option_choice log_formats[] = {
    { "text", LOG_FORMAT_TEXT },
    { "json", LOG_FORMAT_JSON },
    { "mosquitto", LOG_FORMAT_MOSQUITTO },
    { NULL },
};

static const struct option_choice queue_policies[] = {
    { "drop-new", QUEUE_DROP_NEW },
    { "drop-old", QUEUE_DROP_OLD },
    { "disconnect", QUEUE_DISCONNECT },
    { "backpressure", QUEUE_BACKPRESSURE },
    { NULL },
};

static const struct option_choice durabilities[] = {
    { "group", DURABILITY_GROUP },
    { "always", DURABILITY_ALWAYS },
    { "interval", DURABILITY_INTERVAL },
    { "none", DURABILITY_NONE },
    { NULL },
};

static const struct option_choice tls_versions[] = {
    { "tlsv1.2", CONFIG_TLS_1_2 },
    { "tlsv1.3", CONFIG_TLS_1_3 },
    { NULL },
};
static const struct option_choice key_forms[] = {
    { "pem", CONFIG_KEY_PEM },
    { "engine", 0, OPTION_REFUSED, no_engine },
    { NULL },
};
static const struct option_choice jwt_places[] = {
    { "password", CONFIG_JWT_FROM_PASSWORD },
    { "username", CONFIG_JWT_FROM_USER_NAME },
    { NULL },
};
static const struct option_choice start_types[] = {
    { "automatic" },
    { "lazy" },
    { "once" },
    { NULL },
};
static const struct option_choice reload_types[] = { { "lazy" }, { "immediate" }, { NULL } };
static const struct option_choice bridge_versions[] = {
    { "mqttv31" },
    { "mqttv311" },
    { "mqttv50" },
    { NULL },
};

const struct option option_table[] = {
    /* Who may connect, and what they may do. */
    { "allow_anonymous", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true, IN_CONFIG(allow_anonymous),
            .initial = "false", .per_listener = "listener_allow_anonymous",
            .meaning =
                    "let clients in, with a user name or without; true where no listener is set" },
    { "allow_zero_length_clientid", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true,
            IN_CONFIG(allow_zero_length_clientid), .initial = "true",
            .per_listener = "listener_allow_zero_length_clientid",
            .meaning = "give a client without an id one" },
    { "auto_id_prefix", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, IN_CONFIG(auto_id_prefix),
            .initial = "auto-", .per_listener = "listener_auto_id_prefix",
            .meaning = "how given client ids start" },
    { "password_file", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(password_file), .per_listener = "listener_password_file",
            .meaning = "users and their passwords, as `nightjar passwd` writes them" },
    { "acl_file", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(acl_file), .per_listener = "listener_acl_file",
            .meaning = "who may read and write which topics; without it everyone may all" },
    { "acl_check_subscribe", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true,
            IN_CONFIG(acl_check_subscribe), .initial = "false",
            .meaning = "refuse a SUBSCRIBE for what acl_file does not let the client read; "
                       "otherwise it is granted, and such messages are not delivered" },
    { "auth_order", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, IN_CONFIG(auth_order),
            .initial = "password jwt http",
            .meaning = "who is asked about a login, in this order, of those that are configured: "
                       "password for password_file, jwt for auth_jwt, http for auth_http" },
    { "auth_jwt", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(jwt.file),
            .meaning =
                    "let clients in by JSON Web Tokens; the keys that check them: public keys as "
                    "PEM (RS256, ES256), a JWKS file, or a secret (HS256) as it is or behind "
                    "\"base64:\"" },
    { "auth_jwt_from", NULL, SCOPE_GLOBAL, OPTION_WORD, .live = true, IN_CONFIG(jwt.from),
            .choices = jwt_places, .initial = "password",
            .meaning = "where the token is; as the user name it is never logged" },
    { "auth_jwt_leeway", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(jwt.leeway_s),
            0, 3600, .initial = "10",
            .meaning = "seconds by which clocks may differ when exp and nbf are compared" },
    { "auth_jwt_issuer", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(jwt.issuer),
            .meaning = "what a token's iss has to be; otherwise any will do" },
    { "auth_jwt_audience", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(jwt.audience),
            .meaning = "what a token's aud has to be or contain; otherwise any will do" },
    { "auth_jwt_user_claim", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(jwt.user_claim), .initial = "sub",
            .meaning = "the claim that is the client's user name; a name in CONNECT has to be the "
                       "same" },
    { "auth_jwt_clientid_claim", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(jwt.clientid_claim),
            .meaning = "a claim that has to be the client id; otherwise any id will do" },
    { "auth_jwt_acl_claim", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(jwt.acl_claim), .initial = "acl",
            .meaning = "the claim with the client's rights, as EMQX 5 writes them; where it is "
                       "missing acl_file decides alone" },
    { "auth_http", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(http.url),
            .meaning =
                    "a web service that is asked about logins, http:// or https://, with JSON as "
                    "EMQX 5 has it" },
    { "auth_http_timeout", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(http.timeout_ms), 100, 60000, .initial = "5000",
            .meaning = "milliseconds that it has for an answer; then the client is not let in" },
    { "auth_http_cache", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(http.cache_s),
            0, 86400, .initial = "60",
            .meaning =
                    "seconds for which the same login is not asked about again; of what is denied "
                    "5 at most; 0: each is asked about" },
    { "auth_http_header", NULL, SCOPE_GLOBAL, OPTION_LINES, .live = true, .secret = true,
            IN_CONFIG(http.headers),
            .meaning =
                    "a header of the request, as \"Authorization: Bearer x\"; one line for each" },
    { "auth_http_cafile", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(http.cafile),
            .meaning = "who may sign the certificate of an https:// service; otherwise whom the "
                       "system trusts" },
    { "auth_http_max_waiting", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(http.max_waiting), 1, 100000, .initial = "1000",
            .meaning = "logins that wait for its answer at a time" },
    { "clientid_prefixes", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(core.clientid_prefixes),
            .meaning = "let only clients in whose id starts so; it is one prefix" },
    { "check_retain_source", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true,
            IN_CONFIG(core.check_retain_source), .initial = "true",
            .meaning = "give a retained message to a new subscriber only while its publisher "
                       "might publish it; where there is no acl_file it always might" },
    { "psk_file", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true, .replaces = true,
            IN_CONFIG(psk_file), .per_listener = "listener_psk_file",
            .meaning = "identities and their keys, for listeners with psk_hint" },
    { "per_listener_settings", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true,
            IN_CONFIG(per_listener_settings), .initial = "false",
            .meaning = "allow_anonymous and its like hold for the listener before them" },
    { "plugin", NULL, SCOPE_GLOBAL, OPTION_TEXT, OPTION_REFUSED, SCOPE_PLUGIN, .replaces = true,
            .meaning = "load a plugin", .reason = no_plugins },
    { "auth_plugin", NULL, SCOPE_GLOBAL, OPTION_TEXT, OPTION_REFUSED, SCOPE_PLUGIN,
            .replaces = true, .meaning = "load a plugin", .reason = no_plugins },
    { "global_plugin", NULL, SCOPE_GLOBAL, OPTION_TEXT, OPTION_REFUSED, SCOPE_PLUGIN,
            .replaces = true, .meaning = "load a plugin for every listener", .reason = no_plugins },
    { "plugin_load", NULL, SCOPE_GLOBAL, OPTION_TEXT, OPTION_REFUSED, SCOPE_PLUGIN,
            .replaces = true, .meaning = "load a plugin under a name", .reason = no_plugins },
    { "plugin_use", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT, OPTION_REFUSED, SCOPE_PLUGIN,
            .replaces = true, .meaning = "attach a named plugin to the listener",
            .reason = no_plugins },
    { "plugin_opt_*", NULL, SCOPE_PLUGIN, OPTION_TEXT, OPTION_REFUSED, .replaces = true, .min = 3,
            .meaning = "an option of the plugin before it", .reason = no_plugins },
    { "auth_opt_*", NULL, SCOPE_PLUGIN, OPTION_TEXT, OPTION_REFUSED, .replaces = true, .min = 3,
            .meaning = "an option of the plugin before it", .reason = no_plugins },
    { "auth_plugin_deny_special_chars", NULL, SCOPE_PLUGIN, OPTION_FLAG, OPTION_REFUSED,
            .initial = "true",
            .meaning = "keep client ids and user names with + # / from the plugin",
            .reason = no_plugins },

    /* How many and how large. */
    { "global_max_clients", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.global_max_clients), -1, INT32_MAX, .clamp = CLAMP_LOW, .initial = "-1",
            .meaning = "sessions, connected or not; -1: no limit" },
    { "global_max_connections", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.global_max_connections), -1, INT32_MAX, .clamp = CLAMP_LOW,
            .initial = "-1", .meaning = "connections of all listeners; -1: no limit" },
    { "sessions_per_user_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.sessions_per_user_max), 0, INT32_MAX, .initial = "0",
            .meaning = "sessions of one user name, connected or not; 0: no limit" },
    { "max_connections_per_address", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(guard.max_connections_per_address), 0, INT32_MAX, .initial = "0",
            .meaning = "connections of one address; 0: no limit" },
    { "connection_rate_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(guard.connection_rate_max), 0, 1000000, .initial = "1000",
            .meaning = "connections that one address may open in a second, and twice as many at "
                       "once; 0: no limit" },
    { "handshakes_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(guard.handshakes_max), 0, INT32_MAX, .initial = "1000",
            .meaning = "connections of one thread whose CONNECT is not accepted yet; beyond it "
                       "the oldest makes room, or others wait; 0: no limit" },
    { "handshakes_per_address_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(guard.handshakes_per_address_max), 0, INT32_MAX, .initial = "500",
            .meaning = "the same of one address, on all threads; 0: no limit" },
    { "login_failures_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(guard.login_failures_max), 0, GUARD_GUESSES_MAX, .initial = "100",
            .meaning = "different wrong logins of one address after which it is banned; 0: "
                       "nobody is" },
    { "login_failures_window", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(guard.login_failures_window_s), 1, INT32_MAX, .initial = "600",
            .meaning = "seconds within which they count" },
    { "login_ban_time", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(guard.login_ban_time_s), 1, INT32_MAX, .initial = "600",
            .meaning = "seconds for which the address is banned" },
    { "login_delay_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(guard.login_delay_max_ms), 0, 30, 1000, .initial = "5",
            .meaning = "seconds that the answer to a wrong login may be held back, which grows "
                       "with their number; 0: it is not" },
    { "exempt_address", NULL, SCOPE_GLOBAL, OPTION_NETWORKS, .live = true, IN_CONFIG(guard.exempt),
            .initial = "127.0.0.1 ::1",
            .meaning = "addresses for which the limits by address do not hold; `none`: for all "
                       "they do" },
    { "sn_advertise_interval", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(sn.advertise_s), 0, UINT16_MAX, .initial = "900",
            .meaning = "seconds between two ADVERTISE to the groups of sn_multicast; 0: there are "
                       "none" },
    { "sn_dtls_mtu", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(sn.dtls_mtu), 256,
            1500, .initial = "1232",
            .meaning = "bytes of a datagram to a device of MQTT-SN while DTLS shakes hands" },
    { "sn_gateway_id", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(sn.gateway_id), 0,
            UINT8_MAX, .initial = "1",
            .meaning =
                    "by which devices of MQTT-SN tell this gateway from others on their network" },
    { "sn_message_size_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(sn.message_size_max), 60, 8192, .initial = "1400",
            .meaning =
                    "bytes of a datagram to a device of MQTT-SN; it does not get longer messages" },
    { "sn_predefined", NULL, SCOPE_GLOBAL, OPTION_LINES, .live = true, IN_CONFIG(sn.predefined),
            .meaning =
                    "a topic id that devices of MQTT-SN know beforehand, its topic, and maybe the "
                    "only client that it is for; one line for each" },
    { "sn_retries", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(sn.retries), 0, 20,
            .initial = "3",
            .meaning =
                    "how often a device of MQTT-SN is sent again what it does not answer; then it "
                    "is lost" },
    { "sn_retry_interval", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(sn.retry_s),
            1, 3600, .initial = "10", .meaning = "seconds until such a message is sent again" },
    { "sn_retry_interval_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(sn.retry_max_s), 1, 3600, .initial = "60",
            .meaning = "seconds that this wait may grow to, by twice as much each time; up to "
                       "sn_retry_interval it does not grow" },
    { "sn_topics_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(sn.topics_max), 1,
            65534, .initial = "256",
            .meaning = "topics that a device of MQTT-SN may have ids of at a time" },
    { "connect_timeout", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.connect_timeout_ms), 1, 3600, 1000, .initial = "10",
            .meaning = "seconds that a new connection has for its CONNECT, and for its part in the "
                       "authentication that it asks for; how long its password is checked does "
                       "not count" },
    { "max_connect_size", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.connect_size_max), 128, 268435460, .initial = "100000",
            .meaning = "bytes of a CONNECT" },
    { "max_keepalive", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.max_keepalive_s), 0, UINT16_MAX, .initial = "0",
            .meaning = "seconds of keep alive that a client may ask for; 0: no limit" },
    { "max_packet_size", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.max_packet_size), 20, INT32_MAX, .initial = "2000000",
            .meaning = "bytes of a packet from a client" },
    { "message_size_limit", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.message_size_limit), 0, 268435455, .initial = "0",
            .meaning = "bytes of a payload; 0: only max_packet_size counts" },
    { "max_inflight_messages", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.max_inflight_messages), 0, UINT16_MAX, .clamp = CLAMP_LOW,
            .initial = "20",
            .meaning = "QoS 1 and 2 messages sent to a client and not acknowledged; 0: 65535" },
    { "max_inflight_bytes", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.max_inflight_bytes), 0, INT64_MAX, .clamp = CLAMP_LOW, .initial = "0",
            .meaning = "payload bytes of those; 0: no limit" },
    { "max_queued_messages", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.max_queued_messages), 0, INT32_MAX, .clamp = CLAMP_LOW,
            .initial = "1000",
            .meaning = "QoS 1 and 2 messages that wait for a client beyond those; 0: no limit" },
    { "max_queued_bytes", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.max_queued_bytes), 0, INT64_MAX, .clamp = CLAMP_LOW, .initial = "0",
            .meaning = "payload bytes of those; 0: no limit" },
    { "client_memory_max", NULL, SCOPE_GLOBAL, OPTION_BYTES, .live = true,
            IN_CONFIG(core.client_memory_max), 1024, INT64_MAX, .initial = "0",
            .meaning = "bytes of memory of all that is queued for one client; 0: no limit" },
    { "max_qos0_backlog_bytes", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.qos0_backlog_bytes_max), 1024, INT64_MAX, .initial = "16777216",
            .meaning = "bytes of QoS 0 messages that wait for a slow connection" },
    { "queue_full_policy", NULL, SCOPE_GLOBAL, OPTION_WORD, .live = true,
            IN_CONFIG(core.queue_full_policy), .choices = queue_policies, .initial = "drop-new",
            .meaning = "what becomes of a QoS 1 or 2 message whose receiver's queue is full" },
    { "queue_qos0_messages", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true,
            IN_CONFIG(core.queue_qos0_messages), .initial = "false",
            .meaning = "keep QoS 0 messages for absent clients too" },
    { "receive_maximum", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.receive_max), 0, UINT16_MAX, .initial = "20",
            .meaning = "QoS 1 and 2 messages that a client may have open towards us; 0: 65535" },
    { "subscriptions_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.subscriptions_max), 1, UINT32_MAX, .initial = "100000",
            .meaning = "subscriptions of one session" },
    { "flapping_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(core.flapping_max),
            0, 1000000, .initial = "100",
            .meaning = "how often the connection of one client id may be lost within "
                       "flapping_window; beyond it the client waits for its next CONNACK, up to "
                       "5 seconds; 0: no limit" },
    { "flapping_window", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.flapping_window_ms), 1, 86400, 1000, .initial = "60",
            .meaning = "seconds; see flapping_max" },
    { "id_fight_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(core.id_fight_max),
            0, 1000000, .initial = "20",
            .meaning = "how often in a minute clients at different addresses may take the same "
                       "client id over from each other, or three times as often at the same "
                       "address; beyond it the next one waits for its CONNACK, up to 5 seconds; "
                       "0: no limit" },
    { "topic_levels_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.topic_levels_max), 1, UINT16_MAX, .initial = "200",
            .meaning = "levels of a topic" },
    { "topic_size_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.topic_size_max), 1, UINT16_MAX, .initial = "65535",
            .meaning = "bytes of a topic or filter" },
    { "user_properties_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.user_properties_max), 0, UINT16_MAX, .initial = "100",
            .meaning = "user properties of one packet" },
    { "packet_rate_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.packet_rate_max), 0, 1000000000, .initial = "10000000",
            .meaning = "packets of one client in a second; beyond it the client is left unread "
                       "for a while; 0: no limit" },
    { "byte_rate_max", NULL, SCOPE_GLOBAL, OPTION_BYTES, .live = true,
            IN_CONFIG(core.byte_rate_max), 1000, INT64_MAX, .initial = "0",
            .meaning = "the same in bytes; 0: no limit" },
    { "memory_limit", NULL, SCOPE_GLOBAL, OPTION_BYTES, .live = true, IN_CONFIG(memory_limit_bytes),
            0, INT64_MAX, .clamp = CLAMP_LOW, .initial = "auto",
            .meaning = "bytes of memory for clients and messages; 0: no limit; auto: three "
                       "quarters of what the machine or the control group has" },
    { "packet_buffer_size", "websockets_headers_size", SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(websockets_headers_size), 0, UINT16_MAX, .initial = "4096",
            .meaning = "bytes of the head of a request for a WebSocket; 0: 4096" },

    /* Messages and sessions. */
    { "allow_duplicate_messages", NULL, SCOPE_GLOBAL, OPTION_FLAG, OPTION_NO_EFFECT,
            .initial = "false", .meaning = "one copy for each overlapping subscription",
            .reason = "a client gets one copy of a message, at the highest QoS of its matching "
                      "subscriptions and with all their identifiers" },
    { "persistent_client_expiration", NULL, SCOPE_GLOBAL, OPTION_DURATION, .live = true,
            IN_CONFIG(core.session_expiry_s_max),
            .meaning = "how long the session of an absent client is kept" },
    { "retain_available", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true,
            IN_CONFIG(core.retain_available), .initial = "true",
            .meaning = "allow retained messages" },
    { "retain_expiry_interval", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true,
            IN_CONFIG(core.retain_expiry_s), 1, 10000000, 60, CLAMP_HIGH,
            .meaning = "minutes that a retained message without an expiry of its own is kept" },
    { "retained_max", NULL, SCOPE_GLOBAL, OPTION_NUMBER, IN_CONFIG(core.retained_max), 0, INT64_MAX,
            .initial = "0", .meaning = "retained messages; 0: no limit" },
    { "strict_text", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true, IN_CONFIG(core.strict_text),
            .initial = "false",
            .meaning = "refuse control characters and non-characters in topics and other text" },
    { "upgrade_outgoing_qos", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true,
            IN_CONFIG(core.upgrade_outgoing_qos), .initial = "false",
            .meaning = "deliver at the subscription's QoS even if the message came with less" },
    { "retry_interval", NULL, SCOPE_GLOBAL, OPTION_IGNORED, OPTION_NO_EFFECT,
            .meaning = "seconds after which a message was sent again",
            .reason = "messages are sent again when a client reconnects, and only then" },

    /* What survives. */
    { "persistence", "retained_persistence", SCOPE_GLOBAL, OPTION_FLAG, IN_CONFIG(store.kept),
            .initial = "true",
            .meaning = "keep sessions and messages on disk; false: all is in memory, and lost "
                       "when the server stops" },
    { "persistence_location", NULL, SCOPE_GLOBAL, OPTION_TEXT, IN_CONFIG(store.location),
            .meaning = "the directory for what is kept on disk; otherwise what "
                       "MOSQUITTO_PERSISTENCE_LOCATION in the environment says, or "
                       "/var/lib/nightjar, or where that is not ours to write, ./nightjar-data" },
    { "durability", NULL, SCOPE_GLOBAL, OPTION_DURABILITY, IN_CONFIG(store.durability), 1,
            STORE_INTERVAL_MAX_MS, .choices = durabilities, .initial = "group",
            .meaning = "what waits for the disk: group: what acknowledges a QoS 1 or 2 message "
                       "or a change of a session that is kept; always: delivery at QoS 1 as "
                       "well; interval: nothing, and the disk follows after so many milliseconds; "
                       "none: nothing, and the system writes when it likes" },
    { "persistence_file", NULL, SCOPE_GLOBAL, OPTION_TEXT, OPTION_NO_EFFECT,
            .initial = "mosquitto.db", .meaning = "the name of Mosquitto's file",
            .reason = "this server has no file of that kind" },
    { "autosave_interval", NULL, SCOPE_GLOBAL, OPTION_NUMBER, OPTION_NO_EFFECT, .max = INT32_MAX,
            .clamp = CLAMP_LOW, .initial = "1800", .meaning = "seconds between two saves",
            .reason = no_snapshot },
    { "autosave_on_changes", NULL, SCOPE_GLOBAL, OPTION_FLAG, OPTION_NO_EFFECT, .initial = "false",
            .meaning = "autosave_interval counts changes", .reason = no_snapshot },

    /* The log, and what the server tells. */
    { "log_dest", NULL, SCOPE_GLOBAL, OPTION_LOG_DEST, .live = true, IN_CONFIG(log.to),
            .choices = log_destinations, .initial = "stderr",
            .meaning = "where the log goes; one line for each place" },
    { "log_type", NULL, SCOPE_GLOBAL, OPTION_WORDS, .live = true, IN_CONFIG(log.types),
            .choices = log_types, .initial = "error warning notice information",
            .meaning = "what is logged, one line for each type" },
    { "log_format", NULL, SCOPE_GLOBAL, OPTION_WORD, .live = true, IN_CONFIG(log.format),
            .choices = log_formats, .initial = "text", .meaning = "how a line of the log looks" },
    { "log_timestamp", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true, IN_CONFIG(log.timestamp),
            .initial = "true", .meaning = "start a line with the time" },
    { "log_timestamp_format", NULL, SCOPE_GLOBAL, OPTION_TEXT, .live = true,
            IN_CONFIG(log.timestamp_format),
            .meaning = "strftime's format of that time, in local time; not for log_format json" },
    { "log_facility", NULL, SCOPE_GLOBAL, OPTION_WORD, .live = true, IN_CONFIG(log.facility),
            .choices = log_facilities, .initial = "daemon",
            .meaning = "syslog's facility, local0 to local7" },
    { "connection_messages", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true,
            IN_CONFIG(log.connection_messages), .initial = "true",
            .meaning = "log connects and disconnects" },
    { "websockets_log_level", NULL, SCOPE_GLOBAL, OPTION_NUMBER, OPTION_NO_EFFECT, .min = INT32_MIN,
            .max = INT32_MAX, .initial = "0", .meaning = "what libwebsockets logs",
            .reason = "this server does not use libwebsockets" },
    { "sys_interval", NULL, SCOPE_GLOBAL, OPTION_NUMBER, .live = true, IN_CONFIG(sys_interval_s), 0,
            UINT16_MAX, .initial = "10", .meaning = "seconds between updates of $SYS; 0: never" },
    { "enable_control_api", NULL, SCOPE_GLOBAL, OPTION_FLAG, OPTION_NOT_YET, .initial = "false",
            .meaning = "answer at $CONTROL/broker/v1", .reason = "nothing answers there" },

    /* The process. */
    { "include_dir", NULL, SCOPE_GLOBAL, OPTION_INCLUDE, .live = true,
            .meaning = "read the files of a directory whose names end in .conf" },
    { "pid_file", NULL, SCOPE_GLOBAL, OPTION_TEXT, IN_CONFIG(pid_file),
            .meaning = "where the process id is written" },
    { "control_socket", NULL, SCOPE_GLOBAL, OPTION_TEXT, .replaces = true,
            IN_CONFIG(control_socket),
            .meaning = "the path of the socket that `nightjar ctl` speaks to, or none; without it "
                       "/run/nightjar/control.sock, or below XDG_RUNTIME_DIR, where that can be" },
    { "set_tcp_nodelay", NULL, SCOPE_GLOBAL, OPTION_FLAG, IN_CONFIG(set_tcp_nodelay),
            .initial = "false", .meaning = "TCP_NODELAY for clients' connections" },
    { "threads", NULL, SCOPE_GLOBAL, OPTION_NUMBER, IN_CONFIG(threads), 0, CONFIG_THREADS_MAX,
            .initial = "0", .meaning = "threads that serve clients; 0: one for each core" },
    { "user", NULL, SCOPE_GLOBAL, OPTION_TEXT, .replaces = true, IN_CONFIG(user),
            .initial = "mosquitto", .meaning = "whom to become when started as root" },
    { "keep_read_privilege", NULL, SCOPE_GLOBAL, OPTION_FLAG, IN_CONFIG(keep_read_privilege),
            .initial = "true",
            .meaning = "where `user` cannot read a file that root could at the start, one thread "
                       "keeps the privilege to read it at a reload; false: such a reload fails" },
    { "tls_watch_files", NULL, SCOPE_GLOBAL, OPTION_FLAG, .live = true, IN_CONFIG(tls_watch_files),
            .initial = "true", .meaning = "read the files of TLS again when they change on disk" },
    { "dhparamfile", NULL, SCOPE_GLOBAL, OPTION_IGNORED, OPTION_NO_EFFECT,
            .meaning = "Diffie-Hellman parameters", .reason = "none are needed" },

    /* Listeners. */
    { "listener", NULL, SCOPE_OPENED_LISTENER, OPTION_LISTENER, .live = true,
            .opens = SCOPE_LISTENER, .size = sizeof(struct config_listener), .min = 0,
            .max = UINT16_MAX,
            .meaning = "listen on a port, and maybe on one address only; or with 0 and a path on "
                       "a Unix socket" },
    { "port", NULL, SCOPE_DEFAULT_LISTENER, OPTION_NUMBER, .live = true, IN_LISTENER(settings.port),
            1, UINT16_MAX, .initial = "1883", .meaning = "the default listener's port" },
    { "bind_address", NULL, SCOPE_DEFAULT_LISTENER, OPTION_TEXT, .live = true, IN_LISTENER(address),
            .meaning = "the default listener's address" },
    { "bind_interface", NULL, SCOPE_LISTENER, OPTION_TEXT, IN_LISTENER(interface),
            .meaning = "listen on one interface only" },
    { "socket_domain", NULL, SCOPE_LISTENER, OPTION_WORD, IN_LISTENER(socket_domain),
            .choices = domains, .meaning = "IPv4 or IPv6 only" },
    { "protocol", NULL, SCOPE_LISTENER, OPTION_WORD, IN_LISTENER(protocol), .choices = protocols,
            .initial = "mqtt", .meaning = "what the port speaks" },
    { "accept_protocol_versions", NULL, SCOPE_OPENED_LISTENER, OPTION_VERSIONS, .live = true,
            IN_LISTENER(settings.protocol_versions), .initial = "3,4,5",
            .meaning = "3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0" },
    { "listener_allow_anonymous", NULL, SCOPE_OPENED_LISTENER, OPTION_FLAG, .live = true,
            IN_LISTENER(settings.allow_anonymous), .meaning = "allow_anonymous for this listener" },
    { "listener_password_file", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT, .live = true,
            .replaces = true, IN_LISTENER(password_file),
            .meaning = "password_file for this listener" },
    { "listener_psk_file", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(psk_file), .meaning = "psk_file for this listener" },
    { "listener_acl_file", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(acl_file), .meaning = "acl_file for this listener" },
    { "listener_allow_zero_length_clientid", NULL, SCOPE_OPENED_LISTENER, OPTION_FLAG, .live = true,
            IN_LISTENER(settings.allow_zero_length_clientid),
            .meaning = "allow_zero_length_clientid for this listener" },
    { "listener_auto_id_prefix", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT, .live = true,
            IN_LISTENER(settings.auto_id_prefix), .meaning = "auto_id_prefix for this listener" },
    { "max_connections", NULL, SCOPE_LISTENER, OPTION_NUMBER, .live = true,
            IN_LISTENER(settings.max_connections), -1, INT32_MAX, .clamp = CLAMP_LOW,
            .initial = "-1", .meaning = "connections of this listener; -1: no limit" },
    { "max_qos", "maximum_qos", SCOPE_LISTENER, OPTION_NUMBER, .live = true,
            IN_LISTENER(settings.max_qos), 0, 2, .initial = "2",
            .meaning = "the highest QoS accepted" },
    { "max_topic_alias", NULL, SCOPE_OPENED_LISTENER, OPTION_NUMBER, .live = true,
            IN_LISTENER(settings.max_topic_alias), 0, UINT16_MAX, .initial = "10",
            .meaning = "topic aliases that a client may set" },
    { "max_topic_alias_broker", NULL, SCOPE_OPENED_LISTENER, OPTION_NUMBER, .live = true,
            IN_LISTENER(settings.max_topic_alias_broker), 0, UINT16_MAX, .initial = "10",
            .meaning = "topic aliases that the server may set" },
    { "mount_point", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT, .replaces = true,
            IN_LISTENER(settings.mount_point),
            .meaning = "what stands before every topic of this listener's clients, which do not "
                       "see it and get nothing from outside; mostly it ends in /" },
    { "use_username_as_clientid", NULL, SCOPE_LISTENER, OPTION_FLAG,
            IN_LISTENER(settings.use_username_as_clientid), .initial = "false",
            .meaning = "the user name is the client id; who gives none is refused" },
    { "enable_proxy_protocol", NULL, SCOPE_OPENED_LISTENER, OPTION_NUMBER, .live = true,
            IN_LISTENER(proxy_protocol), 1, 2,
            .meaning = "a proxy in front tells who the client is, in this version of the PROXY "
                       "protocol; let nobody else reach the port" },
    { "proxy_protocol_v2_require_tls", NULL, SCOPE_OPENED_LISTENER, OPTION_FLAG, .live = true,
            IN_LISTENER(proxy_requires_tls), .initial = "false",
            .meaning = "refuse clients that reached the proxy without TLS" },
    { "trusted_proxies", NULL, SCOPE_OPENED_LISTENER, OPTION_NETWORKS, .live = true,
            IN_LISTENER(trusted_proxies),
            .meaning = "the proxies whose word counts: of a PROXY header, where nobody else is let "
                       "in then, or of a WebSocket's X-Forwarded-For, which is not read without" },
    { "allow_address", NULL, SCOPE_OPENED_LISTENER, OPTION_NETWORKS, .live = true,
            IN_LISTENER(allowed), .meaning = "who may use the listener; without it, everyone may" },
    { "sn_draft_2_0", NULL, SCOPE_OPENED_LISTENER, OPTION_FLAG, .live = true, IN_LISTENER(sn_draft),
            .initial = "false",
            .meaning = "devices may speak MQTT-SN 2.0 as well, which is a draft: it may change, "
                       "and this with it" },
    { "sn_multicast", NULL, SCOPE_OPENED_LISTENER, OPTION_NETWORKS, IN_LISTENER(sn_multicast),
            .meaning =
                    "groups, one of IPv4, one of IPv6 or both, where devices of MQTT-SN are told "
                    "of this gateway and may look for it" },
    { "sn_multicast_hops", NULL, SCOPE_OPENED_LISTENER, OPTION_NUMBER,
            IN_LISTENER(sn_multicast_hops), 1, UINT8_MAX, .initial = "1",
            .meaning = "how many hops far what is sent to them goes; 1: no router passes it on" },
    { "sn_multicast_interface", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT,
            IN_LISTENER(sn_multicast_interface),
            .meaning = "the network interface of these groups; without it that of bind_interface, "
                       "or the system's choice" },
    { "deny_address", NULL, SCOPE_OPENED_LISTENER, OPTION_NETWORKS, .live = true,
            IN_LISTENER(denied), .meaning = "who may not, even where allow_address names it" },
    { "http_dir", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT, OPTION_NOT_YET,
            .meaning = "files to serve", .reason = no_files },
    { "websockets_compression", NULL, SCOPE_OPENED_LISTENER, OPTION_FLAG, .live = true,
            IN_LISTENER(websockets_compression), .initial = "false",
            .meaning = "compress messages (permessage-deflate) for clients that offer it" },
    { "websockets_origin", NULL, SCOPE_OPENED_LISTENER, OPTION_LIST, .live = true,
            IN_LISTENER(websockets_origins),
            .meaning = "an Origin whose pages may open WebSockets, as https://example.org; one "
                       "line for each; without any, all may" },
    { "websockets_path", NULL, SCOPE_OPENED_LISTENER, OPTION_TEXT, .live = true,
            IN_LISTENER(websockets_path),
            .meaning = "the only path that WebSockets are opened at, as /mqtt; without it, all "
                       "are" },

    /* TLS of listeners. */
    { "certfile", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(tls.certfile),
            .meaning = "the server's certificate and those that lead to its root; with keyfile, "
                       "the listener speaks TLS" },
    { "keyfile", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(tls.keyfile), .meaning = "the server's key, without a passphrase" },
    { "cafile", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(tls.cafile), .meaning = "who may sign clients' certificates" },
    { "capath", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(tls.capath), .meaning = "the same, a directory" },
    { "crlfile", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(tls.crlfile), .meaning = "clients' certificates that are revoked" },
    { "require_certificate", NULL, SCOPE_LISTENER, OPTION_FLAG, .live = true,
            IN_LISTENER(tls.require_certificate), .initial = "false",
            .meaning = "clients must show a certificate; otherwise none is asked for" },
    { "use_identity_as_username", NULL, SCOPE_LISTENER, OPTION_FLAG, .live = true,
            IN_LISTENER(tls.use_identity_as_username), .initial = "false",
            .meaning = "the certificate's common name, or the identity of the pre-shared key, is "
                       "the user name, and no password is looked at" },
    { "use_subject_as_username", NULL, SCOPE_LISTENER, OPTION_FLAG, .live = true,
            IN_LISTENER(tls.use_subject_as_username), .initial = "false",
            .meaning = "the same with the certificate's whole subject, as CN=x,O=y" },
    { "psk_hint", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, IN_LISTENER(tls.psk_hint),
            .meaning = "TLS by the pre-shared keys of psk_file in the place of certificates; the "
                       "text is told to clients of TLS 1.2" },
    { "ocsp_file", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(tls.ocsp_file),
            .meaning = "the authority's word that certfile is good, an OCSP response in DER, for "
                       "clients that ask (stapling)" },
    { "sni_certificate", NULL, SCOPE_LISTENER, OPTION_LIST, .live = true, IN_LISTENER(tls.named),
            .min = 2,
            .meaning = "a further certificate and its key, two paths, for clients that ask for a "
                       "name that it has; one line for each" },
    { "disable_client_cert_date_checks", NULL, SCOPE_OPENED_LISTENER, OPTION_FLAG, .live = true,
            IN_LISTENER(tls.disable_client_cert_date_checks), .initial = "false",
            .meaning = "accept clients' expired certificates" },
    { "ciphers", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(tls.ciphers), .initial = CONFIG_CIPHERS,
            .meaning = "ciphers of TLS 1.2, as OpenSSL names them" },
    { "ciphers_tls1.3", NULL, SCOPE_LISTENER, OPTION_TEXT, .live = true, .replaces = true,
            IN_LISTENER(tls.suites), .meaning = "suites of TLS 1.3; otherwise OpenSSL's" },
    { "tls_version", NULL, SCOPE_OPENED_LISTENER, OPTION_WORD, .live = true,
            IN_LISTENER(tls.version_min), .choices = tls_versions, .initial = "tlsv1.2",
            .meaning = "the lowest version of TLS" },
    { "tls_engine", NULL, SCOPE_LISTENER, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the OpenSSL engine that has the key", .reason = no_engine },
    { "tls_engine_kpass_sha1", NULL, SCOPE_LISTENER, OPTION_TEXT, OPTION_REFUSED, .replaces = true,
            .secret = true, .meaning = "the engine's password, hashed", .reason = no_engine },
    { "tls_keyform", NULL, SCOPE_LISTENER, OPTION_WORD, .live = true, IN_LISTENER(tls.key_form),
            .choices = key_forms, .initial = "pem", .meaning = "where the key is" },

    /* Bridges: the reason is told once, for `connection`. */
    { "connection", NULL, SCOPE_GLOBAL, OPTION_TEXT, OPTION_REFUSED, SCOPE_BRIDGE, .replaces = true,
            .meaning = "start a bridge of this name", .reason = no_bridge },
    { "addresses", "address", SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the other servers, host:port", .reason = no_bridge },
    { "topic", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED, .replaces = true,
            .meaning = "what passes: pattern, direction, QoS, local and remote prefix",
            .reason = no_bridge },
    { "bridge_protocol_version", NULL, SCOPE_BRIDGE, OPTION_WORD, OPTION_REFUSED,
            .choices = bridge_versions, .initial = "mqttv311",
            .meaning = "what to speak to the other server", .reason = no_bridge },
    { "bridge_attempt_unsubscribe", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED,
            .initial = "true", .meaning = "unsubscribe there from what does not come in",
            .reason = no_bridge },
    { "bridge_bind_address", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the local address to connect from", .reason = no_bridge },
    { "bridge_max_packet_size", NULL, SCOPE_BRIDGE, OPTION_NUMBER, OPTION_REFUSED, .max = INT32_MAX,
            .clamp = CLAMP_LOW, .initial = "0",
            .meaning = "bytes of a packet to the other server; 0: no limit", .reason = no_bridge },
    { "bridge_max_topic_alias", NULL, SCOPE_BRIDGE, OPTION_NUMBER, OPTION_REFUSED,
            .max = UINT16_MAX, .initial = "10", .meaning = "topic aliases that may be set",
            .reason = no_bridge },
    { "bridge_receive_maximum", NULL, SCOPE_BRIDGE, OPTION_NUMBER, OPTION_REFUSED, .min = 1,
            .max = UINT16_MAX,
            .meaning = "QoS 1 and 2 messages open at a time; otherwise "
                       "max_inflight_messages",
            .reason = no_bridge },
    { "bridge_session_expiry_interval", NULL, SCOPE_BRIDGE, OPTION_NUMBER, OPTION_REFUSED,
            .max = INT32_MAX, .initial = "0", .meaning = "seconds that the session is kept there",
            .reason = no_bridge },
    { "bridge_outgoing_retain", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED, .initial = "true",
            .meaning = "keep the retain flag of what goes out", .reason = no_bridge },
    { "bridge_reload_type", NULL, SCOPE_BRIDGE, OPTION_WORD, OPTION_REFUSED,
            .choices = reload_types, .initial = "lazy", .meaning = "when a reload takes effect",
            .reason = no_bridge },
    { "bridge_tcp_keepalive", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED, .replaces = true,
            .meaning = "seconds idle, seconds between probes, probes", .reason = no_bridge },
    { "bridge_tcp_user_timeout", NULL, SCOPE_BRIDGE, OPTION_NUMBER, OPTION_REFUSED,
            .max = INT32_MAX, .meaning = "milliseconds without acknowledgement",
            .reason = no_bridge },
    { "cleansession", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED, .initial = "false",
            .meaning = "a clean session there", .reason = no_bridge },
    { "local_cleansession", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED,
            .meaning = "a clean session here; otherwise as cleansession", .reason = no_bridge },
    { "keepalive_interval", NULL, SCOPE_BRIDGE, OPTION_NUMBER, OPTION_REFUSED, .min = 5,
            .max = UINT16_MAX, .clamp = CLAMP_LOW, .initial = "60", .meaning = "seconds",
            .reason = no_bridge },
    { "idle_timeout", NULL, SCOPE_BRIDGE, OPTION_NUMBER, OPTION_REFUSED, .min = 1, .max = INT32_MAX,
            .clamp = CLAMP_LOW, .initial = "60",
            .meaning = "seconds after which an idle lazy bridge ends", .reason = no_bridge },
    { "threshold", NULL, SCOPE_BRIDGE, OPTION_NUMBER, OPTION_REFUSED, .min = 1, .max = INT32_MAX,
            .clamp = CLAMP_LOW, .initial = "10",
            .meaning = "queued messages that start a lazy bridge", .reason = no_bridge },
    { "start_type", NULL, SCOPE_BRIDGE, OPTION_WORD, OPTION_REFUSED, .choices = start_types,
            .initial = "automatic", .meaning = "when the bridge starts", .reason = no_bridge },
    { "restart_timeout", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED, .replaces = true,
            .initial = "5 30", .meaning = "seconds before connecting again: one, or least and most",
            .reason = no_bridge },
    { "round_robin", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED, .initial = "false",
            .meaning = "take the addresses in turn", .reason = no_bridge },
    { "try_private", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED, .initial = "true",
            .meaning = "tell the other server that this is a bridge", .reason = no_bridge },
    { "notifications", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED, .initial = "true",
            .meaning = "publish whether the bridge is connected", .reason = no_bridge },
    { "notifications_local_only", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED,
            .initial = "false", .meaning = "publish that here only", .reason = no_bridge },
    { "notification_topic", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "where to publish that", .reason = no_bridge },
    { "remote_clientid", "clientid", SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the client id there", .reason = no_bridge },
    { "remote_username", "username", SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the user name there", .reason = no_bridge },
    { "remote_password", "password", SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED, .secret = true,
            .meaning = "the password there", .reason = no_bridge },
    { "local_clientid", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the client id here", .reason = no_bridge },
    { "local_username", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the user name here", .reason = no_bridge },
    { "local_password", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED, .secret = true,
            .meaning = "the password here", .reason = no_bridge },
    { "bridge_cafile", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "who may sign the other server's certificate", .reason = no_bridge },
    { "bridge_capath", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the same, a directory", .reason = no_bridge },
    { "bridge_certfile", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the certificate to show", .reason = no_bridge },
    { "bridge_keyfile", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED, .replaces = true,
            .meaning = "its key", .reason = no_bridge },
    { "bridge_tls_use_os_certs", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED,
            .initial = "false", .meaning = "trust whom the system trusts", .reason = no_bridge },
    { "bridge_tls_version", NULL, SCOPE_BRIDGE, OPTION_WORD, OPTION_REFUSED,
            .choices = tls_versions, .meaning = "the lowest version of TLS", .reason = no_bridge },
    { "bridge_ciphers", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "ciphers up to TLS 1.2", .reason = no_bridge },
    { "bridge_ciphers_tls1.3", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "suites of TLS 1.3", .reason = no_bridge },
    { "bridge_alpn", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the ALPN protocol", .reason = no_bridge },
    { "bridge_insecure", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED, .initial = "false",
            .meaning = "do not check the host's name", .reason = no_bridge },
    { "bridge_require_ocsp", NULL, SCOPE_BRIDGE, OPTION_FLAG, OPTION_REFUSED, .initial = "false",
            .meaning = "demand a stapled OCSP answer", .reason = no_bridge },
    { "bridge_identity", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED,
            .meaning = "the identity of a pre-shared key", .reason = no_bridge },
    { "bridge_psk", NULL, SCOPE_BRIDGE, OPTION_TEXT, OPTION_REFUSED, .secret = true,
            .meaning = "the pre-shared key", .reason = no_bridge },
};

const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

static_assert(sizeof(option_table) / sizeof(option_table[0]) <= OPTION_MAX, "raise OPTION_MAX");

bool option_is_of_listener(const struct option *option)
{
    return option->scope == SCOPE_LISTENER || option->scope == SCOPE_OPENED_LISTENER ||
            option->scope == SCOPE_DEFAULT_LISTENER;
}

bool option_adds_up(const struct option *option)
{
    return option->type == OPTION_WORDS || option->type == OPTION_LOG_DEST ||
            option->type == OPTION_LIST || option->type == OPTION_LINES ||
            option->type == OPTION_NETWORKS || option->type == OPTION_INCLUDE;
}

const char *option_effect(const struct option *option)
{
    switch (option->status) {
    case OPTION_HONOURED:
        return option->live ? "live" : "restart";
    case OPTION_NOT_YET:
        return "not there yet";
    case OPTION_NO_EFFECT:
        return "no effect";
    case OPTION_REFUSED:
        return "refused";
    }
    return "";
}

static bool names(const char *pattern, struct bytes name)
{
    struct bytes known = bytes_of_text(pattern);

    if (known.size > 0 && known.data[known.size - 1] == '*')
        return bytes_start_with(name, bytes_first(known, known.size - 1));
    return bytes_equal(known, name);
}

const struct option *option_find(struct bytes name)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (names(option->name, name) || (option->alias && names(option->alias, name)))
            return option;
    }
    return NULL;
}

const char *option_nearest(struct bytes name)
{
    struct nearest nearest = nearest_to(name);

    for (size_t i = 0; i < option_count; i++) {
        nearest_offer(&nearest, option_table[i].name);
        nearest_offer(&nearest, option_table[i].alias);
    }
    return nearest.name;
}
