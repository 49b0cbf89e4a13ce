/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/value.h"
#include "broker/config/config.h"
#include "tests/harness/test.h"

static const struct report_origin here = { "conf", 7 };

/* A field of each size, read as the named option would. */
struct sample {
    struct config config;
    struct config_listener listener;
    struct report report;
    char told[REPORT_TEXT_MAX + 1];
};

static void tell(void *context, enum report_severity severity, const char *text)
{
    struct sample *sample = context;

    (void)severity;
    snprintf(sample->told, sizeof(sample->told), "%s", text);
}

static bool read_as(struct sample *sample, const char *name, const char *text)
{
    const struct option *option = option_find(bytes_of_text(name));
    void *base =
            option_is_of_listener(option) ? (void *)&sample->listener : (void *)&sample->config;

    sample->report = (struct report){ .tell = tell, .context = sample };
    sample->told[0] = '\0';
    return value_read(
            option, bytes_of_text(text), (char *)base + option->offset, &sample->report, here);
}

static void refuse(struct sample *sample, const char *name, const char *text, const char *told)
{
    assert_false(read_as(sample, name, text));
    assert_int_equal(sample->report.errors, 1);
    assert_string_equal(sample->told, told);
}

static void accept(struct sample *sample, const char *name, const char *text)
{
    assert_true(read_as(sample, name, text));
    assert_int_equal(sample->report.errors + sample->report.warnings, 0);
}

static void accept_with_warning(
        struct sample *sample, const char *name, const char *text, const char *told)
{
    assert_true(read_as(sample, name, text));
    assert_int_equal(sample->report.warnings, 1);
    assert_string_equal(sample->told, told);
}

/* What the field holds, as text. */
static void expect(const struct sample *sample, const char *name, const char *text)
{
    const struct option *option = option_find(bytes_of_text(name));
    const void *base = option_is_of_listener(option) ? (const void *)&sample->listener
                                                     : (const void *)&sample->config;
    char value[256];

    value_write(option, (const char *)base + option->offset, value, sizeof(value));
    assert_string_equal(value, text);
}

/* Reads a line of a list of networks into `list`, which may have some already. */
static bool read_networks(struct sample *sample, struct network_list *list, const char *text)
{
    static const struct option option = {
        .name = "nets", .type = OPTION_NETWORKS, .size = sizeof(*list)
    };

    sample->report = (struct report){ .tell = tell, .context = sample };
    sample->told[0] = '\0';
    return value_read(&option, bytes_of_text(text), list, &sample->report, here);
}

static void expect_networks(const struct network_list *list, const char *text)
{
    static const struct option option = { .type = OPTION_NETWORKS, .size = sizeof(*list) };
    char value[256];

    value_write(&option, list, value, sizeof(value));
    assert_string_equal(value, text);
}

TEST(networks_stand_between_blanks_or_commas_and_lines_add_up)
{
    struct sample sample = { 0 };
    struct network_list list = { 0 };

    assert_true(read_networks(&sample, &list, "192.0.2.7, 10.0.0.0/8\t::1 # the office"));
    assert_true(read_networks(&sample, &list, "2001:db8::/32"));
    assert_int_equal(sample.report.errors + sample.report.warnings, 0);
    assert_int_equal(list.count, 4);
    expect_networks(&list, "192.0.2.7 10.0.0.0/8 ::1 2001:db8::/32");
}

TEST(a_line_with_something_else_than_networks_adds_nothing)
{
    static const char behind[] = "is neither an address nor a network; write 192.0.2.7, "
                                 "192.0.2.0/24 or 2001:db8::/32, without a bit of the address "
                                 "behind the prefix";
    static const char *const texts[] = { "10.0.0.1/8", "localhost", "# none" };
    struct sample sample = { 0 };
    struct network_list list = { 0 };
    char told[256];

    assert_true(read_networks(&sample, &list, "192.0.2.7"));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(read_networks(&sample, &list, texts[i]));
        snprintf(told, sizeof(told), "conf:7: nets %s %s", texts[i], behind);
        assert_string_equal(sample.told, told);
    }
    assert_false(read_networks(&sample, &list, "10.0.0.0/8 localhost"));
    expect_networks(&list, "192.0.2.7");
}

TEST(a_list_of_networks_has_a_limit)
{
    struct sample sample = { 0 };
    struct network_list list = { 0 };

    for (int i = 0; i < NETWORK_LIST_MAX; i++)
        assert_true(read_networks(&sample, &list, "192.0.2.7"));
    assert_false(read_networks(&sample, &list, "192.0.2.8"));
    assert_string_equal(sample.told,
            "conf:7: nets 192.0.2.8 is one more than 128; join some into larger networks");
    assert_int_equal(list.count, NETWORK_LIST_MAX);
}

TEST(a_flag_is_true_1_false_or_0_and_nothing_else)
{
    struct sample sample = { 0 };

    accept(&sample, "retain_available", "true");
    assert_true(sample.config.core.retain_available);
    accept(&sample, "retain_available", "0");
    assert_false(sample.config.core.retain_available);
    accept(&sample, "retain_available", "1");
    assert_true(sample.config.core.retain_available);
    accept(&sample, "retain_available", "false");
    assert_false(sample.config.core.retain_available);
    refuse(&sample, "retain_available", "True",
            "conf:7: retain_available True is neither true nor false; write one of these");
    refuse(&sample, "retain_available", "yes",
            "conf:7: retain_available yes is neither true nor false; write one of these");
}

TEST(a_number_may_be_decimal_hexadecimal_or_octal)
{
    struct sample sample = { 0 };

    accept(&sample, "sys_interval", "0x10");
    assert_int_equal(sample.config.sys_interval_s, 16);
    accept(&sample, "sys_interval", "010");
    assert_int_equal(sample.config.sys_interval_s, 8);
    accept(&sample, "sys_interval", "+9");
    assert_int_equal(sample.config.sys_interval_s, 9);
}

TEST(a_comment_may_follow_a_number_flag_or_word)
{
    struct sample sample = { 0 };

    accept(&sample, "sys_interval", "5 # seconds");
    assert_int_equal(sample.config.sys_interval_s, 5);
    accept(&sample, "allow_anonymous", "true # everyone");
    assert_true(sample.config.allow_anonymous);
    accept(&sample, "log_format", "json # machines read it");
    assert_int_equal(sample.config.log.format, LOG_FORMAT_JSON);
}

TEST(what_else_follows_a_value_is_passed_over_and_told)
{
    static const struct {
        const char *name;
        const char *text;
        const char *told; /* behind the key */
    } rows[] = {
        { "tls_version", "tlsv1.3 tlsv1.2",
                "tlsv1.2 is passed over, for the value ends before it" },
        { "allow_anonymous", "true false", "false is passed over, for the value ends before it" },
        { "sys_interval", "5 6  seven # x",
                "6  seven # x is passed over, for the value ends before it" },
        { "memory_limit", "auto 5", "5 is passed over, for the value ends before it" },
        { "byte_rate_max", "6400 k", "k is passed over, for the value ends before it" },
        { "persistent_client_expiration", "1d 2h",
                "2h is passed over, for the value ends before it" },
        { "protocol", "mqtt websockets",
                "websockets is passed over, for the value ends before it" },
        { "durability", "group 5", "5 is passed over, for the value ends before it" },
        { "durability", "interval 5 6", "6 is passed over, for the value ends before it" },
        { "listener", "1883 ::1 ::2", "::2 is passed over, for the value ends before it" },
        { "log_type", "error warning", "warning is passed over; give it a line of its own" },
        { "log_dest", "stdout stderr", "stderr is passed over; give it a line of its own" },
    };
    struct sample sample = { 0 };
    char told[256];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(told, sizeof(told), "conf:7: %s %s", rows[i].name, rows[i].told);
        if (!read_as(&sample, rows[i].name, rows[i].text) || sample.report.warnings != 1 ||
                strncmp(sample.told, told, strlen(told)) != 0)
            fail_msg("%s %s: %s", rows[i].name, rows[i].text, sample.told);
    }
    assert_string_equal(
            sample.told, "conf:7: log_dest stderr is passed over; give it a line of its own");
    accept_with_warning(&sample, "tls_version", "tlsv1.3 tlsv1.2",
            "conf:7: tls_version tlsv1.2 is passed over, for the value ends before it; remove it");
    assert_int_equal(sample.listener.tls.version_min, CONFIG_TLS_1_3);
    assert_int_equal(sample.config.log.to.set, LOG_TO_STDOUT);
    refuse(&sample, "tls_version", "tlsv1.1 tlsv1.2",
            "conf:7: tls_version tlsv1.1 is not known; write one of: tlsv1.2 tlsv1.3");
}

TEST(a_number_ends_with_its_word)
{
    struct sample sample = { 0 };

    refuse(&sample, "sys_interval", "5s",
            "conf:7: sys_interval 5s is not a number; write a number, 0 to 65535");
    refuse(&sample, "sys_interval", "#5",
            "conf:7: sys_interval #5 is not a number; write a number, 0 to 65535");
    assert_false(read_as(&sample, "sys_interval", "12345678901234567890123456789012345"));
    assert_false(read_as(&sample, "sys_interval", "99999999999999999999"));
}

TEST(a_nul_ends_no_number)
{
    struct sample sample = { 0 };
    const struct option *option = option_find(BYTES("sys_interval"));

    assert_false(
            value_read(option, BYTES("5\0"), &sample.config.sys_interval_s, &sample.report, here));
}

TEST(a_number_out_of_range_is_refused_with_the_range)
{
    struct sample sample = { .config.core.max_keepalive_s = 60 };

    refuse(&sample, "max_keepalive", "90000",
            "conf:7: max_keepalive 90000 is out of range; write a number, 0 to 65535");
    assert_int_equal(sample.config.core.max_keepalive_s, 60);
    refuse(&sample, "max_packet_size", "19",
            "conf:7: max_packet_size 19 is out of range; write a number, 20 to 2147483647");
    refuse(&sample, "max_qos0_backlog_bytes", "-1",
            "conf:7: max_qos0_backlog_bytes -1 is out of range; write a number, 1024 or more");
}

TEST(where_mosquitto_takes_the_bound_so_do_we_with_a_warning)
{
    struct sample sample = { 0 };

    accept_with_warning(&sample, "max_queued_messages", "-5",
            "conf:7: max_queued_messages -5 is out of range; 0 is used");
    assert_int_equal(sample.config.core.max_queued_messages, 0);
    accept_with_warning(&sample, "max_connections", "-7",
            "conf:7: max_connections -7 is out of range; -1 is used");
    assert_int_equal(sample.listener.settings.max_connections, -1);
    accept_with_warning(&sample, "retain_expiry_interval", "10000001",
            "conf:7: retain_expiry_interval 10000001 is out of range; 10000000 is used");
    assert_int_equal(sample.config.core.retain_expiry_s, 600000000);
    assert_false(read_as(&sample, "retain_expiry_interval", "0"));
}

TEST(a_number_is_kept_in_the_unit_of_its_field)
{
    struct sample sample = { 0 };

    accept(&sample, "connect_timeout", "3");
    assert_int_equal(sample.config.core.connect_timeout_ms, 3000);
    expect(&sample, "connect_timeout", "3");
    accept(&sample, "retain_expiry_interval", "2");
    assert_int_equal(sample.config.core.retain_expiry_s, 120);
    expect(&sample, "retain_expiry_interval", "2");
}

TEST(a_memory_limit_that_is_no_number_is_no_limit)
{
    struct sample sample = { 0 };

    accept(&sample, "memory_limit", "1000000");
    assert_int_equal(sample.config.memory_limit_bytes, 1000000);
    accept_with_warning(&sample, "memory_limit", "abc",
            "conf:7: memory_limit abc is not a number; there is no limit");
    assert_int_equal(sample.config.memory_limit_bytes, 0);
    assert_false(read_as(&sample, "memory_limit", "-1"));
}

TEST(a_memory_limit_may_be_left_to_the_server)
{
    struct sample sample = { 0 };

    accept(&sample, "memory_limit", "auto");
    assert_int_equal(sample.config.memory_limit_bytes, OPTION_BYTES_AUTO);
    expect(&sample, "memory_limit", "auto");
    assert_false(read_as(&sample, "byte_rate_max", "auto"));
}

TEST(bytes_may_be_counted_in_powers_of_1024)
{
    struct sample sample = { 0 };

    accept(&sample, "memory_limit", "2G");
    expect(&sample, "memory_limit", "2147483648");
    accept(&sample, "memory_limit", "300m");
    expect(&sample, "memory_limit", "314572800");
    accept(&sample, "byte_rate_max", "64k");
    expect(&sample, "byte_rate_max", "65536");
    accept(&sample, "byte_rate_max", "0K");
    expect(&sample, "byte_rate_max", "0");
    accept(&sample, "memory_limit", "8589934591G");
    expect(&sample, "memory_limit", "9223372035781033984");
    assert_false(read_as(&sample, "memory_limit", "8589934592G"));
    assert_false(read_as(&sample, "memory_limit", "-1k"));
    accept_with_warning(&sample, "memory_limit", "G",
            "conf:7: memory_limit G is not a number; there is no limit");
    accept_with_warning(&sample, "memory_limit", "1GB",
            "conf:7: memory_limit 1GB is not a number; there is no limit");
}

TEST(a_rate_is_a_number_and_not_too_small_for_a_packet)
{
    struct sample sample = { 0 };

    accept(&sample, "byte_rate_max", "1000");
    refuse(&sample, "byte_rate_max", "999",
            "conf:7: byte_rate_max 999 is not such a number; write a number of bytes, 1000 or "
            "more, maybe with k, M or G behind it, or 0 for no limit");
    assert_false(read_as(&sample, "byte_rate_max", "fast"));
    assert_false(read_as(&sample, "byte_rate_max", "-1"));
    expect(&sample, "byte_rate_max", "1000");
}

TEST(a_duration_has_a_unit)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } durations[] = {
        { "5s", 5 },
        { "2h", 7200 },
        { "1d", 86400 },
        { "2w", 1209600 },
        { "1m", 2592000 },
        { "1y", 31536000 },
    };
    struct sample sample = { 0 };

    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        accept(&sample, "persistent_client_expiration", durations[i].text);
        assert_int_equal(sample.config.core.session_expiry_s_max, durations[i].seconds);
    }
    refuse(&sample, "persistent_client_expiration", "5",
            "conf:7: persistent_client_expiration 5 is not a duration; write a number and one of "
            "s h d w m y, such as 14d");
    assert_false(read_as(&sample, "persistent_client_expiration", "0d"));
    assert_false(read_as(&sample, "persistent_client_expiration", "d"));
    assert_false(read_as(&sample, "persistent_client_expiration", "5D"));
}

TEST(a_word_that_is_not_known_is_refused_with_those_that_are)
{
    struct sample sample = { 0 };

    accept(&sample, "socket_domain", "ipv6");
    assert_int_equal(sample.listener.socket_domain, CONFIG_DOMAIN_IPV6);
    refuse(&sample, "socket_domain", "ipv5",
            "conf:7: socket_domain ipv5 is not known; write one of: ipv4 ipv6");
    accept(&sample, "queue_full_policy", "backpressure");
    assert_int_equal(sample.config.core.queue_full_policy, QUEUE_BACKPRESSURE);
    expect(&sample, "queue_full_policy", "backpressure");
}

TEST(a_protocol_that_is_not_there_yet_is_refused)
{
    struct sample sample = { 0 };

    accept(&sample, "protocol", "mqtt");
    accept(&sample, "protocol", "websockets");
    refuse(&sample, "protocol", "http_api",
            "conf:7: protocol http_api: the HTTP API is not there yet; remove this listener");
}

TEST(words_add_up_and_none_empties)
{
    struct sample sample = { 0 };

    accept(&sample, "log_type", "error");
    accept(&sample, "log_type", "debug");
    assert_int_equal(sample.config.log.types, LOG_TYPE_ERROR | LOG_TYPE_DEBUG);
    expect(&sample, "log_type", "error debug");
    accept_with_warning(&sample, "log_type", "websockets",
            "conf:7: log_type websockets has no effect: this server has no messages of that type");
    assert_int_equal(sample.config.log.types, LOG_TYPE_ERROR | LOG_TYPE_DEBUG);
    accept(&sample, "log_type", "none");
    assert_int_equal(sample.config.log.types, 0);
    expect(&sample, "log_type", "none");
    accept(&sample, "log_type", "all");
    assert_int_equal(sample.config.log.types, LOG_TYPE_ALL);
}

TEST(durability_is_a_word_and_after_interval_a_time)
{
    static const char problem[] = "has no such time; write interval and a number of milliseconds, "
                                  "1 to 60000";
    static const char *const wrong[] = { "interval", "interval x", "interval 0", "interval 60001" };
    struct sample sample = { 0 };
    char told[256];

    accept(&sample, "durability", "always # why");
    assert_int_equal(sample.config.store.durability.kind, DURABILITY_ALWAYS);
    expect(&sample, "durability", "always");
    accept(&sample, "durability", "interval 250 # ms");
    assert_int_equal(sample.config.store.durability.interval_ms, 250);
    expect(&sample, "durability", "interval 250");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(told, sizeof(told), "conf:7: durability %s %s", wrong[i], problem);
        refuse(&sample, "durability", wrong[i], told);
    }
    expect(&sample, "durability", "interval 250");
    accept(&sample, "durability", "none");
    expect(&sample, "durability", "none");
    refuse(&sample, "durability", "sometimes",
            "conf:7: durability sometimes is not known; write one of: group always interval none");
}

TEST(a_log_file_has_a_path_with_its_blanks_and_there_is_one)
{
    struct sample sample = { 0 };

    accept(&sample, "log_dest", "stdout # unbuffered");
    accept(&sample, "log_dest", "file  /var/log/a b.log # x");
    assert_int_equal(sample.config.log.to.set, LOG_TO_STDOUT | LOG_TO_FILE);
    assert_string_equal(sample.config.log.to.path, "/var/log/a b.log # x");
    expect(&sample, "log_dest", "stdout file /var/log/a b.log # x");
    refuse(&sample, "log_dest", "file /other",
            "conf:7: log_dest file /other is a second file; remove one of the two");
    refuse(&sample, "log_dest", "file",
            "conf:7: log_dest file has no path; write log_dest file PATH");
    accept_with_warning(&sample, "log_dest", "dlt",
            "conf:7: log_dest dlt has no effect: this server does not speak to a DLT daemon");
}

TEST(versions_are_a_list_with_commas_or_blanks)
{
    struct sample sample = { 0 };

    accept(&sample, "accept_protocol_versions", "4, 5");
    assert_int_equal(sample.listener.settings.protocol_versions, 1 << 4 | 1 << 5);
    expect(&sample, "accept_protocol_versions", "4,5");
    accept(&sample, "accept_protocol_versions", "3\t# only the old one");
    assert_int_equal(sample.listener.settings.protocol_versions, 1 << 3);
    accept_with_warning(&sample, "accept_protocol_versions", "5,6",
            "conf:7: accept_protocol_versions 6 is passed over; the versions are 3, 4 and 5");
    assert_int_equal(sample.listener.settings.protocol_versions, 1 << 5);
    assert_false(read_as(&sample, "accept_protocol_versions", "2"));
}

TEST(a_text_keeps_its_hash_and_its_blanks)
{
    struct sample sample = { 0 };

    accept(&sample, "log_timestamp_format", "%Y # %H");
    assert_string_equal(sample.config.log.timestamp_format, "%Y # %H");
    accept(&sample, "log_timestamp_format", "%Y");
    assert_string_equal(sample.config.log.timestamp_format, "%Y");
}

TEST(a_text_is_utf8_and_fits)
{
    struct sample sample = { 0 };

    refuse(&sample, "user", "\xff", "conf:7: user is not UTF-8 text; write the file in UTF-8");
    accept(&sample, "auto_id_prefix", "12345678901234567890123456789012345678901234567890");
    refuse(&sample, "auto_id_prefix", "123456789012345678901234567890123456789012345678901",
            "conf:7: auto_id_prefix 123456789012345678901234567890123456789012345678901 is longer "
            "than 50 bytes; shorten it");
}

TEST(a_value_cannot_be_missing)
{
    struct sample sample = { 0 };

    refuse(&sample, "user", "", "conf:7: user has no value; write one after it");
    refuse(&sample, "allow_anonymous", "",
            "conf:7: allow_anonymous has no value; write one after it");
}

TEST(a_listener_has_a_port_and_maybe_an_address)
{
    struct sample sample = { 0 };

    accept(&sample, "listener", "0x75b # secure");
    assert_int_equal(sample.listener.settings.port, 1883);
    assert_string_equal(sample.listener.address, "");
    accept(&sample, "listener", "1884 ::1 # local");
    assert_string_equal(sample.listener.address, "::1");
    expect(&sample, "listener", "1884 ::1");
    refuse(&sample, "listener", "-1",
            "conf:7: listener -1 is not a port; write a number, 1 to 65535");
    refuse(&sample, "listener", "65536",
            "conf:7: listener 65536 is not a port; write a number, 1 to 65535");
    refuse(&sample, "listener", "abc",
            "conf:7: listener abc is not a port; write a number, 1 to 65535");
    refuse(&sample, "listener", "0",
            "conf:7: listener 0 is not a Unix socket; write 0 and an absolute path of at most 107 "
            "bytes");
    accept(&sample, "listener", "0 /run/mqtt # local");
    expect(&sample, "listener", "0 /run/mqtt");
}

TEST(a_message_has_no_control_character_of_the_file)
{
    struct sample sample = { 0 };

    refuse(&sample, "sys_interval", "\x1b[2J\x7f",
            "conf:7: sys_interval ?[2J? is not a number; write a number, 0 to 65535");
}

TEST(a_default_is_known_in_each_way_to_write_it)
{
    const struct option *flag = option_find(BYTES("persistence"));
    const struct option *text = option_find(BYTES("user"));
    const struct option *none = option_find(BYTES("password_file"));

    assert_true(value_is_initial(flag, BYTES("true")));
    assert_true(value_is_initial(flag, BYTES("1 # on")));
    assert_false(value_is_initial(flag, BYTES("false")));
    assert_false(value_is_initial(flag, BYTES("maybe")));
    assert_true(value_is_initial(text, BYTES("mosquitto")));
    assert_false(value_is_initial(none, BYTES("")));
}
