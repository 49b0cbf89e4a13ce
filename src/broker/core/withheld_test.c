/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/withheld.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

TEST(acknowledgements_leave_in_the_order_of_their_publishes)
{
    struct test_memory memory = test_memory_start();
    struct withheld withheld = { 0 };
    struct acknowledgement out;

    assert_null(withheld_last(&withheld));
    assert_false(withheld_take(&withheld, &memory.memory, &out));
    for (uint16_t id = 1; id <= 20; id++) {
        struct acknowledgement *last;

        assert_true(withheld_add(&withheld, &memory.memory));
        last = withheld_last(&withheld);
        last->waits = id % 2;
        assert_false(id == 1 && withheld_take(&withheld, &memory.memory, &out));
        last->packet_id = id;
    }
    /* The second is complete, but stands behind the first. */
    assert_false(withheld_take(&withheld, &memory.memory, &out));
    for (uint64_t serial = 0; serial < 20; serial++) {
        assert_int_equal(withheld_find(&withheld, serial)->packet_id, serial + 1);
        withheld_find(&withheld, serial)->waits = 0;
        assert_true(withheld_take(&withheld, &memory.memory, &out));
        assert_int_equal(out.packet_id, serial + 1);
        assert_null(withheld_find(&withheld, serial));
    }
    assert_null(withheld_find(&withheld, 20));
    test_memory_end(&memory); /* Empty, it owns none. */
}

TEST(serials_are_not_used_again)
{
    struct test_memory memory = test_memory_start();
    struct withheld withheld = { 0 };
    uint64_t first;

    assert_true(withheld_add(&withheld, &memory.memory));
    first = withheld_last(&withheld)->serial;
    withheld_reset(&withheld, &memory.memory);
    assert_null(withheld_find(&withheld, first));
    assert_true(withheld_add(&withheld, &memory.memory));
    assert_null(withheld_find(&withheld, first));
    assert_ptr_equal(withheld_find(&withheld, first + 1), withheld_last(&withheld));
    withheld_reset(&withheld, &memory.memory);
    test_memory_end(&memory);
}

TEST(without_memory_nothing_is_added)
{
    struct test_memory memory = test_memory_start();
    struct withheld withheld = { 0 };
    uint32_t count = 0;

    memory.state->fail_at = 2;
    memory.state->fail_until = 2;
    while (withheld_add(&withheld, &memory.memory))
        count++;
    assert_int_equal(withheld.count, count);
    assert_int_equal(withheld_last(&withheld)->serial, count - 1);
    assert_true(withheld_add(&withheld, &memory.memory));
    withheld_reset(&withheld, &memory.memory);
    test_memory_end(&memory);
}
