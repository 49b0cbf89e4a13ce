/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"

#include "tests/harness/test.h"

TEST(fields_come_off_the_front_big_endian)
{
    struct reader in = { .rest = BYTES("\x01\x02\x03\x04\x05\x06\x07-tail") };

    assert_int_equal(reader_u8(&in), 0x01);
    assert_int_equal(reader_u16(&in), 0x0203);
    assert_int_equal(reader_u32(&in), 0x04050607);
    assert_true(bytes_equal(reader_bytes(&in, 5), BYTES("-tail")));
    assert_int_equal(in.rest.size, 0);
    assert_false(in.failed);
}

TEST(nothing_may_be_read_from_nothing)
{
    struct reader in = { .failed = false };

    assert_int_equal(reader_bytes(&in, 0).size, 0);
    assert_false(in.failed);
}

TEST(a_reader_that_ran_short_gives_zeros_for_good)
{
    struct reader in = { .rest = BYTES("\xFF\xFF\xFF") };

    assert_int_equal(reader_u32(&in), 0xFFFF0000);
    assert_true(in.failed);
    assert_int_equal(reader_u8(&in), 0);
    assert_int_equal(reader_u16(&in), 0);
    assert_int_equal(reader_u32(&in), 0);
    assert_int_equal(reader_bytes(&in, 1).size, 0);
    assert_true(in.failed);
}
