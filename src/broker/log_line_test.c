/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/log_line.h"
#include "tests/harness/test.h"

enum { WHEN_S = 1795233906, WHEN_MS = 789 }; /* 2026-11-21T04:05:06.789Z */

static const struct log_settings text = { .format = LOG_FORMAT_TEXT, .timestamp = true };
static const struct log_settings json = { .format = LOG_FORMAT_JSON, .timestamp = true };
static const struct log_settings mosquitto = { .format = LOG_FORMAT_MOSQUITTO, .timestamp = true };

static void expect(const struct log_settings *settings, const char *name,
        const struct field fields[], size_t field_count, const char *wanted)
{
    struct event event = { EVENT_INFO, name, fields, field_count };
    struct log_line line;

    log_line_write(&line, &event, settings, (int64_t)WHEN_S * 1000 + WHEN_MS);
    assert_in_range(line.size, 1, LOG_LINE_MAX);
    assert_int_equal(line.text[line.size - 1], '\n');
    line.text[line.size - 1] = '\0';
    assert_string_equal(line.text, wanted);
}

TEST(an_event_is_a_line_of_time_level_name_and_fields)
{
    const struct field fields[] = {
        field_bytes("id", BYTES("x")),
        field_bytes("peer", BYTES("10.0.0.7:41312")),
        field_text("reason", "not_authorized"),
        field_number("limit", -1),
    };

    expect(&text, "client.refused", fields, 4,
            "2026-11-21T04:05:06.789Z info client.refused id=\"x\" peer=10.0.0.7:41312"
            " reason=not_authorized limit=-1");
    expect(&json, "client.refused", fields, 4,
            "{\"time\":\"2026-11-21T04:05:06.789Z\",\"level\":\"info\","
            "\"event\":\"client.refused\","
            "\"id\":\"x\",\"peer\":\"10.0.0.7:41312\",\"reason\":\"not_authorized\",\"limit\":-1}");
}

TEST(what_a_peer_sent_cannot_break_a_line)
{
    const struct field fields[] = { field_bytes(
            "id", BYTES("a\n\"\\\x1b\x7f\xff\xc2\x9b \xc3\xa9")) };

    expect(&text, "client.refused", fields, 1,
            "2026-11-21T04:05:06.789Z info client.refused"
            " id=\"a\\x0a\\\"\\\\\\x1b\\x7f\\xff\\xc2\\x9b \xc3\xa9\"");
    expect(&json, "x", fields, 1,
            "{\"time\":\"2026-11-21T04:05:06.789Z\",\"level\":\"info\",\"event\":\"x\","
            "\"id\":\"a\\u000a\\\"\\\\\\u001b\\u007f\\u00ff\\u00c2\\u009b \xc3\xa9\"}");
    expect(&mosquitto, "session.expired", fields, 1,
            "1795233906: Expiring client a\\x0a\"\\\\x1b\\x7f\\xff\\xc2\\x9b \xc3\xa9"
            " due to timeout.");
}

TEST(mosquittos_lines_are_its_own_to_the_letter)
{
    const struct field connected[] = {
        field_bytes("id", BYTES("x")),
        field_bytes("peer", BYTES("10.0.0.7:41312")),
        field_number("version", 4),
        field_number("clean", 1),
        field_number("keepalive", 60),
        field_bytes("user", BYTES("joe")),
        field_number("port", 1883),
    };
    const struct field lost[] = { field_bytes("id", BYTES("x")), field_text("reason", "x") };

    expect(&mosquitto, "connection.opened", connected, 7,
            "1795233906: New connection from 10.0.0.7:41312 on port 1883.");
    expect(&mosquitto, "client.connected", connected, 7,
            "1795233906: New client connected from 10.0.0.7:41312 as x (p2, c1, k60, u'joe').");
    expect(&mosquitto, "client.connected", connected, 5,
            "1795233906: New client connected from 10.0.0.7:41312 as x (p2, c1, k60).");
    expect(&mosquitto, "client.disconnected", lost, 2, "1795233906: Client x disconnected: x.");
}

TEST(the_reason_of_a_disconnect_chooses_mosquittos_line)
{
    static const struct {
        const char *reason;
        const char *line;
    } rows[] = {
        { "normal", "1795233906: Client x disconnected." },
        { "connection_lost", "1795233906: Client x closed its connection." },
        { "keep_alive_timeout", "1795233906: Client x has exceeded timeout, disconnecting." },
        { "session_taken_over", "1795233906: Client x already connected, closing old connection." },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct field fields[] = {
            field_bytes("id", BYTES("x")),
            field_text("reason", rows[i].reason),
        };

        expect(&mosquitto, "client.disconnected", fields, 2, rows[i].line);
    }
}

TEST(time_is_as_the_settings_say)
{
    struct log_settings own = mosquitto;
    struct log_settings none = text;

    strcpy(own.timestamp_format, "%Y");
    none.timestamp = false;
    expect(&own, "config.reloading", NULL, 0, "2026: Reloading config.");
    expect(&none, "config.reloading", NULL, 0, "info config.reloading");
}

TEST(a_long_value_is_cut_and_a_line_stays_whole)
{
    uint8_t long_value[1000];
    struct field fields[9];
    struct event event = { EVENT_INFO, "x", fields, 9 };
    struct log_line line;

    memset(long_value, 1, sizeof(long_value));
    for (size_t i = 0; i < 9; i++)
        fields[i] = field_bytes("v", bytes_of(long_value, sizeof(long_value)));
    log_line_write(&line, &event, &json, 0);
    assert_in_range(line.size, LOG_VALUE_MAX * 6, LOG_LINE_MAX);
    assert_memory_equal(line.text + line.size - 6, "...\"}\n", 6);
}

TEST(an_event_has_mosquittos_type)
{
    struct event subscribed = { EVENT_DEBUG, "client.subscribed", NULL, 0 };
    struct event connected = { EVENT_INFO, "client.connected", NULL, 0 };
    struct event unknown = { EVENT_WARN, "some.thing", NULL, 0 };

    assert_int_equal(log_kind_of(&subscribed).type, LOG_TYPE_SUBSCRIBE);
    assert_int_equal(log_kind_of(&connected).type, LOG_TYPE_NOTICE);
    assert_true(log_kind_of(&connected).connection);
    assert_int_equal(log_kind_of(&unknown).type, LOG_TYPE_WARNING);
    assert_null(log_kind_of(&unknown).mosquitto);
}
