/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/aliases.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

TEST(an_alias_of_the_client_stands_for_its_last_topic)
{
    struct test_memory memory = test_memory_start();
    struct aliases_in aliases = { .max = 3 };

    assert_int_equal(aliases_in_find(&aliases, 1).size, 0);
    assert_true(aliases_in_set(&aliases, &memory.memory, 1, BYTES("a")));
    assert_true(aliases_in_set(&aliases, &memory.memory, 3, BYTES("ccc")));
    assert_true(bytes_equal(aliases_in_find(&aliases, 1), BYTES("a")));
    assert_true(bytes_equal(aliases_in_find(&aliases, 3), BYTES("ccc")));
    assert_int_equal(aliases_in_find(&aliases, 2).size, 0);
    assert_int_equal(aliases_in_find(&aliases, 0).size, 0);
    assert_int_equal(aliases_in_find(&aliases, 4).size, 0);
    assert_true(aliases_in_set(&aliases, &memory.memory, 1, BYTES("other")));
    assert_true(bytes_equal(aliases_in_find(&aliases, 1), BYTES("other")));
    aliases_in_deinit(&aliases, &memory.memory);
    test_memory_end(&memory);
}

TEST(the_same_topic_again_takes_no_memory)
{
    struct test_memory memory = test_memory_start();
    struct aliases_in aliases = { .max = 1 };
    uint64_t taken;

    assert_true(aliases_in_set(&aliases, &memory.memory, 1, BYTES("a")));
    taken = memory.state->taken;
    assert_true(aliases_in_set(&aliases, &memory.memory, 1, BYTES("a")));
    assert_int_equal(memory.state->taken, taken);
    aliases_in_deinit(&aliases, &memory.memory);
    test_memory_end(&memory);
}

TEST(an_alias_without_memory_keeps_its_old_topic)
{
    struct test_memory memory = test_memory_start();
    struct aliases_in aliases = { .max = 1 };

    memory.state->fail_at = 1;
    memory.state->fail_until = 1;
    assert_false(aliases_in_set(&aliases, &memory.memory, 1, BYTES("a")));
    assert_true(aliases_in_set(&aliases, &memory.memory, 1, BYTES("a")));
    memory.state->fail_at = memory.state->taken + 1;
    memory.state->fail_until = memory.state->fail_at;
    assert_false(aliases_in_set(&aliases, &memory.memory, 1, BYTES("b")));
    assert_true(bytes_equal(aliases_in_find(&aliases, 1), BYTES("a")));
    aliases_in_deinit(&aliases, &memory.memory);
    test_memory_end(&memory);
}

TEST(our_aliases_go_to_the_first_topics)
{
    struct test_memory memory = test_memory_start();
    struct aliases_out aliases = { .max = 2 };

    assert_int_equal(aliases_out_find(&aliases, 7, BYTES("a")), 0);
    assert_int_equal(aliases_out_set(&aliases, &memory.memory, 7, BYTES("a")), 1);
    assert_int_equal(aliases_out_set(&aliases, &memory.memory, 7, BYTES("b")), 2);
    assert_int_equal(aliases_out_set(&aliases, &memory.memory, 8, BYTES("c")), 0);
    assert_int_equal(aliases_out_find(&aliases, 7, BYTES("a")), 1);
    assert_int_equal(aliases_out_find(&aliases, 7, BYTES("b")), 2);
    assert_int_equal(aliases_out_find(&aliases, 8, BYTES("c")), 0);
    aliases_out_deinit(&aliases, &memory.memory);
    test_memory_end(&memory);
}

TEST(our_alias_without_memory_is_none)
{
    for (uint64_t fail = 1; fail <= 3; fail++) {
        struct test_memory memory = test_memory_start();
        struct aliases_out aliases = { .max = 2 };

        memory.state->fail_at = fail;
        memory.state->fail_until = fail;
        assert_int_equal(aliases_out_set(&aliases, &memory.memory, 7, BYTES("a")), 0);
        assert_int_equal(aliases_out_find(&aliases, 7, BYTES("a")), 0);
        assert_int_equal(aliases_out_set(&aliases, &memory.memory, 7, BYTES("a")), 1);
        aliases_out_deinit(&aliases, &memory.memory);
        test_memory_end(&memory);
    }
}
