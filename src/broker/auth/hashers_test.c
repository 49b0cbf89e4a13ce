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
    struct hash_desk desks[2];
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
        hash_desk_init(&office->desks[i], &office->hashers, ring, &office->rings[i]);
    }
}

static void office_close(struct office *office)
{
    hashers_stop(&office->hashers);
    for (unsigned i = 0; i < 2; i++) {
        hash_desk_deinit(&office->desks[i], &office->memory.memory);
        sem_destroy(&office->rings[i]);
    }
    hashers_deinit(&office->hashers);
    test_memory_end(&office->memory);
}

static bool ask(struct office *office, unsigned desk, uint32_t number, const char *password)
{
    struct hash_check *check =
            hash_check_new(&office->memory.memory, BYTES("user"), bytes_of_text(password));

    assert_non_null(check);
    check->hash = office->hash;
    check->ticket.slot = number;
    if (hash_desk_ask(&office->desks[desk], check))
        return true;
    hash_check_free(&office->memory.memory, check);
    return false;
}

/* Takes one check back, and waits for it. */
static struct hash_check *await_check(struct office *office, unsigned desk)
{
    struct hash_check *check;

    while (!(check = hash_desk_take(&office->desks[desk])))
        assert_int_equal(sem_wait(&office->rings[desk]), 0);
    return check;
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
        uint32_t number = check->ticket.slot;

        assert_true(number < CHECKS && number % 2 == i % 2 && !seen[number]);
        seen[number] = true;
        assert_int_equal(check->result, number % 3 == 0);
        assert_true(bytes_equal(hash_check_user(check), BYTES("user")));
        hash_check_free(&office.memory.memory, check);
    }
    assert_null(hash_desk_take(&office.desks[0]));
    assert_false(hash_desk_has(&office.desks[0]));
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
    hash_check_free(&office.memory.memory, await_check(&office, 0));
    assert_true(ask(&office, 0, 0, "right"));
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

TEST(a_check_without_memory_is_none)
{
    struct office office;

    office_open(&office);
    office.memory.state->fail_at = office.memory.state->taken + 1;
    office.memory.state->fail_until = office.memory.state->fail_at;
    assert_null(hash_check_new(&office.memory.memory, BYTES("a"), BYTES("b")));
    office_close(&office);
}
