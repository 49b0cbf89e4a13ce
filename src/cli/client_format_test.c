/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_format.h"

#include "tests/harness/test.h"

#include <stdlib.h>

enum { PROPERTIES_SIZE = 256 };

/* A message with every property that a server sends along. */
static struct client_message full_message(uint8_t memory[PROPERTIES_SIZE])
{
    struct nj_properties properties = nj_properties_in(memory, PROPERTIES_SIZE);

    nj_add_number(&properties, NJ_SUBSCRIPTION_IDENTIFIER, 7);
    nj_add_bytes(&properties, NJ_CONTENT_TYPE, nj_text("text/plain"));
    nj_add_bytes(&properties, NJ_CORRELATION_DATA, nj_text("abc"));
    nj_add_pair(&properties, nj_text("k1"), nj_text("v1"));
    nj_add_bytes(&properties, NJ_RESPONSE_TOPIC, nj_text("r/t"));
    nj_add_pair(&properties, nj_text("k1"), nj_text("v2"));
    nj_add_number(&properties, NJ_PAYLOAD_FORMAT_INDICATOR, 1);
    nj_add_number(&properties, NJ_MESSAGE_EXPIRY_INTERVAL, 599);
    return (struct client_message){
        .message = { .topic = nj_text("a/b"),
                .payload = nj_bytes_of("a\x01"
                                       "b\xff\xc3\xa9\"\\/",
                        9),
                .properties = nj_properties_bytes(&properties),
                .qos = 1,
                .retain = true,
                .id = 12 },
        .time = { .tv_sec = 1795268222, .tv_nsec = 36338005 },
    };
}

static struct client_message plain_message(const char *payload)
{
    return (struct client_message){ .message = { .topic = nj_text("a/b"),
                                            .payload = nj_text(payload) },
        .time = { .tv_sec = 1795268222, .tv_nsec = 36338005 } };
}

static bool print(
        char out[1024], const char *format, const struct client_message *message, bool pretty)
{
    FILE *file = fmemopen(out, 1024, "w");
    bool good = client_format_print(file, format, message, pretty);

    fclose(file);
    return good;
}

static void expect(const char *format, const struct client_message *message, const char *printed)
{
    char out[1024] = "";
    char letter;

    assert_int_equal(client_format_check(format, &letter), CLIENT_FORMAT_GOOD);
    assert_true(print(out, format, message, false));
    assert_string_equal(out, printed);
}

static void universal_time(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
}

TEST(fields_have_widths_and_sides)
{
    struct client_message message = plain_message("hello");

    expect("%t|%10t|%-10t|%.2t|%10.2t|%-10.2t|%010t", &message,
            "a/b|       a/b|a/b       |a/|        a/|a/        |       a/b");
    expect("%l|%5l|%-5l|%05l|%m|%q|%r|%%|@@", &message, "5|    5|5    |00005|0|0|0|%|@");
}

TEST(properties_that_are_not_there_leave_blanks)
{
    struct client_message message = plain_message("");

    expect("%A|%5A|%C|%5C|%D|%E|%05E|%F|%P|%R|%5R|%S|%5S|", &message,
            "|     ||     |||00000||||||     |");
}

TEST(properties_are_printed_as_they_came)
{
    uint8_t memory[PROPERTIES_SIZE];
    struct client_message message = full_message(memory);

    expect("%C|%D|%E|%F|%P|%R|%S|%A|%10C|%-10C|%06E|%6S|%-6F|%8R|%.3R|%m|%q|%r", &message,
            "text/plain|abc|599|1|k1:v1 k1:v2|r/t|7||text/plain|text/plain|000599|     7|1     |"
            "     r/t|r/t|12|1|1");
}

TEST(payloads_are_printed_as_mosquitto_sub_prints_them)
{
    uint8_t memory[PROPERTIES_SIZE];
    struct client_message message = full_message(memory);

    expect("%x|%X|%20x|%-20x|%020X|%4x|", &message,
            "610162ffc3a9225c2f|610162FFC3A9225C2F|            610162ff|610162ff            |"
            "000000000000610162FF|6101|");
    expect("%p|%3p|%-12p|%012p|", &message,
            "a\x01"
            "b\xff\xc3\xa9\"\\/|a\x01"
            "b|a\x01"
            "b\xff\xc3\xa9\"\\/   |000a\x01"
            "b\xff\xc3\xa9\"\\/|");
    expect("%:x|%- X", &message, "61:01:62:ff:c3:a9:22:5c:2f|61 01 62 FF C3 A9 22 5C 2F");
}

TEST(numbers_of_this_machine_are_printed)
{
    float small = 1.5F;
    double large = -2.25;
    struct client_message message = plain_message("");

    message.message.payload = nj_bytes_of(&small, sizeof(small));
    expect("%f|%8.2f|%-8.2f|%08.2f|%d|", &message, "1.500000|    1.50|1.50    |00001.50||");
    message.message.payload = nj_bytes_of(&large, sizeof(large));
    expect("%d|%.1d|%f|", &message, "-2.250000|-2.2||");
}

TEST(times_are_those_of_the_message)
{
    struct client_message message = plain_message("");

    universal_time();
    expect("%I|%30I|%U|@Y-@m-@d @N", &message,
            "2026-11-21T13:37:02+0000|      2026-11-21T13:37:02+0000|1795268222.036338005|"
            "2026-11-21 036338005");
}

TEST(escapes_are_characters)
{
    struct client_message message = plain_message("");
    char out[1024] = "";

    assert_true(print(out, "\\\\\\0\\a\\e\\n\\r\\t\\v", &message, false));
    assert_memory_equal(out, "\\\0\a\033\n\r\t\v", 8);
}

TEST(what_is_no_format_is_found)
{
    static const struct {
        const char *format;
        enum client_format_fault fault;
        char letter;
    } wrong[] = {
        { "%", CLIENT_FORMAT_INCOMPLETE, 0 },
        { "a%05", CLIENT_FORMAT_INCOMPLETE, 0 },
        { "%5.", CLIENT_FORMAT_INCOMPLETE, 0 },
        { "%-", CLIENT_FORMAT_INCOMPLETE, 0 },
        { "@", CLIENT_FORMAT_INCOMPLETE, '@' },
        { "%k", CLIENT_FORMAT_INVALID, 'k' },
        { "%:", CLIENT_FORMAT_INCOMPLETE, 0 },
        { "%::x", CLIENT_FORMAT_INVALID, ':' },
        { "\\", CLIENT_FORMAT_ESCAPE_INCOMPLETE, '\\' },
        { "x\\k", CLIENT_FORMAT_ESCAPE_INVALID, 'k' },
    };
    char letter = 1;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(client_format_check(wrong[i].format, &letter), wrong[i].fault);
        assert_int_equal(letter, wrong[i].letter);
    }
}

TEST(json_has_all_of_a_message)
{
    uint8_t memory[PROPERTIES_SIZE];
    struct client_message message = full_message(memory);

    universal_time();
    expect("%j", &message,
            "{\"tst\":\"2026-11-21T13:37:02.036338Z+0000\",\"topic\":\"a/b\",\"qos\":1,"
            "\"retain\":1,\"payloadlen\":9,\"mid\":12,\"properties\":{"
            "\"subscription-identifier\":7,\"content-type\":\"text/plain\","
            "\"correlation-data\":\"abc\",\"user-properties\":{\"k1\":\"v1\",\"k1\":\"v2\"},"
            "\"response-topic\":\"r/t\",\"payload-format-indicator\":1,"
            "\"message-expiry-interval\":599},"
            "\"payload\":\"a\\u0001b\xff\xc3\xa9\\\"\\\\/\"}");
}

TEST(json_is_laid_out_as_mosquitto_sub_does)
{
    struct client_message message =
            plain_message("[{},[],{\"a\":{}},1e30,123456789012345678,0.1,-0,true,\"\\u00e9\"] ");
    char out[1024] = "";

    universal_time();
    assert_true(print(out, "%J", &message, true));
    assert_string_equal(out,
            "{\n\t\"tst\":\t\"2026-11-21T13:37:02.036338Z+0000\",\n\t\"topic\":\t\"a/b\",\n"
            "\t\"qos\":\t0,\n\t\"retain\":\t0,\n\t\"payloadlen\":\t62,\n\t\"payload\":\t[{\n"
            "\t\t}, [], {\n\t\t\t\"a\":\t{\n\t\t\t}\n\t\t}, 1e+30, 1.2345678901234568e+17, 0.1, "
            "-0, true, \"\xc3\xa9\"]\n}");
}

TEST(a_payload_that_is_no_json_is_told)
{
    struct client_message message = plain_message("nope");
    char out[1024] = "";

    assert_false(print(out, "<%J>", &message, false));
    assert_string_equal(out, "<>");
    message = plain_message("");
    assert_true(print(out, "%J", &message, false));
    assert_non_null(strstr(out, "\"payloadlen\":0,\"payload\":null}"));
}
