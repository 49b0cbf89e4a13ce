/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/enhanced.h"

#include "broker/auth/authority.h"
#include "broker/auth/fixture.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY = PASSWORD_SCRAM_KEY_SIZE, MESSAGE_SIZE = 1024 };

/* An authority over two listeners: one with a password file, one with names that are proved. */
struct gate {
    struct fixture fixture;
    struct config *config;
    struct rulebook *book;
    struct test_memory memory;
    struct journal journal;
    struct authority authority;
    struct access access;
    char passwords[3 * PASSWORD_TEXT_MAX];
    unsigned failures;
    bool was_heard; /* by who failed last */
};

static uint32_t note_failure(void *context, const struct login_failure *failure)
{
    struct gate *gate = context;

    assert_true(bytes_equal(failure->peer, BYTES("10.0.0.7:1")));
    assert_true(failure->secret.size > 0);
    gate->failures++;
    gate->was_heard = failure->answered;
    return 7;
}

static void read_passwords(struct gate *gate, const char *password)
{
    struct password_hash key;
    struct password_hash hash;
    char key_text[PASSWORD_TEXT_MAX + 1];
    char hash_text[PASSWORD_TEXT_MAX + 1];

    assert_int_equal(
            password_hash_make(&key, PASSWORD_SCRAM_SHA256, 7, bytes_of_text(password)), 0);
    assert_int_equal(password_hash_make(&hash, PASSWORD_PBKDF2, 1, BYTES("build")), 0);
    password_hash_encode(&key, key_text);
    password_hash_encode(&hash, hash_text);
    snprintf(gate->passwords, sizeof(gate->passwords), "al,i=ce:%s\nbob:%s\n", key_text, hash_text);
    rulebook_free(gate->book);
    assert_int_equal(
            rulebook_read(&gate->book, gate->config, &gate->fixture.source, &gate->fixture.report),
            0);
    authority_use(&gate->authority, gate->book);
}

static void gate_open(struct gate *gate)
{
    *gate = (struct gate){ .failures = 0 };
    fixture_start(&gate->fixture);
    fixture_add(&gate->fixture, "passwords", gate->passwords);
    gate->config = calloc(1, sizeof(*gate->config));
    assert_non_null(gate->config);
    strcpy(gate->config->auth_order, "password jwt http");
    gate->config->listener_count = 2;
    for (uint16_t i = 0; i < 2; i++) {
        gate->config->listeners[i].settings.number = i;
        strcpy(gate->config->listeners[i].password_file, "passwords");
    }
    gate->config->listeners[1].settings.user_name_proved = true;
    gate->memory = test_memory_start();
    gate->authority = (struct authority){ .memory = &gate->memory.memory,
        .journal = &gate->journal,
        .failed = note_failure,
        .failed_context = gate };
    gate->access = authority_access(&gate->authority);
    read_passwords(gate, "wonder");
}

static void gate_close(struct gate *gate)
{
    rulebook_free(gate->book);
    free(gate->config);
    assert_int_equal(gate->memory.state->blocks, 0);
    test_memory_end(&gate->memory);
}

/* A client on its way in, or in. */
struct client {
    struct gate *gate;
    const char *method;
    const char *user; /* of CONNECT; NULL: none */
    unsigned listener;
    void *exchange;
    void *identity;
    struct access_answer answer;
    bool asked;
};

static enum mqtt_reason say(struct client *client, const char *data)
{
    const struct mqtt_connect connect = { .has_user_name = client->user != NULL,
        .user_name = bytes_of_text(client->user) };
    const struct access_step step = {
        .connect = client->asked ? NULL : &connect,
        .listener = &client->gate->config->listeners[client->listener].settings,
        .peer = BYTES("10.0.0.7:1"),
        .identity = client->identity,
        .method = bytes_of_text(client->method ? client->method : "SCRAM-SHA-256"),
        .data = bytes_of_text(data),
    };
    struct access *access = &client->gate->access;
    enum mqtt_reason reason;

    client->answer = (struct access_answer){ .identity = NULL };
    reason = access->authenticate(access->context, &step, &client->exchange, &client->answer);
    client->asked = true;
    return reason;
}

static void leave(struct client *client)
{
    struct access *access = &client->gate->access;

    if (client->exchange)
        access->end_exchange(access->context, client->exchange);
    if (client->identity)
        access->forget(access->context, client->identity);
}

static void hmac(const uint8_t *key, struct bytes text, uint8_t *out)
{
    assert_non_null(HMAC(EVP_sha256(), key, KEY, text.data, text.size, out, NULL));
}

/* What a client that knows the password says at last, to what the server has answered to `bare`. */
static const char *final_of(const char *bare, struct bytes answer, const char *password)
{
    static char message[MESSAGE_SIZE];
    char said[MESSAGE_SIZE];
    char without_proof[256];
    char nonce[128];
    char salt_text[128];
    uint8_t salt[PASSWORD_SALT_MAX + 3];
    uint8_t salted[KEY];
    uint8_t client_key[KEY];
    uint8_t stored[KEY];
    uint8_t proof[KEY];
    char proof_text[64];
    unsigned rounds;

    snprintf(said, sizeof(said), "%.*s", (int)answer.size, (const char *)answer.data);
    assert_int_equal(sscanf(said, "r=%127[^,],s=%127[^,],i=%u", nonce, salt_text, &rounds), 3);
    assert_int_equal(EVP_DecodeBlock(salt, (const uint8_t *)salt_text, 24), 18); /* 16 and "==" */
    assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt,
                             PASSWORD_SCRAM_SALT_SIZE, (int)rounds, EVP_sha256(), KEY, salted),
            1);
    hmac(salted, BYTES("Client Key"), client_key);
    assert_int_equal(EVP_Digest(client_key, KEY, stored, NULL, EVP_sha256(), NULL), 1);
    snprintf(without_proof, sizeof(without_proof), "c=biws,r=%s", nonce);
    snprintf(said, sizeof(said), "%s,%.*s,%s", bare, (int)answer.size, (const char *)answer.data,
            without_proof);
    hmac(stored, bytes_of_text(said), proof);
    for (int i = 0; i < KEY; i++)
        proof[i] ^= client_key[i];
    EVP_EncodeBlock((unsigned char *)proof_text, proof, KEY);
    snprintf(message, sizeof(message), "%s,p=%s", without_proof, proof_text);
    return message;
}

#define ALICE "n=al=2Ci=3Dce,r=abc"

static enum mqtt_reason log_in(struct client *client, const char *bare, const char *password)
{
    char first[128];
    enum mqtt_reason reason;

    snprintf(first, sizeof(first), "n,,%s", bare);
    reason = say(client, first);
    if (reason != MQTT_CONTINUE_AUTHENTICATION)
        return reason;
    return say(client, final_of(bare, client->answer.data, password));
}

TEST(who_knows_the_password_comes_in)
{
    struct gate gate;
    struct client client = { .gate = &gate };

    gate_open(&gate);
    assert_int_equal(log_in(&client, ALICE, "wonder"), MQTT_SUCCESS);
    assert_true(bytes_start_with(client.answer.data, BYTES("v=")));
    client.identity = client.answer.identity;
    assert_true(bytes_equal(identity_user(client.identity), BYTES("al,i=ce")));
    assert_int_equal(gate.access.standing(gate.access.context, client.identity), ACCESS_FREE);
    assert_int_equal(gate.failures, 0);
    leave(&client);
    gate_close(&gate);
}

TEST(the_server_may_be_left_to_ask)
{
    struct gate gate;
    struct client client = { .gate = &gate, .user = "al,i=ce" };

    gate_open(&gate);
    assert_int_equal(say(&client, ""), MQTT_CONTINUE_AUTHENTICATION);
    assert_int_equal(client.answer.data.size, 0);
    assert_int_equal(log_in(&client, ALICE, "wonder"), MQTT_SUCCESS);
    client.identity = client.answer.identity;
    leave(&client);
    gate_close(&gate);
}

TEST(who_does_not_know_it_stays_out)
{
    static const struct {
        const char *bare;
        const char *password;
        const char *user; /* of CONNECT */
        bool hears;       /* what is said to it, before it fails */
    } rows[] = {
        { ALICE, "Wonder", .hears = true },
        { ALICE, "", .hears = true },
        { "n=nobody,r=abc", "wonder", .hears = true },
        { "n=bob,r=abc", "build", .hears = true }, /* his hash is of another kind */
        { ALICE, "wonder", "bob" },
        { "n=al,r=", "wonder" },
        { "n==,r=abc", "wonder" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gate gate;
        struct client client = { .gate = &gate, .user = rows[i].user };

        gate_open(&gate);
        assert_int_equal(log_in(&client, rows[i].bare, rows[i].password), MQTT_NOT_AUTHORIZED);
        assert_int_equal(gate.failures, 1);
        assert_int_equal(gate.was_heard, rows[i].hears);
        assert_int_equal(client.answer.delay_ms, 7);
        assert_null(client.answer.identity);
        leave(&client);
        gate_close(&gate);
    }
}

TEST(nobody_is_told_whether_there_is_such_a_user)
{
    static const char *const names[] = { "n,,n=nobody,r=abc", "n,,n=bob,r=abc", ("n,," ALICE) };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct gate gate;
        struct client client = { .gate = &gate };
        struct client again = { .gate = &gate };
        char answer[256];

        gate_open(&gate);
        assert_int_equal(say(&client, names[i]), MQTT_CONTINUE_AUTHENTICATION);
        snprintf(answer, sizeof(answer), "%.*s", (int)client.answer.data.size,
                (const char *)client.answer.data.data);
        assert_non_null(strstr(answer, ",i=7"));
        assert_int_equal(say(&again, names[i]), MQTT_CONTINUE_AUTHENTICATION);
        /* Another nonce, the same salt. */
        assert_false(bytes_equal(again.answer.data, bytes_of_text(answer)));
        assert_memory_equal(again.answer.data.data + again.answer.data.size - 28,
                answer + strlen(answer) - 28, 28);
        leave(&client);
        leave(&again);
        gate_close(&gate);
    }
}

TEST(who_authenticates_again_must_be_the_same)
{
    struct gate gate;
    struct client client = { .gate = &gate };

    gate_open(&gate);
    assert_int_equal(log_in(&client, ALICE, "wonder"), MQTT_SUCCESS);
    client.identity = client.answer.identity;
    gate.access.end_exchange(gate.access.context, client.exchange);
    client.exchange = NULL;
    assert_int_equal(say(&client, "n,,n=bob,r=abc"), MQTT_NOT_AUTHORIZED);
    gate.access.end_exchange(gate.access.context, client.exchange);
    client.exchange = NULL;
    assert_int_equal(log_in(&client, ALICE, "wonder"), MQTT_SUCCESS);
    gate.access.forget(gate.access.context, client.answer.identity);
    leave(&client);
    gate_close(&gate);
}

TEST(a_new_password_counts_from_the_reload_on)
{
    struct gate gate;
    struct client client = { .gate = &gate };
    struct client late = { .gate = &gate };

    gate_open(&gate);
    assert_int_equal(log_in(&client, ALICE, "wonder"), MQTT_SUCCESS);
    client.identity = client.answer.identity;
    assert_int_equal(say(&late, "n,," ALICE), MQTT_CONTINUE_AUTHENTICATION);
    read_passwords(&gate, "other");
    assert_int_equal(gate.access.standing(gate.access.context, client.identity), ACCESS_WITHDRAWN);
    assert_int_equal(say(&late, final_of(ALICE, late.answer.data, "wonder")), MQTT_NOT_AUTHORIZED);
    leave(&client);
    leave(&late);
    gate_close(&gate);
}

TEST(other_methods_and_listeners_that_prove_names_are_refused)
{
    struct gate gate;
    struct client plus = { .gate = &gate, .method = "SCRAM-SHA-256-PLUS" };
    struct client proved = { .gate = &gate, .listener = 1 };

    gate_open(&gate);
    assert_int_equal(say(&plus, "n,," ALICE), MQTT_BAD_AUTHENTICATION_METHOD);
    assert_int_equal(say(&proved, "n,," ALICE), MQTT_BAD_AUTHENTICATION_METHOD);
    assert_int_equal(gate.failures, 0);
    leave(&plus);
    leave(&proved);
    gate_close(&gate);
}

TEST(a_password_file_that_is_not_asked_knows_nobody)
{
    struct gate gate;
    struct client client = { .gate = &gate };

    gate_open(&gate);
    strcpy(gate.config->auth_order, "jwt http");
    read_passwords(&gate, "wonder");
    assert_int_equal(say(&client, "n,," ALICE), MQTT_BAD_AUTHENTICATION_METHOD);
    leave(&client);
    gate_close(&gate);
}

TEST(short_memory_refuses_and_leaks_nothing)
{
    for (uint64_t fail_at = 1; fail_at <= 2; fail_at++) {
        struct gate gate;
        struct client client = { .gate = &gate };

        gate_open(&gate);
        gate.memory.state->fail_at = gate.memory.state->taken + fail_at;
        gate.memory.state->fail_until = UINT64_MAX;
        assert_int_equal(log_in(&client, ALICE, "wonder"), MQTT_SERVER_BUSY);
        assert_int_equal(gate.failures, 0);
        leave(&client);
        gate_close(&gate);
    }
}
