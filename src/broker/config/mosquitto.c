/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/mosquitto.h"

#include <stdio.h>
#include <string.h>

#include "broker/config/config.h"
#include "broker/config/page.h"

const struct mosquitto_key mosquitto_keys[] = {
    { "acl_file",
            "a name with `/` in it is not put into a pattern that grants "
            "([24](decisions/0024-names-in-access-rules.md)), and a file that cannot be used "
            "keeps a reload from changing anything" },
    { "allow_anonymous", NULL },
    { "allow_duplicate_messages", NULL },
    { "allow_zero_length_clientid",
            "with `use_username_as_clientid` nobody needs an id of his own" },
    { "auto_id_prefix", "22 digits and letters follow it, not a UUID" },
    { "autosave_interval", NULL },
    { "autosave_on_changes", NULL },
    { "check_retain_source",
            "it is true where it is not set, as Mosquitto's manual says; its code has false there "
            "([36](decisions/0036-whose-retained-messages.md))" },
    { "clientid_prefixes",
            "where `use_username_as_clientid` makes the user name the id, it is the name that has "
            "to start so, not what CONNECT has for an id" },
    { "connection_messages", NULL },
    { "enable_control_api", NULL },
    { "global_max_clients", NULL },
    { "global_max_connections", NULL },
    { "include_dir", NULL },
    { "log_dest", "`dlt` and `android` have no effect, with a warning" },
    { "log_facility", NULL },
    { "log_timestamp",
            "the time is as in RFC 3339, not in seconds since 1970, unless "
            "`log_format mosquitto` is set" },
    { "log_timestamp_format", "it is not for `log_format json`" },
    { "log_type", "`internal` and `websockets` have no effect, with a warning" },
    { "max_inflight_bytes", "it also holds for what has waited for an absent client" },
    { "max_inflight_messages",
            "it is not told to 5.0 clients as Receive Maximum; `receive_maximum` is" },
    { "max_keepalive", NULL },
    { "max_packet_size", NULL },
    { "max_queued_bytes",
            "`queue_full_policy` says what becomes of the message, and a 5.0 publisher is told" },
    { "max_queued_messages",
            "`queue_full_policy` says what becomes of the message, and a 5.0 publisher is told" },
    { "memory_limit",
            "it is about clients and messages, not the whole heap; what would pass it is "
            "refused and the server goes on" },
    { "message_size_limit", "a 5.0 publisher is told 0x97, not 0x95" },
    { "password_file",
            "a file that cannot be used keeps a reload from changing anything; hashes "
            "of today's cost are checked beside the clients' threads" },
    { "per_listener_settings",
            "`psk_file` and `acl_file` can be given per listener without it, "
            "as `listener_psk_file` and so on" },
    { "persistence",
            "it is true where it is not set, and means more than a file that is saved now and "
            "then: what is acknowledged is on disk ([durability.md](durability.md))" },
    { "persistence_file", NULL },
    { "persistence_location",
            "it is made where it is not there, and where it is not set the place is another one "
            "([50](decisions/0050-durable-without-a-setting.md))" },
    { "persistent_client_expiration", "it is the limit for the sessions of 5.0 clients too" },
    { "pid_file", "it is written without `-d` too, and not through a link" },
    { "psk_file", NULL },
    { "queue_qos0_messages", "QoS 0 messages that are kept take no place in the window" },
    { "retain_available", NULL },
    { "retain_expiry_interval", NULL },
    { "set_tcp_nodelay", NULL },
    { "sys_interval", NULL },
    { "upgrade_outgoing_qos", NULL },
    { "user",
            "one thread may keep the privilege to read files (`keep_read_privilege`), so that "
            "a reload can read what only root may" },
    { "websockets_log_level", NULL },
    { "packet_buffer_size", "it is about the head of a WebSocket's request only" },
    { "retry_interval", NULL },
    { "dhparamfile", NULL },

    { "listener",
            "the path of a Unix socket is absolute, and a reload opens new ones and closes "
            "those that are gone" },
    { "port", NULL },
    { "bind_address", NULL },
    { "bind_interface", NULL },
    { "socket_domain", NULL },
    { "protocol", "`http_api` is refused" },
    { "accept_protocol_versions", "a word that is no version is told" },
    { "http_dir", NULL },
    { "websockets_origin", NULL },
    { "enable_proxy_protocol", NULL },
    { "proxy_protocol_v2_require_tls", NULL },
    { "listener_allow_anonymous", NULL },
    { "listener_auto_id_prefix", NULL },
    { "max_connections",
            "0 lets nobody in, with a warning, and there everybody; "
            "2.0.11 lets in more than that" },
    { "max_qos", NULL },
    { "max_topic_alias", NULL },
    { "max_topic_alias_broker", NULL },
    { "mount_point",
            "2.0.11 leaves it on what it delivers; and see "
            "[35](decisions/0035-mount-points.md)" },
    { "use_username_as_clientid",
            "the name must be the one that was proved, and an empty one is "
            "none" },
    { "certfile", NULL },
    { "keyfile", NULL },
    { "cafile", "it is refused without `certfile`, where it would do nothing" },
    { "capath", "it is refused without `certfile`, where it would do nothing" },
    { "require_certificate", "it is refused without `certfile` and without `cafile` or `capath`" },
    { "use_identity_as_username",
            "it is refused where there is neither a certificate nor a key to "
            "take the name from" },
    { "use_subject_as_username", "it is refused without `certfile`" },
    { "crlfile", NULL },
    { "disable_client_cert_date_checks", NULL },
    { "ciphers",
            "where it is not set, all are with forward secrecy and authenticated "
            "([22](decisions/0022-tls-of-today.md))" },
    { "ciphers_tls1.3", NULL },
    { "tls_version",
            "there is nothing below TLS 1.2, and a second word, which stops 2.0.11, "
            "is passed over with a warning" },
    { "tls_engine", NULL },
    { "tls_engine_kpass_sha1", NULL },
    { "tls_keyform", "`engine` is refused" },
    { "psk_hint", NULL },

    { "connection", NULL },
    { "addresses", NULL },
    { "topic", NULL },
    { "bridge_protocol_version", NULL },
    { "bridge_attempt_unsubscribe", NULL },
    { "bridge_bind_address", NULL },
    { "bridge_max_packet_size", NULL },
    { "bridge_max_topic_alias", NULL },
    { "bridge_receive_maximum", NULL },
    { "bridge_session_expiry_interval", NULL },
    { "bridge_outgoing_retain", NULL },
    { "bridge_reload_type", NULL },
    { "bridge_tcp_keepalive", NULL },
    { "bridge_tcp_user_timeout", NULL },
    { "cleansession", NULL },
    { "local_cleansession", NULL },
    { "keepalive_interval", NULL },
    { "idle_timeout", NULL },
    { "threshold", NULL },
    { "start_type", NULL },
    { "restart_timeout", NULL },
    { "round_robin", NULL },
    { "try_private", NULL },
    { "notifications", NULL },
    { "notifications_local_only", NULL },
    { "notification_topic", NULL },
    { "remote_clientid", NULL },
    { "remote_username", NULL },
    { "remote_password", "one that starts with `file:` names a file that has it" },
    { "local_clientid", NULL },
    { "local_username", NULL },
    { "local_password", "one that starts with `file:` names a file that has it" },
    { "bridge_cafile", NULL },
    { "bridge_capath", NULL },
    { "bridge_certfile", NULL },
    { "bridge_keyfile", NULL },
    { "bridge_tls_use_os_certs", NULL },
    { "bridge_tls_version", NULL },
    { "bridge_ciphers", NULL },
    { "bridge_ciphers_tls1.3", NULL },
    { "bridge_alpn", NULL },
    { "bridge_insecure", NULL },
    { "bridge_require_ocsp", NULL },
    { "bridge_identity", NULL },
    { "bridge_psk", NULL },

    { "plugin", NULL },
    { "auth_plugin", NULL },
    { "global_plugin", NULL },
    { "plugin_load", NULL },
    { "plugin_use", NULL },
    { "plugin_opt_*", NULL },
    { "auth_opt_*", NULL },
    { "auth_plugin_deny_special_chars", NULL },
};

const size_t mosquitto_key_count = sizeof(mosquitto_keys) / sizeof(mosquitto_keys[0]);

/* What becomes of the key. Where many share a reason, the first of them says it. */
static void print_fate(
        const struct option *option, const struct mosquitto_key *key, const char *before, FILE *out)
{
    switch (option->status) {
    case OPTION_HONOURED:
        fprintf(out, "the same%s%s", key->differs ? ", but " : "",
                key->differs ? key->differs : "");
        return;
    case OPTION_NOT_YET:
        fprintf(out, "**no effect yet**, with a warning");
        break;
    case OPTION_NO_EFFECT:
        fprintf(out, "**no effect**, with a warning");
        break;
    case OPTION_REFUSED:
        fprintf(out, "**refused**");
        break;
    }
    if (option->reason != before)
        fprintf(out, ": %s", option->reason);
}

static void print_section(const struct page_section *section, FILE *out)
{
    const char *reason = NULL;

    fprintf(out, "\n### %s\n\n| key | here | reload |\n|---|---|---|\n", section->title);
    for (size_t i = 0; i < mosquitto_key_count; i++) {
        const struct option *option = option_find(bytes_of_text(mosquitto_keys[i].name));

        if (!section->has(option))
            continue;
        fprintf(out, "| `%s`", option->name);
        if (option->alias)
            fprintf(out, ", `%s`", option->alias);
        fprintf(out, " | ");
        print_fate(option, &mosquitto_keys[i], reason, out);
        reason = option->reason;
        fprintf(out, " | %s |\n", option->status == OPTION_HONOURED ? option_effect(option) : "");
    }
}

static bool is_ours(const struct option *option)
{
    for (size_t i = 0; i < mosquitto_key_count; i++) {
        if (strcmp(mosquitto_keys[i].name, option->name) == 0)
            return false;
    }
    return true;
}

static void print_ours(FILE *out)
{
    const char *between = "\n";

    fprintf(out,
            "\n### Ours alone\n\nMosquitto does not know these; "
            "[options.md](options.md) explains them.\n");
    for (size_t i = 0; i < option_count; i++) {
        if (!is_ours(&option_table[i]))
            continue;
        fprintf(out, "%s`%s`", between, option_table[i].name);
        between = ",\n";
    }
    fprintf(out, ".\n");
}

void config_mosquitto_print(FILE *out)
{
    for (size_t i = 0; i < PAGE_SECTIONS; i++)
        print_section(&page_sections[i], out);
    print_ours(out);
}
