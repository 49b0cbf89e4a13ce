/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <pthread.h>
#include <sched.h>

enum { ITEMS = 200000 };

static void put_number(struct mailbox *box, uint32_t number)
{
    memcpy(mailbox_put(box), &number, sizeof(number));
}

static uint32_t take_number(struct mailbox *box)
{
    uint32_t number;
    void *slot = mailbox_take(box);

    assert_non_null(slot);
    memcpy(&number, slot, sizeof(number));
    return number;
}

TEST(mail_is_seen_when_published_and_in_order)
{
    struct test_memory memory = test_memory_start();
    struct mailbox box;

    assert_true(mailbox_init(&box, &memory.memory, 4, sizeof(uint32_t)));
    assert_true(mailbox_has_room(&box));
    put_number(&box, 1);
    put_number(&box, 2);
    assert_null(mailbox_take(&box));
    assert_true(mailbox_publish(&box));
    assert_false(mailbox_publish(&box));
    assert_true(mailbox_waiting(&box));
    assert_int_equal(take_number(&box), 1);
    assert_int_equal(take_number(&box), 2);
    assert_null(mailbox_take(&box));
    assert_false(mailbox_waiting(&box));
    assert_false(mailbox_finish(&box));
    mailbox_deinit(&box, &memory.memory);
    test_memory_end(&memory);
}

TEST(producer_without_room_is_named_when_there_is_some)
{
    struct test_memory memory = test_memory_start();
    struct mailbox box;

    assert_true(mailbox_init(&box, &memory.memory, 1, sizeof(uint32_t)));
    assert_true(mailbox_has_room(&box));
    put_number(&box, 1);
    assert_false(mailbox_has_room(&box));
    mailbox_publish(&box);
    take_number(&box);
    assert_false(mailbox_has_room(&box));
    assert_true(mailbox_finish(&box));
    assert_true(mailbox_has_room(&box));
    assert_false(mailbox_finish(&box));
    mailbox_deinit(&box, &memory.memory);
    test_memory_end(&memory);
}

TEST(what_weighs_too_much_leaves_no_room_until_it_is_shed)
{
    struct test_memory memory = test_memory_start();
    struct mailbox box;

    assert_true(mailbox_init(&box, &memory.memory, 4, sizeof(uint32_t)));
    assert_true(mailbox_has_room(&box));
    put_number(&box, 1);
    mailbox_add_weight(&box, MAILBOX_WEIGHT_MAX - 1);
    assert_true(mailbox_has_room(&box));
    put_number(&box, 2);
    mailbox_add_weight(&box, MAILBOX_WEIGHT_MAX); /* the last put may pass the limit */
    assert_false(mailbox_has_room(&box));
    mailbox_publish(&box);
    take_number(&box);
    mailbox_shed_weight(&box, MAILBOX_WEIGHT_MAX - 1);
    mailbox_finish(&box);
    assert_false(mailbox_has_room(&box));
    take_number(&box);
    mailbox_shed_weight(&box, MAILBOX_WEIGHT_MAX);
    assert_true(mailbox_finish(&box));
    assert_true(mailbox_has_room(&box));
    mailbox_deinit(&box, &memory.memory);
    test_memory_end(&memory);
}

static void *produce(void *argument)
{
    struct mailbox *box = argument;

    for (uint32_t i = 0; i < ITEMS; i++) {
        while (!mailbox_has_room(box)) {
            mailbox_publish(box);
            sched_yield();
        }
        put_number(box, i);
        if (i % 3 == 0)
            mailbox_publish(box);
    }
    mailbox_publish(box);
    return NULL;
}

TEST(two_threads_pass_everything_once_and_in_order)
{
    struct test_memory memory = test_memory_start();
    struct mailbox box;
    pthread_t producer;
    uint32_t expected = 0;

    assert_true(mailbox_init(&box, &memory.memory, 8, sizeof(uint32_t)));
    assert_int_equal(pthread_create(&producer, NULL, produce, &box), 0);
    while (expected < ITEMS) {
        uint32_t number;
        void *slot;

        while ((slot = mailbox_take(&box))) {
            memcpy(&number, slot, sizeof(number));
            assert_int_equal(number, expected);
            expected++;
        }
        mailbox_finish(&box);
        sched_yield();
    }
    pthread_join(producer, NULL);
    mailbox_deinit(&box, &memory.memory);
    test_memory_end(&memory);
}
