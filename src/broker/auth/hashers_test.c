/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/hashers.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <semaphore.h>

enum { CHECKS = 40 };

/* Two desks at the same threads, with a semaphore for each that is posted when something comes. */
struct office {
    struct hashers hashers;
    struct test_memory memory;
    struct password_hash hash;
    struct desk desks[2];
    sem_t rings[2];
};

static void ring(void *context)
{
    sem_post(context);
}

static void office_open(struct office *office)
{
    office->memory = test_memory_start();
    assert_int_equal(password_hash_make(&office->hash, PASSWORD_PBKDF2, 10, BYTES("right")), 0);
    hashers_init(&office->hashers);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(sem_init(&office->rings[i], 0, 0), 0);
        desk_init(&office->desks[i], ring, &office->rings[i]);
    }
}

static void office_close(struct office *office)
{
    hashers_stop(&office->hashers);
    for (unsigned i = 0; i < 2; i++) {
        desk_deinit(&office->desks[i], &office->memory.memory);
        sem_destroy(&office->rings[i]);
    }
    hashers_deinit(&office->hashers);
    test_memory_end(&office->memory);
}

static bool ask_as(
        struct office *office, unsigned desk, uint32_t number, const char *password, bool suspect)
{
    const struct login login = { .user = BYTES("user"),
        .password = bytes_of_text(password),
        .client_id = BYTES("id"),
        .peer = BYTES("here"),
        .ticket = { .slot = number } };
    struct question *question = question_new(
            &office->memory.memory, sizeof(struct hash_check), &login, &office->desks[desk], 0);
    struct hash_check *check = (struct hash_check *)question;

    assert_non_null(question);
    check->hash = office->hash;
    check->suspect = suspect;
    if (hashers_ask(&office->hashers, check))
        return true;
    question_free(&office->memory.memory, question);
    return false;
}

static bool ask(struct office *office, unsigned desk, uint32_t number, const char *password)
{
    return ask_as(office, desk, number, password, false);
}

/* Takes one check back, and waits for it. */
static struct hash_check *await_check(struct office *office, unsigned desk)
{
    struct question *question;

    while (!(question = desk_take(&office->desks[desk])))
        assert_int_equal(sem_wait(&office->rings[desk]), 0);
    return (struct hash_check *)question;
}

static void give_up(struct office *office, struct hash_check *check)
{
    question_free(&office->memory.memory, &check->question);
}

TEST(each_check_comes_back_to_its_desk_once_and_with_its_result)
{
    struct office office;
    bool seen[CHECKS] = { false };

    office_open(&office);
    assert_int_equal(hashers_start(&office.hashers, HASHERS_MAX), 0);
    for (uint32_t i = 0; i < CHECKS; i++)
        assert_true(ask(&office, i % 2, i, i % 3 == 0 ? "right" : "wrong"));
    for (uint32_t i = 0; i < CHECKS; i++) {
        struct hash_check *check = await_check(&office, i % 2);
        const struct login *login = &check->question.login;
        uint32_t number = login->ticket.slot;

        assert_true(number < CHECKS && number % 2 == i % 2 && !seen[number]);
        seen[number] = true;
        assert_int_equal(check->result, number % 3 == 0);
        assert_true(bytes_equal(login->user, BYTES("user")));
        assert_true(bytes_equal(login->client_id, BYTES("id")));
        assert_true(bytes_equal(login->peer, BYTES("here")));
        give_up(&office, check);
    }
    assert_null(desk_take(&office.desks[0]));
    assert_false(desk_has(&office.desks[0]));
    office_close(&office);
}

TEST(only_so_many_checks_wait)
{
    struct office office;

    office_open(&office);
    for (uint32_t i = 0; i < HASH_QUEUE_MAX; i++)
        assert_true(ask(&office, i % 2, i, "wrong"));
    assert_false(ask(&office, 0, 0, "wrong"));
    assert_int_equal(hashers_start(&office.hashers, 1), 0);
    give_up(&office, await_check(&office, 0));
    assert_true(ask(&office, 0, 0, "right"));
    office_close(&office);
}

TEST(the_suspect_wait_behind_the_others_and_have_less_room)
{
    static const uint32_t order[] = { 2, 3, 1 };
    struct office office;

    office_open(&office);
    assert_true(ask_as(&office, 0, 1, "wrong", true));
    assert_true(ask(&office, 0, 2, "right"));
    assert_true(ask(&office, 0, 3, "right"));
    assert_int_equal(hashers_start(&office.hashers, 1), 0);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct hash_check *check = await_check(&office, 0);

        assert_int_equal(check->question.login.ticket.slot, order[i]);
        assert_int_equal(check->result, order[i] > 1);
        give_up(&office, check);
    }
    hashers_stop(&office.hashers);
    hashers_deinit(&office.hashers);
    hashers_init(&office.hashers);
    for (uint32_t i = 0; i < HASH_SUSPECTS_MAX; i++)
        assert_true(ask_as(&office, 0, i, "wrong", true));
    assert_false(ask_as(&office, 0, HASH_SUSPECTS_MAX, "wrong", true));
    assert_true(ask(&office, 0, HASH_SUSPECTS_MAX, "right"));
    office_close(&office);
}

TEST(what_waits_or_was_not_fetched_goes_with_its_desk)
{
    struct office office;

    office_open(&office);
    assert_int_equal(hashers_start(&office.hashers, 2), 0);
    for (uint32_t i = 0; i < CHECKS; i++)
        assert_true(ask(&office, i % 2, i, "wrong"));
    assert_int_equal(sem_wait(&office.rings[1]), 0);
    office_close(&office);
}

TEST(after_the_end_checks_come_back_unchecked)
{
    struct office office;

    office_open(&office);
    assert_true(ask(&office, 0, 1, "right"));
    hashers_stop(&office.hashers);
    assert_true(ask(&office, 0, 2, "right"));
    for (uint32_t i = 1; i <= 2; i++) {
        struct hash_check *check = await_check(&office, 0);

        assert_int_equal(check->question.login.ticket.slot, i);
        assert_int_equal(check->result, -ECANCELED);
        give_up(&office, check);
    }
    office_close(&office);
}

TEST(a_question_without_memory_is_none)
{
    const struct login login = { .user = BYTES("a") };
    struct office office;

    office_open(&office);
    office.memory.state->fail_at = office.memory.state->taken + 1;
    office.memory.state->fail_until = office.memory.state->fail_at;
    assert_null(question_new(
            &office.memory.memory, sizeof(struct hash_check), &login, &office.desks[0], 0));
    office_close(&office);
}
