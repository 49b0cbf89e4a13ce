/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

TEST(bytes_come_out_as_they_went_in)
{
    struct test_memory memory = test_memory_start();
    struct buffer buffer = { 0 };

    for (int i = 0; i < 100; i++)
        assert_true(buffer_append(&buffer, &memory.memory, BYTES("abc")));
    assert_int_equal(buffer.size, 300);
    buffer_consume(&buffer, &memory.memory, 298);
    assert_true(bytes_equal(buffer_bytes(&buffer), BYTES("bc")));
    buffer_consume(&buffer, &memory.memory, 2);
    assert_null(buffer.data);
    test_memory_end(&memory);
}

TEST(append_without_memory_changes_nothing)
{
    struct test_memory memory = test_memory_start();
    struct buffer buffer = { 0 };
    uint8_t large[200] = { 0 };

    assert_true(buffer_append(&buffer, &memory.memory, BYTES("abc")));
    memory.state->fail_at = 2;
    memory.state->fail_until = 2;
    assert_false(buffer_append(&buffer, &memory.memory, bytes_of(large, sizeof(large))));
    assert_true(bytes_equal(buffer_bytes(&buffer), BYTES("abc")));
    buffer_reset(&buffer, &memory.memory);
    test_memory_end(&memory);
}
