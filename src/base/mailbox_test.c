/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <pthread.h>
#include <semaphore.h>

enum { ITEMS = 50000 };

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

/* ---- Two threads, of which each sleeps until the other has left it something ---- */

struct exchange {
    struct mailbox box;
    atomic_bool asleep; /* the consumer */
    sem_t mail;
    sem_t room;
};

static void publish(struct exchange *exchange)
{
    if (mailbox_publish(&exchange->box) && atomic_exchange(&exchange->asleep, false))
        sem_post(&exchange->mail);
}

static void *produce(void *argument)
{
    struct exchange *exchange = argument;

    for (uint32_t i = 0; i < ITEMS; i++) {
        while (!mailbox_has_room(&exchange->box)) {
            publish(exchange);
            sem_wait(&exchange->room);
        }
        put_number(&exchange->box, i);
        if (i % 3 == 0)
            publish(exchange);
    }
    publish(exchange);
    return NULL;
}

static void await_mail(struct exchange *exchange)
{
    atomic_store(&exchange->asleep, true);
    if (!mailbox_waiting(&exchange->box))
        sem_wait(&exchange->mail);
    atomic_store(&exchange->asleep, false);
}

TEST(two_threads_pass_everything_once_and_in_order)
{
    struct test_memory memory = test_memory_start();
    struct exchange exchange = { .asleep = false };
    pthread_t producer;
    uint32_t expected = 0;

    assert_true(mailbox_init(&exchange.box, &memory.memory, 8, sizeof(uint32_t)));
    assert_int_equal(sem_init(&exchange.mail, 0, 0), 0);
    assert_int_equal(sem_init(&exchange.room, 0, 0), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, &exchange), 0);
    while (expected < ITEMS) {
        uint32_t number;
        void *slot;

        await_mail(&exchange);
        while ((slot = mailbox_take(&exchange.box))) {
            memcpy(&number, slot, sizeof(number));
            assert_int_equal(number, expected);
            expected++;
        }
        if (mailbox_finish(&exchange.box))
            sem_post(&exchange.room);
    }
    pthread_join(producer, NULL);
    sem_destroy(&exchange.mail);
    sem_destroy(&exchange.room);
    mailbox_deinit(&exchange.box, &memory.memory);
    test_memory_end(&memory);
}
