/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/ledger.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

TEST(what_is_dropped_is_counted_by_its_reason)
{
    struct test_memory memory = test_memory_start();
    struct ledger ledger = { 0 };

    assert_int_equal(ledger_dropped(&ledger, DROP_QUEUE_FULL), 0);
    ledger_drop(&ledger, &memory.memory, DROP_QUEUE_FULL);
    ledger_drop(&ledger, &memory.memory, DROP_MEMORY);
    ledger_drop(&ledger, &memory.memory, DROP_QUEUE_FULL);
    assert_int_equal(ledger_dropped(&ledger, DROP_QUEUE_FULL), 2);
    assert_int_equal(ledger_dropped(&ledger, DROP_MEMORY), 1);
    assert_int_equal(ledger_dropped(&ledger, DROP_NO_MEMORY), 0);
    ledger_release(&ledger, &memory.memory);
    test_memory_end(&memory);
}

TEST(what_is_dropped_while_memory_is_short_counts_as_that)
{
    struct test_memory memory = test_memory_start();
    struct ledger ledger = { 0 };

    memory.state->fail_at = 1;
    memory.state->fail_until = 2;
    ledger_drop(&ledger, &memory.memory, DROP_QUEUE_FULL);
    ledger_drop(&ledger, &memory.memory, DROP_REFUSED);
    assert_int_equal(ledger_dropped(&ledger, DROP_NO_MEMORY), 2);
    ledger_drop(&ledger, &memory.memory, DROP_NO_MEMORY);
    ledger_drop(&ledger, &memory.memory, DROP_REFUSED);
    assert_int_equal(ledger_dropped(&ledger, DROP_NO_MEMORY), 3);
    assert_int_equal(ledger_dropped(&ledger, DROP_REFUSED), 1);
    ledger_release(&ledger, &memory.memory);
    test_memory_end(&memory);
}
