/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/client_id.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

enum { SIZE_MAX_TRIED = 3 * CLIENT_ID_NEAR_MAX };

TEST(an_id_of_any_size_is_given_back_also_where_it_has_moved)
{
    static const uint8_t letters[SIZE_MAX_TRIED] =
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    struct test_memory memory = test_memory_start();

    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        struct client_id first;
        struct client_id moved;

        assert_true(client_id_init(&first, &memory.memory, bytes_of(letters, size)));
        assert_int_equal(memory.state->blocks, size > CLIENT_ID_NEAR_MAX);
        moved = first;
        memset(&first, 0xFF, sizeof(first));
        assert_true(bytes_equal(client_id_bytes(&moved), bytes_of(letters, size)));
        client_id_deinit(&moved, &memory.memory);
        assert_int_equal(client_id_bytes(&moved).size, 0);
        assert_int_equal(memory.state->blocks, 0);
    }
    test_memory_end(&memory);
}

TEST(an_id_that_memory_is_too_short_for_is_empty)
{
    static const uint8_t letters[CLIENT_ID_NEAR_MAX + 1] = { 'a' };
    struct test_memory memory = test_memory_start();
    struct client_id id;

    memory.state->fail_at = memory.state->fail_until = 1;
    assert_false(client_id_init(&id, &memory.memory, bytes_of(letters, sizeof(letters))));
    assert_int_equal(client_id_bytes(&id).size, 0);
    client_id_deinit(&id, &memory.memory);
    test_memory_end(&memory);
}
