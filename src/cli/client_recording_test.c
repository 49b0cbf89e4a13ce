/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_recording.h"

#include "tests/harness/test.h"

#include <stdlib.h>

static enum recording_result read_text(struct recording *recording, const char *text)
{
    static char kept[4096];

    snprintf(kept, sizeof(kept), "%s", text);
    *recording = (struct recording){ .in = fmemopen(kept, strlen(kept), "r") };
    assert_non_null(recording->in);
    return recording_next(recording);
}

static void end(struct recording *recording)
{
    fclose(recording->in);
    recording_deinit(recording);
}

TEST(what_is_written_is_read_again)
{
    uint8_t memory[256];
    struct nj_properties properties = nj_properties_in(memory, sizeof(memory));
    struct recording recording;
    struct nj_message message = {
        .topic = nj_text("a/\"b"), .payload = nj_bytes_of("\x00\xff", 2), .qos = 2, .retain = true
    };
    char text[1024] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    nj_add_bytes(&properties, NJ_CORRELATION_DATA, nj_bytes_of("\x80", 1));
    nj_add_pair(&properties, nj_text("hex"), nj_text("v"));
    nj_add_number(&properties, NJ_MESSAGE_EXPIRY_INTERVAL, 7);
    message.properties = nj_properties_bytes(&properties);
    assert_true(recording_begin(out));
    assert_true(recording_write(out, &message, 1234567));
    message = (struct nj_message){ .topic = nj_text("t"), .payload = nj_text("hello") };
    assert_true(recording_write(out, &message, 2000000));
    fclose(out);
    assert_string_equal(text,
            "{\"nightjar-recording\":1}\n"
            "{\"s\":1.234567,\"topic\":\"a/\\\"b\",\"qos\":2,\"retain\":true,\"properties\":["
            "[\"correlation-data\",\"hex\",\"80\"],[\"user-property\",\"hex\",\"v\"],"
            "[\"message-expiry-interval\",7]],\"hex\":\"00ff\"}\n"
            "{\"s\":2.000000,\"topic\":\"t\",\"qos\":0,\"retain\":false,\"payload\":\"hello\"}\n");

    assert_int_equal(read_text(&recording, text), RECORDING_MESSAGE);
    assert_int_equal(recording.time_us, 1234567);
    assert_int_equal(recording.message.qos, 2);
    assert_true(recording.message.retain);
    assert_int_equal(recording.message.payload.size, 2);
    assert_memory_equal(recording.message.payload.data, "\x00\xff", 2);
    assert_int_equal(recording.message.properties.size, properties.used);
    assert_memory_equal(recording.message.properties.data, memory, properties.used);
    assert_int_equal(recording_next(&recording), RECORDING_MESSAGE);
    assert_int_equal(recording.message.properties.size, 0);
    assert_int_equal(recording.message.payload.size, 5);
    assert_int_equal(recording_next(&recording), RECORDING_END);
    end(&recording);
}

TEST(what_the_server_alone_may_say_is_not_written)
{
    static const uint8_t properties[] = { 0x0B, 0x07, 0x23, 0x00, 0x01 };
    struct nj_message message = { .topic = nj_text("t"),
        .properties = nj_bytes_of(properties, sizeof(properties)) };
    char text[256] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    assert_true(recording_write(out, &message, 0));
    fclose(out);
    assert_null(strstr(text, "properties"));
}

TEST(what_is_no_recording_is_found)
{
    static const struct {
        const char *text;
        enum recording_result result;
    } wrong[] = {
        { "", RECORDING_NONE },
        { "hello\n", RECORDING_NONE },
        { "{\"s\":0,\"topic\":\"t\",\"qos\":0,\"payload\":\"\"}\n", RECORDING_NONE },
        { "{\"nightjar-recording\":2}\n", RECORDING_NEWER },
        { "{\"nightjar-recording\":1}\n", RECORDING_END },
        { "{\"nightjar-recording\":1}\n\n", RECORDING_BROKEN },
        { "{\"nightjar-recording\":1}\n{}\n", RECORDING_BROKEN },
        { "{\"nightjar-recording\":1}\n{\"s\":-1,\"topic\":\"t\",\"qos\":0,\"payload\":\"\"}\n",
                RECORDING_BROKEN },
        { "{\"nightjar-recording\":1}\n{\"s\":0,\"topic\":\"#\",\"qos\":0,\"payload\":\"\"}\n",
                RECORDING_BROKEN },
        { "{\"nightjar-recording\":1}\n{\"s\":0,\"topic\":\"t\",\"qos\":3,\"payload\":\"\"}\n",
                RECORDING_BROKEN },
        { "{\"nightjar-recording\":1}\n{\"s\":0,\"topic\":\"t\",\"qos\":0,\"hex\":\"0\"}\n",
                RECORDING_BROKEN },
        { "{\"nightjar-recording\":1}\n{\"s\":0,\"topic\":\"t\",\"qos\":0,\"payload\":\"\","
          "\"properties\":[[\"receive-maximum\",1]]}\n",
                RECORDING_BROKEN },
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct recording recording;

        if (wrong[i].text[0] == '\0') {
            recording = (struct recording){ .in = fopen("/dev/null", "r") };
            assert_int_equal(recording_next(&recording), wrong[i].result);
        } else {
            assert_int_equal(read_text(&recording, wrong[i].text), wrong[i].result);
        }
        end(&recording);
    }
}
