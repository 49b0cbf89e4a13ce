/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/late.h"
#include "tests/harness/test.h"

/* Whole exchanges with these ids, one after the other. */
static void exchange(struct mqttsn_late *late, uint16_t first, unsigned count)
{
    for (uint16_t id = first; count > 0; id++) {
        if (id == 0)
            continue;
        assert_false(mqttsn_late_is_copy(late, id));
        mqttsn_late_begin(late, id);
        mqttsn_late_end(late, id);
        count--;
    }
}

TEST(copies_are_known_once_ids_have_risen)
{
    struct mqttsn_late late = { 0 };

    assert_false(mqttsn_late_is_copy(&late, 1));
    exchange(&late, 1, MQTTSN_LATE_RISES_MIN);
    assert_false(mqttsn_late_is_copy(&late, 1));
    exchange(&late, 1 + MQTTSN_LATE_RISES_MIN, 1);
    for (uint16_t id = 2; id <= 1 + MQTTSN_LATE_RISES_MIN; id++)
        assert_true(mqttsn_late_is_copy(&late, id));
    assert_false(mqttsn_late_is_copy(&late, 2 + MQTTSN_LATE_RISES_MIN));
    assert_false(mqttsn_late_is_copy(&late, 65535));
}

TEST(ids_count_on_behind_the_largest)
{
    struct mqttsn_late late = { 0 };

    exchange(&late, 65530, 20);
    assert_false(mqttsn_late_is_copy(&late, 65534));
    assert_true(mqttsn_late_is_copy(&late, 65535));
    assert_true(mqttsn_late_is_copy(&late, 14));
    assert_false(mqttsn_late_is_copy(&late, 15));
}

TEST(what_is_under_way_is_no_copy)
{
    struct mqttsn_late late = { 0 };

    exchange(&late, 1, 20);
    mqttsn_late_begin(&late, 21);
    mqttsn_late_begin(&late, 23);
    assert_false(mqttsn_late_is_copy(&late, 21));
    assert_false(mqttsn_late_is_copy(&late, 22)); /* overtaken, and comes now */
    mqttsn_late_begin(&late, 22);
    mqttsn_late_begin(&late, 21);
    mqttsn_late_end(&late, 22);
    assert_true(mqttsn_late_is_copy(&late, 22));
    assert_false(mqttsn_late_is_copy(&late, 21));
    mqttsn_late_end(&late, 21);
    assert_true(mqttsn_late_is_copy(&late, 21));
    assert_true(mqttsn_late_is_copy(&late, 20));
}

TEST(only_the_latest_are_remembered)
{
    struct mqttsn_late late = { 0 };

    exchange(&late, 1, 20);
    exchange(&late, 20 + MQTTSN_LATE_WINDOW - 1, 1);
    assert_true(mqttsn_late_is_copy(&late, 20));
    assert_false(mqttsn_late_is_copy(&late, 19));
    exchange(&late, 500, 1);
    assert_false(mqttsn_late_is_copy(&late, 20));
    assert_true(mqttsn_late_is_copy(&late, 500));
    mqttsn_late_end(&late, 20); /* too old to say */
    assert_true(mqttsn_late_is_copy(&late, 500));
}

TEST(senders_that_use_ids_again_at_once_send_new_messages)
{
    struct mqttsn_late late = { 0 };

    for (int i = 0; i < 100; i++)
        exchange(&late, 1, 1);
    for (int i = 0; i < 100; i++)
        exchange(&late, 1, MQTTSN_LATE_RISES_MIN);
}

TEST(a_sender_that_begins_anew_is_believed)
{
    struct mqttsn_late late = { 0 };

    exchange(&late, 10000, 20);
    exchange(&late, 1, 1);
    assert_false(mqttsn_late_is_copy(&late, 1));
    assert_false(mqttsn_late_is_copy(&late, 10019));
}

TEST(senders_that_go_through_a_set_of_ids_send_new_messages)
{
    for (unsigned size = 2; size <= 3 * MQTTSN_LATE_WINDOW; size++) {
        struct mqttsn_late late = { 0 };

        for (int i = 0; i < 20; i++)
            exchange(&late, 1, size);
    }
}
