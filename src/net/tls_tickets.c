/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 32 };

/* Of AES-256 and of HMAC-SHA-256. */
struct ticket_key {
    unsigned char name[TLS_TICKET_NAME_SIZE];
    unsigned char cipher_key[KEY_SIZE];
    unsigned char mac_key[KEY_SIZE];
};

struct tls_tickets {
    /* A handshake takes it for the time of a copy; nothing else is done under it. */
    pthread_mutex_t mutex;
    int64_t born_s;            /* of the first key */
    struct ticket_key keys[2]; /* what seals, and what sealed before */
};

static bool make_key(struct ticket_key *key)
{
    return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
            RAND_priv_bytes(key->cipher_key, sizeof(key->cipher_key)) == 1 &&
            RAND_priv_bytes(key->mac_key, sizeof(key->mac_key)) == 1;
}

struct tls_tickets *tls_tickets_new(int64_t now_s)
{
    struct tls_tickets *tickets = calloc(1, sizeof(*tickets));

    if (!tickets)
        return NULL;
    tickets->born_s = now_s;
    if (make_key(&tickets->keys[0]) && make_key(&tickets->keys[1]) &&
            pthread_mutex_init(&tickets->mutex, NULL) == 0)
        return tickets;
    OPENSSL_cleanse(tickets, sizeof(*tickets));
    free(tickets);
    return NULL;
}

void tls_tickets_free(struct tls_tickets *tickets)
{
    if (!tickets)
        return;
    pthread_mutex_destroy(&tickets->mutex);
    OPENSSL_cleanse(tickets, sizeof(*tickets));
    free(tickets);
}

/* A key seals for as long as a ticket lives, and then opens for as long. */
static bool renew(struct tls_tickets *tickets, int64_t now_s)
{
    int64_t age_s = now_s - tickets->born_s;

    if (age_s < TLS_TICKET_LIFE_S)
        return true;
    tickets->keys[1] = tickets->keys[0];
    tickets->born_s = now_s;
    return make_key(&tickets->keys[0]) &&
            (age_s < 2 * TLS_TICKET_LIFE_S || make_key(&tickets->keys[1]));
}

/* Copies the key of that name, or with NULL the one that seals. Returns its number, 2: there is
 * none, or -1: there are no random bytes. */
static int copy_key(struct tls_tickets *tickets, const unsigned char *name, struct ticket_key *out,
        int64_t now_s)
{
    int number = 0;

    pthread_mutex_lock(&tickets->mutex);
    if (!renew(tickets, now_s))
        number = -1;
    while (name && number >= 0 && number < 2 &&
            memcmp(tickets->keys[number].name, name, TLS_TICKET_NAME_SIZE) != 0)
        number++;
    if (number >= 0 && number < 2)
        *out = tickets->keys[number];
    pthread_mutex_unlock(&tickets->mutex);
    return number;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac_key, sizeof(key->mac_key)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

int tls_tickets_seal(struct tls_tickets *tickets, unsigned char name[static TLS_TICKET_NAME_SIZE],
        unsigned char iv[static EVP_MAX_IV_LENGTH], EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
        int64_t now_s)
{
    struct ticket_key key;
    int result = -1;

    if (copy_key(tickets, NULL, &key, now_s) != 0)
        return -1;
    memcpy(name, key.name, TLS_TICKET_NAME_SIZE);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher_key, iv) == 1 &&
            set_mac(mac, &key))
        result = 1;
    OPENSSL_cleanse(&key, sizeof(key));
    return result;
}

int tls_tickets_open(struct tls_tickets *tickets,
        const unsigned char name[static TLS_TICKET_NAME_SIZE], const unsigned char *iv,
        EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int64_t now_s)
{
    struct ticket_key key;
    int number = copy_key(tickets, name, &key, now_s);
    int result = -1;

    if (number < 0 || number > 1)
        return number < 0 ? -1 : 0;
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher_key, iv) == 1 &&
            set_mac(mac, &key))
        result = number == 0 ? 1 : 2;
    OPENSSL_cleanse(&key, sizeof(key));
    return result;
}
