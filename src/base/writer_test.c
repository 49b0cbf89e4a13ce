/* SPDX-License-Identifier: Apache-2.0 */
#include "base/writer.h"

#include "tests/harness/test.h"

TEST(fields_are_written_big_endian)
{
    uint8_t buffer[12];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    writer_u8(&out, 0x01);
    writer_u16(&out, 0x0203);
    writer_u32(&out, 0x04050607);
    writer_bytes(&out, BYTES("-tail"));
    assert_false(out.failed);
    assert_true(bytes_equal(writer_written(&out), BYTES("\x01\x02\x03\x04\x05\x06\x07-tail")));
}

TEST(a_field_is_written_whole_or_not_at_all)
{
    uint8_t buffer[3] = { 0 };
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    writer_u32(&out, 0x01020304);
    assert_true(out.failed);
    assert_int_equal(out.used, 0);
    writer_u8(&out, 9); /* It would fit, but what comes before it is missing. */
    assert_int_equal(out.used, 0);
    assert_int_equal(buffer[0], 0);
}

TEST(nothing_fits_into_no_buffer)
{
    struct writer out = { .data = NULL };

    writer_bytes(&out, BYTES(""));
    assert_false(out.failed);
    writer_bytes(&out, BYTES("x"));
    assert_true(out.failed);
}
