/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/authority.h"
#include "broker/auth/fixture.h"
#include "broker/auth/token_fixture.h"
#include "broker/core/author.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

enum { FAILURE_DELAY_MS = 700 }; /* of each wrong login's refusal */

static const int64_t NOW_S = 1700000000;

static const char rules[] = "topic read public\nuser alice\ntopic alice/#\ntopic deny alice/x\n";

/* An authority over three listeners: one with passwords, one that lets everyone in, one nobody. */
struct gate {
    struct fixture fixture;
    struct config *config;
    struct rulebook *book;
    struct test_memory memory;
    struct journal journal;
    struct authority authority;
    struct access access;
    char passwords[2 * PASSWORD_TEXT_MAX];
    unsigned failures; /* that were told */
    char failed_peer[32];
    char failed_user[32];
    char failed_secret[32]; /* the beginning of it */
};

static uint32_t note_failure(void *context, const struct login_failure *failure)
{
    struct gate *gate = context;

    assert_true(failure->peer.size < sizeof(gate->failed_peer));
    gate->failures++;
    snprintf(gate->failed_peer, sizeof(gate->failed_peer), "%.*s", (int)failure->peer.size,
            (const char *)failure->peer.data);
    snprintf(gate->failed_user, sizeof(gate->failed_user), "%.*s", (int)failure->user.size,
            (const char *)failure->user.data);
    snprintf(gate->failed_secret, sizeof(gate->failed_secret), "%.*s", (int)failure->secret.size,
            (const char *)failure->secret.data);
    return FAILURE_DELAY_MS;
}

static int64_t wall_ms(void)
{
    return NOW_S * 1000;
}

static void write_passwords(struct gate *gate, const char *password)
{
    struct password_hash hash;
    char text[PASSWORD_TEXT_MAX + 1];

    assert_int_equal(password_hash_make(&hash, PASSWORD_PBKDF2, 1, bytes_of_text(password)), 0);
    password_hash_encode(&hash, text);
    snprintf(gate->passwords, sizeof(gate->passwords), "alice:%s\n", text);
}

static void set_listener(struct gate *gate, size_t number, const char *passwords, bool anonymous)
{
    struct config_listener *listener = &gate->config->listeners[number];

    listener->settings.number = (uint16_t)number;
    listener->settings.allow_anonymous = anonymous;
    strcpy(listener->password_file, passwords);
    listener->settings.port = (uint16_t)(1883 + number);
    strcpy(listener->acl_file, "rules");
}

static void gate_open(struct gate *gate)
{
    *gate = (struct gate){ .failures = 0 };
    fixture_start(&gate->fixture);
    write_passwords(gate, "wonder");
    fixture_add(&gate->fixture, "passwords", gate->passwords);
    fixture_add(&gate->fixture, "rules", rules);
    gate->config = calloc(1, sizeof(*gate->config));
    assert_non_null(gate->config);
    strcpy(gate->config->auth_order, "password jwt http");
    gate->config->listener_count = 3;
    gate->config->acl_check_subscribe = true;
    set_listener(gate, 0, "passwords", false);
    set_listener(gate, 1, "passwords", true);
    set_listener(gate, 2, "", true);
    assert_int_equal(
            rulebook_read(&gate->book, gate->config, &gate->fixture.source, &gate->fixture.report),
            0);
    gate->memory = test_memory_start();
    gate->journal = (struct journal){ 0 };
    gate->authority = (struct authority){ .book = gate->book,
        .memory = &gate->memory.memory,
        .journal = &gate->journal,
        .wall_ms = wall_ms,
        .failed = note_failure,
        .failed_context = gate };
    gate->access = authority_access(&gate->authority);
}

static void gate_close(struct gate *gate)
{
    rulebook_free(gate->book);
    free(gate->config);
    assert_int_equal(gate->memory.state->blocks, 0);
    test_memory_end(&gate->memory);
}

static struct access_verdict admit_as(struct gate *gate, unsigned listener, const char *user,
        const char *password, const char *client_id)
{
    const struct mqtt_connect connect = { .client_id = bytes_of_text(client_id),
        .has_user_name = user != NULL,
        .user_name = bytes_of_text(user),
        .has_password = password != NULL,
        .password = bytes_of_text(password) };

    const struct access_arrival arrival = { &connect, &gate->config->listeners[listener].settings,
        .peer = BYTES("10.0.0.7:1") };

    return gate->access.admit(gate->access.context, &arrival);
}

static struct access_verdict admit(
        struct gate *gate, unsigned listener, const char *user, const char *password)
{
    return admit_as(gate, listener, user, password, "c");
}

static bool allowed(struct gate *gate, void *identity, enum access_action action, const char *topic)
{
    const struct access_request request = { .action = action,
        .identity = identity,
        .client_id = BYTES("c"),
        .topic = bytes_of_text(topic) };

    return gate->access.allows(gate->access.context, &request);
}

TEST(a_listener_lets_in_whom_its_files_know)
{
    static const struct {
        unsigned listener;
        const char *user;
        const char *password;
        enum mqtt_reason reason;
        bool failed; /* the credentials were wrong */
    } rows[] = {
        { 0, "alice", "wonder", MQTT_SUCCESS },
        { 0, "alice", "wrong", MQTT_NOT_AUTHORIZED, true },
        { 0, "alice", "", MQTT_NOT_AUTHORIZED, true },
        { 0, "alice", NULL, MQTT_NOT_AUTHORIZED, true },
        { 0, "bob", "wonder", MQTT_NOT_AUTHORIZED, true },
        { 0, NULL, NULL, MQTT_NOT_AUTHORIZED },
        { 0, "", NULL, MQTT_NOT_AUTHORIZED },
        { 0, NULL, "wonder", MQTT_NOT_AUTHORIZED },
        { 1, "alice", "wonder", MQTT_SUCCESS },
        { 1, "alice", "wrong", MQTT_NOT_AUTHORIZED, true },
        { 1, "bob", "wonder", MQTT_NOT_AUTHORIZED, true },
        { 1, NULL, NULL, MQTT_SUCCESS },
        { 1, "", "", MQTT_SUCCESS },
        { 2, "alice", "wrong", MQTT_SUCCESS },
        { 2, NULL, NULL, MQTT_SUCCESS },
    };
    struct gate gate;

    gate_open(&gate);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned failures = gate.failures;
        struct access_verdict verdict =
                admit(&gate, rows[i].listener, rows[i].user, rows[i].password);

        assert_int_equal(gate.failures - failures, rows[i].failed);
        assert_int_equal(verdict.delay_ms, rows[i].failed ? FAILURE_DELAY_MS : 0);
        if (rows[i].failed)
            assert_string_equal(gate.failed_secret, rows[i].password ? rows[i].password : "");
        if (verdict.reason != rows[i].reason)
            fail_msg("row %zu: %s", i, mqtt_reason_name(verdict.reason));
        assert_true((verdict.identity != NULL) == (verdict.reason == MQTT_SUCCESS));
        assert_true((verdict.text != NULL) == (verdict.reason != MQTT_SUCCESS));
        if (verdict.identity)
            gate.access.forget(gate.access.context, verdict.identity);
    }
    gate_close(&gate);
}

static void ring(void *context)
{
    sem_post(context);
}

/* No thread runs, so that the test decides when a check is over. */
struct office {
    struct hashers hashers;
    struct desk desk;
    sem_t rings;
};

static void office_open(struct office *office, struct gate *gate)
{
    struct password_hash hash;
    char text[PASSWORD_TEXT_MAX + 1];

    gate_open(gate);
    assert_int_equal(password_hash_make(&hash, PASSWORD_PBKDF2, 1000, BYTES("wonder")), 0);
    password_hash_encode(&hash, text);
    snprintf(gate->passwords, sizeof(gate->passwords), "alice:%s\n", text);
    rulebook_free(gate->book);
    assert_int_equal(
            rulebook_read(&gate->book, gate->config, &gate->fixture.source, &gate->fixture.report),
            0);
    authority_use(&gate->authority, gate->book);
    hashers_init(&office->hashers);
    assert_int_equal(sem_init(&office->rings, 0, 0), 0);
    desk_init(&office->desk, ring, &office->rings);
    gate->authority.desk = &office->desk;
    gate->authority.hashers = &office->hashers;
}

static void office_close(struct office *office, struct gate *gate)
{
    hashers_stop(&office->hashers);
    hashers_deinit(&office->hashers);
    desk_deinit(&office->desk, &gate->memory.memory);
    sem_destroy(&office->rings);
    gate_close(gate);
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
    struct gate gate;

    office_open(&office, &gate);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct access_ticket ticket;
        struct access_verdict verdict = admit(&gate, 0, rows[i].user, rows[i].password);

        assert_int_equal(verdict.reason, MQTT_CONTINUE_AUTHENTICATION);
        assert_false(authority_next(&gate.authority, &ticket, &verdict));
        check_one(&office);
        assert_true(authority_next(&gate.authority, &ticket, &verdict));
        assert_int_equal(verdict.reason, rows[i].reason);
        assert_int_equal(gate.failures, i); /* Two of the three fail. */
        assert_string_equal(gate.failed_peer, i > 0 ? "10.0.0.7:1" : "");
        assert_int_equal(verdict.delay_ms, i > 0 ? FAILURE_DELAY_MS : 0);
        if (verdict.identity)
            gate.access.forget(gate.access.context, verdict.identity);
    }
    assert_int_equal(admit(&gate, 0, "alice", NULL).reason, MQTT_NOT_AUTHORIZED);
    office_close(&office, &gate);
}

TEST(rules_that_change_meanwhile_count)
{
    struct office office;
    struct gate gate;
    struct access_ticket ticket;
    struct access_verdict verdict;
    struct rulebook *old;

    office_open(&office, &gate);
    old = gate.book;
    assert_int_equal(admit(&gate, 0, "alice", "wonder").reason, MQTT_CONTINUE_AUTHENTICATION);
    check_one(&office);
    write_passwords(&gate, "wonder");
    assert_int_equal(
            rulebook_read(&gate.book, gate.config, &gate.fixture.source, &gate.fixture.report), 0);
    authority_use(&gate.authority, gate.book);
    rulebook_free(old);
    assert_true(authority_next(&gate.authority, &ticket, &verdict));
    /* Neither right nor wrong: it was checked against what counts no more. */
    assert_int_equal(verdict.reason, MQTT_SERVER_BUSY);
    assert_int_equal(gate.failures, 0);
    office_close(&office, &gate);
}

TEST(rights_are_those_of_the_name_that_was_given)
{
    struct gate gate;
    void *alice;
    void *nobody;

    gate_open(&gate);
    alice = admit(&gate, 0, "alice", "wonder").identity;
    nobody = admit(&gate, 1, NULL, NULL).identity;
    assert_true(allowed(&gate, alice, ACCESS_PUBLISH, "alice/a"));
    assert_true(allowed(&gate, alice, ACCESS_RECEIVE, "alice/a"));
    assert_true(allowed(&gate, alice, ACCESS_SUBSCRIBE, "alice/#"));
    assert_true(allowed(&gate, alice, ACCESS_SUBSCRIBE, "$share/g/alice/#"));
    assert_false(allowed(&gate, alice, ACCESS_SUBSCRIBE, "$share/g/public"));
    assert_false(allowed(&gate, alice, ACCESS_PUBLISH, "alice/x"));
    assert_false(allowed(&gate, alice, ACCESS_RECEIVE, "public"));
    assert_true(allowed(&gate, nobody, ACCESS_RECEIVE, "public"));
    assert_false(allowed(&gate, nobody, ACCESS_PUBLISH, "public"));
    assert_false(allowed(&gate, nobody, ACCESS_SUBSCRIBE, "alice/#"));
    gate.access.forget(gate.access.context, alice);
    gate.access.forget(gate.access.context, nobody);
    gate_close(&gate);
}

TEST(what_was_published_is_judged_by_the_names_of_who_has)
{
    struct gate gate;
    void *alice;
    struct author author = { 0, BYTES("alice"), BYTES("a1") };

    gate_open(&gate);
    alice = admit(&gate, 0, "alice", "wonder").identity;
    assert_true(bytes_equal(gate.access.name(gate.access.context, alice), BYTES("alice")));
    assert_true(gate.access.goes_by_name(gate.access.context, alice));
    assert_true(gate.access.author_may(gate.access.context, &author, BYTES("alice/a")));
    assert_false(gate.access.author_may(gate.access.context, &author, BYTES("alice/x")));
    assert_false(gate.access.author_may(gate.access.context, &author, BYTES("public")));
    author.user = BYTES("bob");
    assert_false(gate.access.author_may(gate.access.context, &author, BYTES("alice/a")));
    gate.access.forget(gate.access.context, alice);
    gate_close(&gate);
}

static void read_rules_anew(struct gate *gate)
{
    struct rulebook *old = gate->book;

    assert_int_equal(
            rulebook_read(&gate->book, gate->config, &gate->fixture.source, &gate->fixture.report),
            0);
    authority_use(&gate->authority, gate->book);
    rulebook_free(old);
}

TEST(a_listener_is_known_by_its_address_and_port)
{
    struct author author = { UINT16_MAX, BYTES("alice"), BYTES("a1") };
    struct bytes name;
    struct gate gate;

    gate_open(&gate);
    strcpy(gate.config->listeners[1].address, "::1");
    read_rules_anew(&gate);
    name = gate.access.listener_name(gate.access.context, 1);
    assert_true(bytes_equal(name, BYTES("::1:1884")));
    assert_int_equal(gate.access.listener_number(gate.access.context, name), 1);
    assert_int_equal(gate.access.listener_number(gate.access.context, BYTES(":1885")), 2);
    /* One that is gone: any will do while all have the same rules. */
    assert_int_equal(gate.access.listener_number(gate.access.context, BYTES(":1900")), 0);
    gate.config->listeners[2].acl_file[0] = '\0';
    read_rules_anew(&gate);
    assert_int_equal(gate.access.listener_number(gate.access.context, BYTES(":1900")), UINT16_MAX);
    assert_false(gate.access.author_may(gate.access.context, &author, BYTES("alice/a")));
    gate_close(&gate);
}

TEST(standing_follows_the_rules_that_hold_now)
{
    struct gate gate;
    void *alice;
    void *nobody;

    gate_open(&gate);
    alice = admit(&gate, 0, "alice", "wonder").identity;
    nobody = admit(&gate, 1, NULL, NULL).identity;
    assert_int_equal(gate.access.standing(gate.access.context, alice), ACCESS_JUDGED);
    assert_int_equal(gate.access.standing(gate.access.context, nobody), ACCESS_JUDGED);
    write_passwords(&gate, "other");
    gate.config->listeners[1].acl_file[0] = '\0';
    read_rules_anew(&gate);
    assert_int_equal(gate.access.standing(gate.access.context, alice), ACCESS_WITHDRAWN);
    assert_int_equal(gate.access.standing(gate.access.context, nobody), ACCESS_FREE);
    gate.access.forget(gate.access.context, alice);
    gate.access.forget(gate.access.context, nobody);
    gate_close(&gate);
}

/* The rules are read again, with the first listener's names proved by its transport, or not. */
static void prove_names(struct gate *gate, bool proved)
{
    struct rulebook *old = gate->book;

    gate->config->listeners[0].settings.user_name_proved = proved;
    assert_int_equal(
            rulebook_read(&gate->book, gate->config, &gate->fixture.source, &gate->fixture.report),
            0);
    authority_use(&gate->authority, gate->book);
    rulebook_free(old);
}

TEST(a_name_that_the_transport_has_proved_needs_no_password)
{
    struct gate gate;
    void *by_password;
    void *by_transport;

    gate_open(&gate);
    by_password = admit(&gate, 0, "alice", "wonder").identity;
    prove_names(&gate, true);
    by_transport = admit(&gate, 0, "alice", NULL).identity;
    assert_non_null(by_transport);
    assert_int_equal(gate.access.standing(gate.access.context, by_password), ACCESS_WITHDRAWN);
    assert_int_equal(gate.access.standing(gate.access.context, by_transport), ACCESS_JUDGED);
    assert_true(allowed(&gate, by_transport, ACCESS_PUBLISH, "alice/1"));
    assert_false(allowed(&gate, by_transport, ACCESS_PUBLISH, "bob/1"));
    prove_names(&gate, false);
    assert_int_equal(gate.access.standing(gate.access.context, by_transport), ACCESS_WITHDRAWN);
    gate.access.forget(gate.access.context, by_password);
    gate.access.forget(gate.access.context, by_transport);
    gate_close(&gate);
}

TEST(who_has_no_name_shares_an_identity_with_the_others_of_his_listener)
{
    struct gate gate;
    void *first;
    void *other;

    gate_open(&gate);
    first = admit(&gate, 1, NULL, NULL).identity;
    other = admit(&gate, 2, NULL, NULL).identity;
    assert_non_null(first);
    assert_ptr_equal(admit(&gate, 1, "", NULL).identity, first);
    assert_ptr_not_equal(other, first);
    assert_int_equal(gate.memory.state->blocks, 2);
    gate.access.forget(gate.access.context, first);
    assert_int_equal(gate.access.standing(gate.access.context, first), ACCESS_JUDGED);
    gate.access.forget(gate.access.context, first);
    assert_int_equal(gate.memory.state->blocks, 1);
    gate.access.forget(gate.access.context, other);
    gate_close(&gate);
}

TEST(without_memory_for_an_identity_nobody_comes_in)
{
    struct gate gate;

    gate_open(&gate);
    gate.memory.state->fail_at = gate.memory.state->taken + 1;
    gate.memory.state->fail_until = gate.memory.state->fail_at;
    assert_int_equal(admit(&gate, 0, "alice", "wonder").reason, MQTT_SERVER_BUSY);
    gate_close(&gate);
}

TEST(a_file_that_several_listeners_name_is_read_once)
{
    struct gate gate;

    gate_open(&gate);
    assert_int_equal(gate.fixture.reads, 2);
    assert_ptr_equal(gate.book->listeners[0].passwords, gate.book->listeners[1].passwords);
    assert_ptr_equal(gate.book->listeners[0].acl, gate.book->listeners[2].acl);
    assert_null(gate.book->listeners[2].passwords);
    gate_close(&gate);
}

TEST(one_broken_file_spoils_the_book)
{
    struct gate gate;
    struct rulebook *book = NULL;

    gate_open(&gate);
    strcpy(gate.config->listeners[2].acl_file, "none");
    assert_int_equal(
            rulebook_read(&book, gate.config, &gate.fixture.source, &gate.fixture.report), -EINVAL);
    assert_null(book);
    assert_true(fixture_told(&gate.fixture, "error: none: cannot be read"));
    gate_close(&gate);
}

/* ---- Several in order ---- */

/* The gate's listeners take tokens too, with rights of their own for the client. */
static void take_tokens(struct gate *gate, const char *order, enum config_jwt_from from)
{
    struct config_jwt *jwt = &gate->config->jwt;
    struct rulebook *old = gate->book;

    if (jwt->file[0] == '\0')
        fixture_add(&gate->fixture, "secret", SECRET_TEXT);
    *jwt = (struct config_jwt){ .file = "secret",
        .user_claim = "sub",
        .acl_claim = "acl",
        .clientid_claim = "client",
        .from = from };
    strcpy(gate->config->auth_order, order);
    assert_int_equal(
            rulebook_read(&gate->book, gate->config, &gate->fixture.source, &gate->fixture.report),
            0);
    authority_use(&gate->authority, gate->book);
    rulebook_free(old);
}

#define HEADER "{\"alg\":\"HS256\"}"
#define RIGHTS "\"acl\":[{\"permission\":\"allow\",\"action\":\"publish\",\"topic\":\"t/%u\"}]"

TEST(a_login_goes_on_to_who_knows_it)
{
    static const struct {
        const char *order;
        unsigned listener;
        const char *user;
        const char *claims; /* of a token that is the password; NULL: "wonder" is */
        enum mqtt_reason reason;
        bool failed;
    } rows[] = {
        { "password jwt", 0, "alice", NULL, MQTT_SUCCESS },
        { "password jwt", 0, "bob", "{\"sub\":\"bob\",\"client\":\"c\"}", MQTT_SUCCESS },
        { "password jwt", 0, NULL, "{\"sub\":\"bob\",\"client\":\"c\"}", MQTT_SUCCESS },
        { "password jwt", 0, "bob", NULL, MQTT_NOT_AUTHORIZED, true },
        /* A known name is judged by the file, whatever comes behind it. */
        { "password jwt", 0, "alice", "{\"sub\":\"alice\",\"client\":\"c\"}", MQTT_NOT_AUTHORIZED,
                true },
        { "jwt password", 0, "alice", "{\"sub\":\"alice\",\"client\":\"c\"}", MQTT_SUCCESS },
        { "jwt password", 0, "alice", NULL, MQTT_SUCCESS },
        { "jwt password", 0, "carol", "{\"sub\":\"bob\",\"client\":\"c\"}", MQTT_NOT_AUTHORIZED,
                true },
        { "jwt", 0, "bob", "{\"sub\":\"bob\",\"client\":\"d\"}", MQTT_NOT_AUTHORIZED, true },
        { "jwt", 0, "bob", "{\"sub\":\"bob\"}", MQTT_NOT_AUTHORIZED, true },
        { "jwt", 0, "alice", NULL, MQTT_NOT_AUTHORIZED, true },
        { "jwt", 1, NULL, NULL, MQTT_SUCCESS },
        { "jwt", 0, NULL, NULL, MQTT_NOT_AUTHORIZED },
        /* Where tokens are known, a name is not taken for granted any more. */
        { "jwt", 2, "alice", NULL, MQTT_NOT_AUTHORIZED, true },
        /* Rights that are not understood let nobody in, and are no guess. */
        { "jwt", 0, "bob", "{\"sub\":\"bob\",\"client\":\"c\",\"acl\":[1]}", MQTT_NOT_AUTHORIZED },
        { "jwt", 0, "bob", "{\"sub\":\"bob\",\"client\":\"c\",\"exp\":1}", MQTT_NOT_AUTHORIZED,
                true },
    };
    static struct token_maker maker;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gate gate;
        struct access_verdict verdict;

        gate_open(&gate);
        take_tokens(&gate, rows[i].order, CONFIG_JWT_FROM_PASSWORD);
        verdict = admit(&gate, rows[i].listener, rows[i].user,
                rows[i].claims ? token_make_by(&maker, BYTES(SECRET_TEXT), HEADER, rows[i].claims)
                               : "wonder");
        if (verdict.reason != rows[i].reason || gate.failures != rows[i].failed)
            fail_msg("row %zu: %s, %s", i, mqtt_reason_name(verdict.reason), verdict.text);
        if (verdict.identity)
            gate.access.forget(gate.access.context, verdict.identity);
        gate_close(&gate);
    }
}

TEST(a_token_that_names_no_client_id_is_for_none)
{
    static struct token_maker maker;
    struct gate gate;
    struct access_verdict verdict;

    gate_open(&gate);
    take_tokens(&gate, "jwt", CONFIG_JWT_FROM_PASSWORD);
    /* Not for one either that is about to get its id from the server. */
    verdict = admit_as(&gate, 0, NULL,
            token_make_by(&maker, BYTES(SECRET_TEXT), HEADER, "{\"sub\":\"bob\"}"), "");
    assert_int_equal(verdict.reason, MQTT_NOT_AUTHORIZED);
    assert_int_equal(gate.failures, 1);
    gate_close(&gate);
}

TEST(a_token_brings_a_name_rights_and_an_end)
{
    static struct token_maker maker;
    struct gate gate;
    void *bob;

    gate_open(&gate);
    take_tokens(&gate, "password jwt http", CONFIG_JWT_FROM_PASSWORD);
    bob = admit(&gate, 0, NULL,
            token_make_by(&maker, BYTES(SECRET_TEXT), HEADER,
                    "{\"sub\":\"bob\",\"client\":\"c\",\"exp\":1700000060," RIGHTS "}"))
                  .identity;
    assert_non_null(bob);
    assert_true(bytes_equal(identity_user(bob), BYTES("bob")));
    assert_int_equal(gate.access.lasts_ms(gate.access.context, bob), 60000);
    assert_int_equal(gate.access.standing(gate.access.context, bob), ACCESS_JUDGED);
    assert_false(gate.access.goes_by_name(gate.access.context, bob));
    assert_true(allowed(&gate, bob, ACCESS_PUBLISH, "t/bob"));
    assert_false(allowed(&gate, bob, ACCESS_PUBLISH, "t/alice"));
    assert_false(allowed(&gate, bob, ACCESS_SUBSCRIBE, "t/bob"));
    gate.access.forget(gate.access.context, bob);
    gate_close(&gate);
}

TEST(a_reload_without_the_key_withdraws_whom_it_has_proved)
{
    static struct token_maker maker;
    struct gate gate;
    void *bob;

    gate_open(&gate);
    take_tokens(&gate, "password jwt http", CONFIG_JWT_FROM_PASSWORD);
    bob = admit(&gate, 0, "bob",
            token_make_by(&maker, BYTES(SECRET_TEXT), HEADER, "{\"sub\":\"bob\",\"client\":\"c\"}"))
                  .identity;
    assert_int_equal(gate.access.lasts_ms(gate.access.context, bob), INT64_MAX);
    take_tokens(&gate, "jwt", CONFIG_JWT_FROM_PASSWORD);
    assert_int_equal(gate.access.standing(gate.access.context, bob), ACCESS_JUDGED);
    gate.fixture.texts[2] = "another secret that has more than 32 bytes";
    take_tokens(&gate, "jwt", CONFIG_JWT_FROM_PASSWORD);
    assert_int_equal(gate.access.standing(gate.access.context, bob), ACCESS_WITHDRAWN);
    gate.fixture.texts[2] = SECRET_TEXT;
    take_tokens(&gate, "password", CONFIG_JWT_FROM_PASSWORD);
    assert_true(fixture_told(&gate.fixture, "auth_jwt has no effect"));
    assert_int_equal(gate.access.standing(gate.access.context, bob), ACCESS_WITHDRAWN);
    gate.access.forget(gate.access.context, bob);
    gate_close(&gate);
}

TEST(a_token_in_the_names_place_is_no_name)
{
    static struct token_maker maker;
    struct gate gate;
    void *bob;

    gate_open(&gate);
    take_tokens(&gate, "password jwt", CONFIG_JWT_FROM_USER_NAME);
    bob = admit(&gate, 0,
            token_make_by(&maker, BYTES(SECRET_TEXT), HEADER, "{\"sub\":\"bob\",\"client\":\"c\"}"),
            NULL)
                  .identity;
    assert_true(bytes_equal(identity_user(bob), BYTES("bob")));
    gate.access.forget(gate.access.context, bob);
    assert_int_equal(admit(&gate, 0, "eyJ9.e30.AAAA", NULL).reason, MQTT_NOT_AUTHORIZED);
    assert_string_equal(gate.failed_user, "");
    assert_string_equal(gate.failed_secret, "eyJ9.e30.AAAA");
    gate_close(&gate);
}

TEST(an_order_that_is_not_known_is_told)
{
    static const char *const orders[] = { "jwt ldap", "jwt jwt", "Password" };

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct rulebook *book = NULL;
        struct gate gate;

        gate_open(&gate);
        strcpy(gate.config->auth_order, orders[i]);
        assert_int_equal(
                rulebook_read(&book, gate.config, &gate.fixture.source, &gate.fixture.report),
                -EINVAL);
        assert_null(book);
        assert_true(fixture_told(&gate.fixture, "write each of password, jwt and http"));
        gate_close(&gate);
    }
}

/* ---- A web service ---- */

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

/* What becomes of a question that cannot be made; anonymous clients are let in there. */
static struct access_verdict ask_in_vain(struct gate *gate, const char *password, bool memory)
{
    struct rulebook *old = gate->book;
    struct access_verdict verdict;

    strcpy(gate->config->auth_order, "http");
    strcpy(gate->config->http.url, "http://127.0.0.1:1/");
    gate->config->http.max_waiting = 1;
    assert_int_equal(
            rulebook_read(&gate->book, gate->config, &gate->fixture.source, &gate->fixture.report),
            0);
    authority_use(&gate->authority, gate->book);
    rulebook_free(old);
    if (!memory)
        json_set_alloc_funcs(no_memory, free);
    verdict = admit(gate, 2, NULL, password);
    json_set_alloc_funcs(malloc, free);
    return verdict;
}

TEST(without_memory_to_ask_the_service_nobody_comes_in)
{
    struct gate gate;
    struct access_verdict verdict;

    gate_open(&gate);
    assert_int_equal(ask_in_vain(&gate, "wonder", false).reason, MQTT_SERVER_BUSY);
    /* What JSON cannot say is no service's to judge. */
    verdict = ask_in_vain(&gate, "\xff", true);
    assert_int_equal(verdict.reason, MQTT_SUCCESS);
    gate.access.forget(gate.access.context, verdict.identity);
    gate_close(&gate);
}
