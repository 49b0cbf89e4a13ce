/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_properties.h"

#include "tests/harness/test.h"

enum { ROOM = 512 };

static bool write(const char *text, uint8_t out[ROOM], size_t *size)
{
    struct writer writer = { .data = out, .size = strlen(text) };
    bool good = import_properties_write(&writer, bytes_of(text, strlen(text)));

    *size = writer.used;
    return good;
}

TEST(properties_become_those_of_mqtt)
{
    static const char text[] = "[{\"identifier\":\"payload-format-indicator\",\"value\":1},"
                               "{\"identifier\":\"content-type\",\"value\":\"t\"},"
                               "{\"identifier\":\"response-topic\",\"value\":\"r/s\"},"
                               "{\"identifier\":\"correlation-data\",\"value\":\"0aFF\"},"
                               "{\"identifier\":\"user-property\",\"name\":\"k\",\"value\":\"v\"},"
                               "{\"identifier\":\"message-expiry-interval\"}]";
    static const char wanted[] = "\x01\x01"
                                 "\x03\0\1t"
                                 "\x08\0\3r/s"
                                 "\x09\0\2\x0a\xff"
                                 "\x26\0\1k\0\1v";
    uint8_t out[ROOM];
    size_t size;

    assert_true(write(text, out, &size));
    assert_int_equal(size, sizeof(wanted) - 1);
    assert_memory_equal(out, wanted, size);
}

TEST(what_is_no_property_is_refused)
{
    static const char *const rows[] = {
        "",
        "{}",
        "[1]",
        "[{}]",
        "[{\"identifier\":\"content-type\"}]",
        "[{\"identifier\":\"content-type\",\"value\":1}]",
        "[{\"identifier\":\"payload-format-indicator\",\"value\":\"1\"}]",
        "[{\"identifier\":\"payload-format-indicator\",\"value\":2}]",
        "[{\"identifier\":\"correlation-data\",\"value\":\"0\"}]",
        "[{\"identifier\":\"correlation-data\",\"value\":\"0g\"}]",
        "[{\"identifier\":\"response-topic\",\"value\":\"a/#\"}]",
        ("[{\"identifier\":\"content-type\",\"value\":\"a\"},"
         "{\"identifier\":\"content-type\",\"value\":\"b\"}]"),
    };
    uint8_t out[ROOM];
    size_t size;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(write(rows[i], out, &size));
}
