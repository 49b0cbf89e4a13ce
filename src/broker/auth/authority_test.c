/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/authority.h"
#include "broker/auth/fixture.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

static const char rules[] = "topic read public\nuser alice\ntopic alice/#\ntopic deny alice/x\n";

/* An authority over three listeners: one with passwords, one that lets everyone in, one nobody. */
struct desk {
    struct fixture fixture;
    struct config *config;
    struct rulebook *book;
    struct test_memory memory;
    struct journal journal;
    struct authority authority;
    struct access access;
    char passwords[2 * PASSWORD_TEXT_MAX];
};

static void write_passwords(struct desk *desk, const char *password)
{
    struct password_hash hash;
    char text[PASSWORD_TEXT_MAX + 1];

    assert_int_equal(password_hash_make(&hash, PASSWORD_PBKDF2, 1, bytes_of_text(password)), 0);
    password_hash_encode(&hash, text);
    snprintf(desk->passwords, sizeof(desk->passwords), "alice:%s\n", text);
}

static void set_listener(struct desk *desk, size_t number, const char *passwords, bool anonymous)
{
    struct config_listener *listener = &desk->config->listeners[number];

    listener->settings.number = (uint16_t)number;
    listener->settings.allow_anonymous = anonymous;
    strcpy(listener->password_file, passwords);
    strcpy(listener->acl_file, "rules");
}

static void desk_open(struct desk *desk)
{
    fixture_start(&desk->fixture);
    write_passwords(desk, "wonder");
    fixture_add(&desk->fixture, "passwords", desk->passwords);
    fixture_add(&desk->fixture, "rules", rules);
    desk->config = calloc(1, sizeof(*desk->config));
    assert_non_null(desk->config);
    desk->config->listener_count = 3;
    desk->config->acl_check_subscribe = true;
    set_listener(desk, 0, "passwords", false);
    set_listener(desk, 1, "passwords", true);
    set_listener(desk, 2, "", true);
    assert_int_equal(
            rulebook_read(&desk->book, desk->config, &desk->fixture.source, &desk->fixture.report),
            0);
    desk->memory = test_memory_start();
    desk->journal = (struct journal){ 0 };
    desk->authority = (struct authority){ desk->book, &desk->memory.memory, &desk->journal, NULL };
    desk->access = authority_access(&desk->authority);
}

static void desk_close(struct desk *desk)
{
    rulebook_free(desk->book);
    free(desk->config);
    assert_int_equal(desk->memory.state->blocks, 0);
    test_memory_end(&desk->memory);
}

static struct access_verdict admit(
        struct desk *desk, unsigned listener, const char *user, const char *password)
{
    const struct mqtt_connect connect = { .client_id = BYTES("c"),
        .has_user_name = user != NULL,
        .user_name = bytes_of_text(user),
        .has_password = password != NULL,
        .password = bytes_of_text(password) };

    const struct access_arrival arrival = { &connect, &desk->config->listeners[listener].settings,
        { 0 } };

    return desk->access.admit(desk->access.context, &arrival);
}

static bool allowed(struct desk *desk, void *identity, enum access_action action, const char *topic)
{
    const struct access_request request = { .action = action,
        .identity = identity,
        .client_id = BYTES("c"),
        .topic = bytes_of_text(topic) };

    return desk->access.allows(desk->access.context, &request);
}

TEST(a_listener_lets_in_whom_its_files_know)
{
    static const struct {
        unsigned listener;
        const char *user;
        const char *password;
        enum mqtt_reason reason;
    } rows[] = {
        { 0, "alice", "wonder", MQTT_SUCCESS },
        { 0, "alice", "wrong", MQTT_NOT_AUTHORIZED },
        { 0, "alice", "", MQTT_NOT_AUTHORIZED },
        { 0, "alice", NULL, MQTT_NOT_AUTHORIZED },
        { 0, "bob", "wonder", MQTT_NOT_AUTHORIZED },
        { 0, NULL, NULL, MQTT_NOT_AUTHORIZED },
        { 0, "", NULL, MQTT_NOT_AUTHORIZED },
        { 0, NULL, "wonder", MQTT_NOT_AUTHORIZED },
        { 1, "alice", "wonder", MQTT_SUCCESS },
        { 1, "alice", "wrong", MQTT_NOT_AUTHORIZED },
        { 1, "bob", "wonder", MQTT_NOT_AUTHORIZED },
        { 1, NULL, NULL, MQTT_SUCCESS },
        { 1, "", "", MQTT_SUCCESS },
        { 2, "alice", "wrong", MQTT_SUCCESS },
        { 2, NULL, NULL, MQTT_SUCCESS },
    };
    struct desk desk;

    desk_open(&desk);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct access_verdict verdict =
                admit(&desk, rows[i].listener, rows[i].user, rows[i].password);

        if (verdict.reason != rows[i].reason)
            fail_msg("row %zu: %s", i, mqtt_reason_name(verdict.reason));
        assert_true((verdict.identity != NULL) == (verdict.reason == MQTT_SUCCESS));
        assert_true((verdict.text != NULL) == (verdict.reason != MQTT_SUCCESS));
        if (verdict.identity)
            desk.access.forget(desk.access.context, verdict.identity);
    }
    desk_close(&desk);
}

static void ring(void *context)
{
    sem_post(context);
}

/* No thread runs, so that the test decides when a check is over. */
struct office {
    struct hashers hashers;
    struct hash_desk desk;
    sem_t rings;
};

static void office_open(struct office *office, struct desk *desk)
{
    struct password_hash hash;
    char text[PASSWORD_TEXT_MAX + 1];

    desk_open(desk);
    assert_int_equal(password_hash_make(&hash, PASSWORD_PBKDF2, 1000, BYTES("wonder")), 0);
    password_hash_encode(&hash, text);
    snprintf(desk->passwords, sizeof(desk->passwords), "alice:%s\n", text);
    rulebook_free(desk->book);
    assert_int_equal(
            rulebook_read(&desk->book, desk->config, &desk->fixture.source, &desk->fixture.report),
            0);
    authority_use(&desk->authority, desk->book);
    hashers_init(&office->hashers);
    assert_int_equal(sem_init(&office->rings, 0, 0), 0);
    hash_desk_init(&office->desk, &office->hashers, ring, &office->rings);
    desk->authority.desk = &office->desk;
}

static void office_close(struct office *office, struct desk *desk)
{
    hash_desk_deinit(&office->desk, &desk->memory.memory);
    hashers_deinit(&office->hashers);
    sem_destroy(&office->rings);
    desk_close(desk);
}

/* The one check that waits is made, and comes back. */
static void check_one(struct office *office)
{
    assert_int_equal(hashers_start(&office->hashers, 1), 0);
    assert_int_equal(sem_wait(&office->rings), 0);
    hashers_stop(&office->hashers);
    office->hashers.stopping = false;
}

TEST(an_expensive_password_is_checked_later)
{
    static const struct {
        const char *user;
        const char *password;
        enum mqtt_reason reason;
    } rows[] = {
        { "alice", "wonder", MQTT_SUCCESS },
        { "alice", "wrong", MQTT_NOT_AUTHORIZED },
        /* As long for a name that there is not, and never let in by another one's password. */
        { "bob", "wonder", MQTT_NOT_AUTHORIZED },
    };
    struct office office;
    struct desk desk;

    office_open(&office, &desk);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct access_ticket ticket;
        struct access_verdict verdict = admit(&desk, 0, rows[i].user, rows[i].password);

        assert_int_equal(verdict.reason, MQTT_CONTINUE_AUTHENTICATION);
        assert_false(authority_next(&desk.authority, &ticket, &verdict));
        check_one(&office);
        assert_true(authority_next(&desk.authority, &ticket, &verdict));
        assert_int_equal(verdict.reason, rows[i].reason);
        if (verdict.identity)
            desk.access.forget(desk.access.context, verdict.identity);
    }
    assert_int_equal(admit(&desk, 0, "alice", NULL).reason, MQTT_NOT_AUTHORIZED);
    office_close(&office, &desk);
}

TEST(rules_that_change_meanwhile_count)
{
    struct office office;
    struct desk desk;
    struct access_ticket ticket;
    struct access_verdict verdict;
    struct rulebook *old;

    office_open(&office, &desk);
    old = desk.book;
    assert_int_equal(admit(&desk, 0, "alice", "wonder").reason, MQTT_CONTINUE_AUTHENTICATION);
    check_one(&office);
    write_passwords(&desk, "wonder");
    assert_int_equal(
            rulebook_read(&desk.book, desk.config, &desk.fixture.source, &desk.fixture.report), 0);
    authority_use(&desk.authority, desk.book);
    rulebook_free(old);
    assert_true(authority_next(&desk.authority, &ticket, &verdict));
    assert_int_equal(verdict.reason, MQTT_NOT_AUTHORIZED);
    office_close(&office, &desk);
}

TEST(rights_are_those_of_the_name_that_was_given)
{
    struct desk desk;
    void *alice;
    void *nobody;

    desk_open(&desk);
    alice = admit(&desk, 0, "alice", "wonder").identity;
    nobody = admit(&desk, 1, NULL, NULL).identity;
    assert_true(allowed(&desk, alice, ACCESS_PUBLISH, "alice/a"));
    assert_true(allowed(&desk, alice, ACCESS_RECEIVE, "alice/a"));
    assert_true(allowed(&desk, alice, ACCESS_SUBSCRIBE, "alice/#"));
    assert_true(allowed(&desk, alice, ACCESS_SUBSCRIBE, "$share/g/alice/#"));
    assert_false(allowed(&desk, alice, ACCESS_SUBSCRIBE, "$share/g/public"));
    assert_false(allowed(&desk, alice, ACCESS_PUBLISH, "alice/x"));
    assert_false(allowed(&desk, alice, ACCESS_RECEIVE, "public"));
    assert_true(allowed(&desk, nobody, ACCESS_RECEIVE, "public"));
    assert_false(allowed(&desk, nobody, ACCESS_PUBLISH, "public"));
    assert_false(allowed(&desk, nobody, ACCESS_SUBSCRIBE, "alice/#"));
    desk.access.forget(desk.access.context, alice);
    desk.access.forget(desk.access.context, nobody);
    desk_close(&desk);
}

TEST(standing_follows_the_rules_that_hold_now)
{
    struct desk desk;
    struct rulebook *old;
    void *alice;
    void *nobody;

    desk_open(&desk);
    alice = admit(&desk, 0, "alice", "wonder").identity;
    nobody = admit(&desk, 1, NULL, NULL).identity;
    assert_int_equal(desk.access.standing(desk.access.context, alice), ACCESS_JUDGED);
    assert_int_equal(desk.access.standing(desk.access.context, nobody), ACCESS_JUDGED);
    old = desk.book;
    write_passwords(&desk, "other");
    desk.config->listeners[1].acl_file[0] = '\0';
    assert_int_equal(
            rulebook_read(&desk.book, desk.config, &desk.fixture.source, &desk.fixture.report), 0);
    authority_use(&desk.authority, desk.book);
    rulebook_free(old);
    assert_int_equal(desk.access.standing(desk.access.context, alice), ACCESS_WITHDRAWN);
    assert_int_equal(desk.access.standing(desk.access.context, nobody), ACCESS_FREE);
    desk.access.forget(desk.access.context, alice);
    desk.access.forget(desk.access.context, nobody);
    desk_close(&desk);
}

/* The rules are read again, with the first listener's names proved by its transport, or not. */
static void prove_names(struct desk *desk, bool proved)
{
    struct rulebook *old = desk->book;

    desk->config->listeners[0].settings.user_name_proved = proved;
    assert_int_equal(
            rulebook_read(&desk->book, desk->config, &desk->fixture.source, &desk->fixture.report),
            0);
    authority_use(&desk->authority, desk->book);
    rulebook_free(old);
}

TEST(a_name_that_the_transport_has_proved_needs_no_password)
{
    struct desk desk;
    void *by_password;
    void *by_transport;

    desk_open(&desk);
    by_password = admit(&desk, 0, "alice", "wonder").identity;
    prove_names(&desk, true);
    by_transport = admit(&desk, 0, "alice", NULL).identity;
    assert_non_null(by_transport);
    assert_int_equal(desk.access.standing(desk.access.context, by_password), ACCESS_WITHDRAWN);
    assert_int_equal(desk.access.standing(desk.access.context, by_transport), ACCESS_JUDGED);
    assert_true(allowed(&desk, by_transport, ACCESS_PUBLISH, "alice/1"));
    assert_false(allowed(&desk, by_transport, ACCESS_PUBLISH, "bob/1"));
    prove_names(&desk, false);
    assert_int_equal(desk.access.standing(desk.access.context, by_transport), ACCESS_WITHDRAWN);
    desk.access.forget(desk.access.context, by_password);
    desk.access.forget(desk.access.context, by_transport);
    desk_close(&desk);
}

TEST(without_memory_for_an_identity_nobody_comes_in)
{
    struct desk desk;

    desk_open(&desk);
    desk.memory.state->fail_at = desk.memory.state->taken + 1;
    desk.memory.state->fail_until = desk.memory.state->fail_at;
    assert_int_equal(admit(&desk, 0, "alice", "wonder").reason, MQTT_SERVER_BUSY);
    desk_close(&desk);
}

TEST(a_file_that_several_listeners_name_is_read_once)
{
    struct desk desk;

    desk_open(&desk);
    assert_int_equal(desk.fixture.reads, 2);
    assert_ptr_equal(desk.book->listeners[0].passwords, desk.book->listeners[1].passwords);
    assert_ptr_equal(desk.book->listeners[0].acl, desk.book->listeners[2].acl);
    assert_null(desk.book->listeners[2].passwords);
    desk_close(&desk);
}

TEST(one_broken_file_spoils_the_book)
{
    struct desk desk;
    struct rulebook *book = NULL;

    desk_open(&desk);
    strcpy(desk.config->listeners[2].acl_file, "none");
    assert_int_equal(
            rulebook_read(&book, desk.config, &desk.fixture.source, &desk.fixture.report), -EINVAL);
    assert_null(book);
    assert_true(fixture_told(&desk.fixture, "error: none: cannot be read"));
    desk_close(&desk);
}
