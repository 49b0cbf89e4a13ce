/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_psk.h"

#include "tests/harness/test.h"
#include "tests/harness/tls_fixture.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#define LAMP_KEY "0123456789abcdef"

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* The server's keys: one. Counts who holds them. */
struct store {
    struct tls_keys keys;
    unsigned references;
};

static struct bytes find(const void *context, struct bytes identity)
{
    (void)context;
    return bytes_equal(identity, BYTES("lamp")) ? BYTES(LAMP_KEY) : (struct bytes){ 0 };
}

static void *ref(void *context)
{
    ((struct store *)context)->references++;
    return context;
}

static void unref(void *context)
{
    ((struct store *)context)->references--;
}

/* What the client says it has; the callbacks find it in the SSL's application data. */
struct claim {
    struct fixture f;
    struct store store;
    struct bytes identity;
    struct bytes key;
    bool saw_hint;
    bool sha384; /* the key is for a suite with that hash */
};

static unsigned client_key(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
        unsigned char *key, unsigned key_max)
{
    struct claim *claim = SSL_get_app_data(ssl);

    assert_true(claim->identity.size < identity_max && claim->key.size <= key_max);
    claim->saw_hint |= hint && strcmp(hint, "garden") == 0;
    memcpy(identity, claim->identity.data, claim->identity.size);
    identity[claim->identity.size] = '\0';
    memcpy(key, claim->key.data, claim->key.size);
    return (unsigned)claim->key.size;
}

static int client_session(SSL *ssl, const EVP_MD *digest, const unsigned char **identity,
        size_t *identity_size, SSL_SESSION **session)
{
    static const unsigned char suites[][2] = { { 0x13, 0x01 }, { 0x13, 0x02 } };
    struct claim *claim = SSL_get_app_data(ssl);

    (void)digest;
    *session = SSL_SESSION_new();
    SSL_SESSION_set1_master_key(*session, claim->key.data, claim->key.size);
    SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, suites[claim->sha384]));
    SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
    *identity = claim->identity.data;
    *identity_size = claim->identity.size;
    return 1;
}

static void claim_open(struct claim *c, struct bytes identity, struct bytes key)
{
    *c = (struct claim){ .identity = identity, .key = key };
    c->store.keys = (struct tls_keys){ find, ref, unref, &c->store };
    fixture_open(&c->f);
    c->f.options = (struct tls_server_options){
        .keys = &c->store.keys, .psk_hint = "garden", .ciphers = "kECDHEPSK:kPSK"
    };
    SSL_CTX_set_psk_client_callback(c->f.client_context, client_key);
    SSL_CTX_set_psk_use_session_callback(c->f.client_context, client_session);
}

static int claim_connect(struct claim *c, int version)
{
    c->f.client_version_max = version;
    begin(&c->f);
    SSL_set_app_data(c->f.client, c);
    return shake_hands(&c->f);
}

static void claim_close(struct claim *c)
{
    fixture_close(&c->f);
    assert_int_equal(c->store.references, 0);
}

TEST(a_client_with_the_key_comes_in_under_its_identity)
{
    for (size_t i = 0; i < 2; i++) {
        struct stream_peer peer;
        struct claim c;

        claim_open(&c, BYTES("lamp"), BYTES(LAMP_KEY));
        assert_int_equal(claim_connect(&c, versions[i]), 0);
        stream_peer(c.f.stream, &peer);
        assert_string_equal(peer.psk_identity, "lamp");
        assert_false(peer.certified);
        assert_string_equal(peer.common_name, "");
        assert_int_equal(c.saw_hint, versions[i] == TLS1_2_VERSION);
        server_sends(&c.f, BYTES("wel"), BYTES("come"));
        claim_close(&c);
    }
}

/* Who guesses does not learn whether it is the identity or the key. */
TEST(an_unknown_identity_fails_as_a_wrong_key_does)
{
    for (size_t i = 0; i < 2; i++) {
        struct claim unknown;
        struct claim wrong;
        long errors[2];

        claim_open(&unknown, BYTES("door"), BYTES(LAMP_KEY));
        assert_int_equal(claim_connect(&unknown, versions[i]), -EPROTO);
        assert_string_equal(
                stream_failure(unknown.f.stream), "its pre-shared key's identity is unknown");
        carry(&unknown.f);
        errors[0] = SSL_do_handshake(unknown.f.client) == 1 ? 0 : (long)ERR_peek_last_error();
        claim_close(&unknown);

        claim_open(&wrong, BYTES("lamp"), BYTES("fedcba9876543210"));
        assert_int_equal(claim_connect(&wrong, versions[i]), -EPROTO);
        assert_non_null(stream_failure(wrong.f.stream));
        carry(&wrong.f);
        errors[1] = SSL_do_handshake(wrong.f.client) == 1 ? 0 : (long)ERR_peek_last_error();
        claim_close(&wrong);
        assert_int_not_equal(errors[0], 0);
        assert_int_equal(errors[0], errors[1]);
    }
}

/* OpenSSL gives identities of TLS 1.2 as texts, and would cut those of 1.3. */
TEST(an_identity_with_a_nul_is_another_one)
{
    struct claim c;

    claim_open(&c, BYTES("lamp\0door"), BYTES(LAMP_KEY));
    assert_int_equal(claim_connect(&c, TLS1_3_VERSION), -EPROTO);
    claim_close(&c);
}

TEST(a_key_for_another_hash_does_not_fit)
{
    struct claim c;

    claim_open(&c, BYTES("lamp"), BYTES(LAMP_KEY));
    c.sha384 = true;
    assert_int_equal(claim_connect(&c, TLS1_3_VERSION), -EPROTO);
    claim_close(&c);
}

TEST(a_client_without_a_key_is_refused)
{
    for (size_t i = 0; i < 2; i++) {
        struct claim c;

        claim_open(&c, BYTES("lamp"), BYTES(LAMP_KEY));
        SSL_CTX_set_psk_client_callback(c.f.client_context, NULL);
        SSL_CTX_set_psk_use_session_callback(c.f.client_context, NULL);
        assert_int_equal(claim_connect(&c, versions[i]), -EPROTO);
        claim_close(&c);
    }
}

TEST(no_tickets_are_given_that_would_outlive_a_key)
{
    for (size_t i = 0; i < 2; i++) {
        struct claim c;
        SSL_SESSION *session;

        claim_open(&c, BYTES("lamp"), BYTES(LAMP_KEY));
        assert_int_equal(claim_connect(&c, versions[i]), 0);
        server_sends(&c.f, BYTES("x"), BYTES("y"));
        session = SSL_get1_session(c.f.client);
        assert_int_equal(SSL_SESSION_has_ticket(session), 0);
        SSL_SESSION_free(session);
        claim_close(&c);
    }
}

TEST(a_hint_that_is_too_long_is_refused)
{
    char hint[PSK_MAX_IDENTITY_LEN + 2];
    char failure[FAILURE_SIZE] = "";
    struct claim c;

    memset(hint, 'x', sizeof(hint) - 1);
    hint[sizeof(hint) - 1] = '\0';
    claim_open(&c, BYTES("lamp"), BYTES(LAMP_KEY));
    c.f.options.psk_hint = hint;
    assert_int_equal(tls_server_new(&c.f.server, &c.f.options, failure), -EINVAL);
    assert_non_null(strstr(failure, "pre-shared keys cannot be offered"));
    claim_close(&c);
}
