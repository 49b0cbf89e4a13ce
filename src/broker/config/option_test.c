/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/option.h"
#include "broker/config/fixture.h"
#include "broker/config/mosquitto.h"
#include "broker/config/value.h"
#include "tests/harness/test.h"

/* Every key that a mosquitto.conf can have, with the aliases. */
static const char *const spelt_keys[] = {
    "acl_file",
    "allow_anonymous",
    "allow_duplicate_messages",
    "allow_zero_length_clientid",
    "auth_plugin_deny_special_chars",
    "auth_plugin",
    "auth_opt_file",
    "auto_id_prefix",
    "autosave_interval",
    "autosave_on_changes",
    "check_retain_source",
    "clientid_prefixes",
    "connection_messages",
    "enable_control_api",
    "global_max_clients",
    "global_max_connections",
    "global_plugin",
    "plugin",
    "plugin_load",
    "plugin_use",
    "plugin_opt_file",
    "include_dir",
    "log_dest",
    "log_facility",
    "log_timestamp",
    "log_timestamp_format",
    "log_type",
    "max_inflight_bytes",
    "max_inflight_messages",
    "max_keepalive",
    "max_packet_size",
    "max_queued_bytes",
    "max_queued_messages",
    "memory_limit",
    "message_size_limit",
    "password_file",
    "per_listener_settings",
    "persistence",
    "retained_persistence",
    "persistence_file",
    "persistence_location",
    "persistent_client_expiration",
    "pid_file",
    "psk_file",
    "queue_qos0_messages",
    "retain_available",
    "retain_expiry_interval",
    "set_tcp_nodelay",
    "sys_interval",
    "upgrade_outgoing_qos",
    "user",
    "websockets_log_level",
    "packet_buffer_size",
    "websockets_headers_size",
    "retry_interval",
    "dhparamfile",
    /* listeners */
    "listener",
    "port",
    "bind_address",
    "bind_interface",
    "socket_domain",
    "protocol",
    "accept_protocol_versions",
    "http_dir",
    "websockets_origin",
    "enable_proxy_protocol",
    "proxy_protocol_v2_require_tls",
    "listener_allow_anonymous",
    "listener_auto_id_prefix",
    "max_connections",
    "max_qos",
    "maximum_qos",
    "max_topic_alias",
    "max_topic_alias_broker",
    "mount_point",
    "use_username_as_clientid",
    "certfile",
    "keyfile",
    "cafile",
    "capath",
    "require_certificate",
    "use_identity_as_username",
    "use_subject_as_username",
    "crlfile",
    "disable_client_cert_date_checks",
    "ciphers",
    "ciphers_tls1.3",
    "tls_version",
    "tls_engine",
    "tls_engine_kpass_sha1",
    "tls_keyform",
    "psk_hint",
    /* bridges */
    "connection",
    "address",
    "addresses",
    "topic",
    "bridge_protocol_version",
    "bridge_attempt_unsubscribe",
    "bridge_bind_address",
    "bridge_max_packet_size",
    "bridge_max_topic_alias",
    "bridge_receive_maximum",
    "bridge_session_expiry_interval",
    "bridge_outgoing_retain",
    "bridge_reload_type",
    "bridge_tcp_keepalive",
    "bridge_tcp_user_timeout",
    "cleansession",
    "local_cleansession",
    "keepalive_interval",
    "idle_timeout",
    "threshold",
    "start_type",
    "restart_timeout",
    "round_robin",
    "try_private",
    "notifications",
    "notifications_local_only",
    "notification_topic",
    "remote_clientid",
    "clientid",
    "remote_username",
    "username",
    "remote_password",
    "password",
    "local_clientid",
    "local_username",
    "local_password",
    "bridge_cafile",
    "bridge_capath",
    "bridge_certfile",
    "bridge_keyfile",
    "bridge_tls_use_os_certs",
    "bridge_tls_version",
    "bridge_ciphers",
    "bridge_ciphers_tls1.3",
    "bridge_alpn",
    "bridge_insecure",
    "bridge_require_ocsp",
    "bridge_identity",
    "bridge_psk",
};

static const char *const own_keys[] = {
    "acl_check_subscribe",
    "listener_acl_file",
    "listener_password_file",
    "keep_read_privilege",
    "listener_allow_zero_length_clientid",
    "listener_psk_file",
    "ocsp_file",
    "sni_certificate",
    "tls_watch_files",
    "threads",
    "log_format",
    "queue_full_policy",
    "max_qos0_backlog_bytes",
    "topic_levels_max",
    "subscriptions_max",
    "sessions_per_user_max",
    "retained_max",
    "connect_timeout",
    "user_properties_max",
    "receive_maximum",
    "strict_text",
    "max_connect_size",
    "topic_size_max",
    "client_memory_max",
    "packet_rate_max",
    "byte_rate_max",
    "flapping_max",
    "flapping_window",
    "id_fight_max",
};

static void expect_known(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!option_find(bytes_of_text(names[i])))
            fail_msg("%s is not in the option table", names[i]);
    }
}

static bool is_mosquittos(const struct option *option)
{
    for (size_t i = 0; i < mosquitto_key_count; i++) {
        if (strcmp(mosquitto_keys[i].name, option->name) == 0)
            return true;
    }
    return false;
}

TEST(every_key_of_mosquitto_is_known)
{
    expect_known(spelt_keys, sizeof(spelt_keys) / sizeof(spelt_keys[0]));
    for (size_t i = 0; i < sizeof(spelt_keys) / sizeof(spelt_keys[0]); i++) {
        if (!is_mosquittos(option_find(bytes_of_text(spelt_keys[i]))))
            fail_msg("%s is not among Mosquitto's keys", spelt_keys[i]);
    }
}

TEST(each_of_mosquittos_keys_is_listed_once_by_its_rows_name)
{
    for (size_t i = 0; i < mosquitto_key_count; i++) {
        const struct mosquitto_key *key = &mosquitto_keys[i];
        const struct option *option = option_find(bytes_of_text(key->name));

        assert_non_null(option);
        assert_string_equal(option->name, key->name);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(mosquitto_keys[j].name, key->name);
    }
}

TEST(every_key_of_our_own_is_known)
{
    expect_known(own_keys, sizeof(own_keys) / sizeof(own_keys[0]));
    for (size_t i = 0; i < sizeof(own_keys) / sizeof(own_keys[0]); i++)
        assert_false(is_mosquittos(option_find(bytes_of_text(own_keys[i]))));
}

TEST(each_row_is_found_by_its_own_name_and_alias)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        assert_ptr_equal(option_find(bytes_of_text(option->name)), option);
        if (option->alias)
            assert_ptr_equal(option_find(bytes_of_text(option->alias)), option);
    }
}

TEST(each_row_says_what_it_means_and_why_it_does_nothing)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        assert_non_null(option->meaning);
        assert_true((option->status == OPTION_HONOURED) == (option->reason == NULL));
        /* What is honoured is kept somewhere; what is not has nowhere to lie. */
        if (option->type != OPTION_INCLUDE)
            assert_true((option->status == OPTION_HONOURED) == (option->size > 0));
    }
}

static bool has_choices(const struct option *option)
{
    return option->type == OPTION_WORD || option->type == OPTION_WORDS ||
            option->type == OPTION_LOG_DEST || option->type == OPTION_DURABILITY;
}

TEST(each_row_has_what_its_type_needs)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        assert_true(has_choices(option) == (option->choices != NULL));
        if (option->type == OPTION_NUMBER)
            assert_true(option->min < option->max);
        if (option->per_listener)
            assert_non_null(option_find(bytes_of_text(option->per_listener)));
        for (const struct option_choice *choice = option->choices; choice && choice->name; choice++)
            assert_true((choice->status == OPTION_HONOURED) == (choice->reason == NULL));
    }
}

TEST(each_default_is_a_value_that_is_allowed)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];
        static uint64_t field[sizeof(struct config_listener) / sizeof(uint64_t) + 1];

        assert_true(option->size <= sizeof(field));
        value_reset(option, field);
    }
}

TEST(the_table_and_core_agree_on_the_defaults)
{
    static struct fixture fixture;
    struct core_settings settings;

    memset(&settings, 0, sizeof(settings));
    core_settings_init(&settings);
    assert_int_equal(fixture_load(&fixture, "listener 1883\nallow_anonymous true\n"), 0);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];
        size_t start = offsetof(struct config, core);

        if (option->scope == SCOPE_GLOBAL && option->size > 0 && option->offset >= start &&
                option->offset < start + sizeof(settings))
            assert_memory_equal((char *)&settings + (option->offset - start),
                    (char *)fixture.config + option->offset, option->size);
    }
    fixture_end(&fixture);
}

TEST(the_table_and_core_agree_on_a_listeners_defaults)
{
    static struct fixture fixture;
    struct listener_settings settings;

    listener_settings_init(&settings);
    assert_int_equal(fixture_load(&fixture, "listener 1883\n"), 0);
    assert_int_equal(fixture.config->listeners[0].settings.max_qos, settings.max_qos);
    assert_int_equal(
            fixture.config->listeners[0].settings.max_connections, settings.max_connections);
    assert_int_equal(
            fixture.config->listeners[0].settings.max_topic_alias, settings.max_topic_alias);
    assert_int_equal(fixture.config->listeners[0].settings.max_topic_alias_broker,
            settings.max_topic_alias_broker);
    assert_int_equal(
            fixture.config->listeners[0].settings.protocol_versions, settings.protocol_versions);
    assert_int_equal(fixture.config->listeners[0].settings.allow_zero_length_clientid,
            settings.allow_zero_length_clientid);
    assert_string_equal(
            fixture.config->listeners[0].settings.auto_id_prefix, settings.auto_id_prefix);
    fixture_end(&fixture);
}

TEST(a_star_stands_for_the_rest_of_a_key)
{
    assert_string_equal(option_find(BYTES("plugin_opt_db_file"))->name, "plugin_opt_*");
    assert_string_equal(option_find(BYTES("auth_opt_x"))->name, "auth_opt_*");
    assert_null(option_find(BYTES("auth_op")));
}

TEST(a_slip_of_the_pen_is_near_the_key_that_was_meant)
{
    assert_string_equal(option_nearest(BYTES("max_conections")), "max_connections");
    assert_string_equal(option_nearest(BYTES("allow_anonymus")), "allow_anonymous");
    assert_string_equal(option_nearest(BYTES("persistance")), "persistence");
    assert_string_equal(option_nearest(BYTES("Listener")), "listener");
    assert_string_equal(option_nearest(BYTES("maximum_qs")), "maximum_qos");
}

TEST(what_is_nothing_like_a_key_is_near_none)
{
    assert_null(option_nearest(BYTES("x")));
    assert_null(option_nearest(BYTES("completely_different")));
    assert_null(option_nearest(BYTES("")));
    assert_null(option_nearest(
            BYTES("a_name_that_is_much_longer_than_any_key_of_the_table_could_ever_be")));
}
