/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/exchange.h"

#include "broker/auth/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

enum {
    CHANCE_SIZE = 18, /* of a nonce; a multiple of 3, so that its base64 has no '=' */
    NONCE_SIZE = CHANCE_SIZE / 3 * 4,
};

enum exchange_state { EXPECT_FIRST, EXPECT_FINAL, OVER };

struct exchange {
    enum exchange_state state;
    bool known; /* the user has a key; else the exchange goes on in vain */
    size_t expected_size;
    uint8_t expected[SCRAM_MESSAGE_MAX];
    size_t user_size;
    uint8_t user[SCRAM_MESSAGE_MAX];
    struct scram scram;
};

struct exchange *exchange_new(const struct memory *memory, struct bytes expected)
{
    struct exchange *exchange = memory_take_zeroed(memory, sizeof(*exchange));

    if (!exchange)
        return NULL;
    exchange->expected_size = expected.size;
    /* A name that is longer is nobody's here, and its size alone says so. */
    if (expected.size > 0 && expected.size <= sizeof(exchange->expected))
        memcpy(exchange->expected, expected.data, expected.size);
    return exchange;
}

void exchange_free(const struct memory *memory, struct exchange *exchange)
{
    if (!exchange)
        return;
    OPENSSL_cleanse(exchange, sizeof(*exchange));
    memory_give(memory, exchange, sizeof(*exchange));
}

struct bytes exchange_user(const struct exchange *exchange)
{
    return bytes_of(exchange->user, exchange->user_size);
}

static bool is_expected(const struct exchange *exchange)
{
    struct bytes expected = bytes_of(exchange->expected, exchange->expected_size);

    return expected.size == 0 || bytes_equal(expected, exchange_user(exchange));
}

static enum mqtt_reason begin(struct exchange *exchange, const struct password_file *file,
        struct bytes data, struct bytes *answer)
{
    struct scram_first first;
    struct password_hash key;
    uint8_t chance[CHANCE_SIZE];
    unsigned char nonce[NONCE_SIZE + 1];

    if (!scram_first_read(&first, data))
        return MQTT_NOT_AUTHORIZED;
    exchange->user_size = scram_name_read(first.user, exchange->user);
    /* To come in as somebody else is nobody's right. */
    if (exchange->user_size == 0 || !is_expected(exchange) ||
            (first.as.size > 0 && !bytes_equal(first.as, first.user)))
        return MQTT_NOT_AUTHORIZED;
    if (RAND_bytes(chance, sizeof(chance)) != 1)
        return MQTT_SERVER_BUSY;
    EVP_EncodeBlock(nonce, chance, sizeof(chance));
    exchange->known = password_file_scram_key(file, exchange_user(exchange), &key);
    *answer = scram_begin(&exchange->scram, &first, &key, bytes_of(nonce, NONCE_SIZE));
    exchange->state = EXPECT_FINAL;
    OPENSSL_cleanse(&key, sizeof(key));
    return MQTT_CONTINUE_AUTHENTICATION;
}

bool exchange_was_heard(const struct exchange *exchange)
{
    return exchange->state == OVER && exchange->scram.heard;
}

/* A reload may have given the user another key since the exchange began. */
static bool has_that_key(const struct password_user *user, const struct password_hash *key)
{
    return user && user->hash.algorithm == PASSWORD_SCRAM_SHA256 &&
            memcmp(user->hash.hash, key->hash, key->hash_size) == 0;
}

static enum mqtt_reason finish(struct exchange *exchange, const struct password_file *file,
        struct bytes data, struct bytes *answer, const struct password_user **user)
{
    const struct password_user *found = password_file_find(file, exchange_user(exchange));

    exchange->state = OVER;
    if (!scram_finish(&exchange->scram, data, answer) || !exchange->known ||
            !has_that_key(found, &exchange->scram.key))
        return MQTT_NOT_AUTHORIZED;
    *user = found;
    return MQTT_SUCCESS;
}

enum mqtt_reason exchange_take(struct exchange *exchange, const struct password_file *file,
        struct bytes data, struct bytes *answer, const struct password_user **user)
{
    *answer = (struct bytes){ 0 };
    switch (exchange->state) {
    case EXPECT_FIRST:
        /* A client may leave it to the server to ask: SCRAM's first word is the client's. */
        return data.size == 0 ? MQTT_CONTINUE_AUTHENTICATION : begin(exchange, file, data, answer);
    case EXPECT_FINAL:
        return finish(exchange, file, data, answer, user);
    case OVER:
        break;
    }
    return MQTT_NOT_AUTHORIZED;
}
