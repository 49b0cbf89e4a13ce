/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/said.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

TEST(what_was_said_is_kept_apart)
{
    struct test_memory memory = test_memory_start();
    struct gateway_said *said =
            gateway_said_new(&memory.memory, BYTES("id"), BYTES("topic"), BYTES("bye"));

    assert_true(bytes_equal(gateway_said_id(said), BYTES("id")));
    assert_true(bytes_equal(gateway_said_will_topic(said), BYTES("topic")));
    assert_true(bytes_equal(gateway_said_will_message(said), BYTES("bye")));
    gateway_said_free(said, &memory.memory);
    test_memory_end(&memory);
}

TEST(nothing_said_is_nothing)
{
    struct test_memory memory = test_memory_start();
    const struct bytes none = { 0 };
    struct gateway_said *said = gateway_said_new(&memory.memory, none, none, none);

    assert_non_null(said);
    assert_int_equal(gateway_said_id(said).size, 0);
    gateway_said_free(said, &memory.memory);
    assert_int_equal(gateway_said_id(NULL).size, 0);
    assert_int_equal(gateway_said_will_topic(NULL).size, 0);
    assert_int_equal(gateway_said_will_message(NULL).size, 0);
    gateway_said_free(NULL, &memory.memory);
    test_memory_end(&memory);
}

TEST(short_memory_keeps_nothing)
{
    struct test_memory memory = test_memory_start();

    memory.state->fail_at = memory.state->fail_until = 1;
    assert_null(gateway_said_new(&memory.memory, BYTES("id"), BYTES("topic"), BYTES("bye")));
    test_memory_end(&memory);
}
