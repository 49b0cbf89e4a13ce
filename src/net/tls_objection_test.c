/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_objection.h"

#include "tests/harness/test.h"
#include "tests/harness/tls_fixture.h"

#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>

enum { JUDGES = 3, JUDGED_TIMES = 20 };

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* What a server made of the options as they are now says of the peer who has come in. */
static const char *objection(struct fixture *f)
{
    char failure[FAILURE_SIZE];
    struct tls_server *now;
    const char *text;

    f->options.reading++;
    if (tls_server_new(&now, &f->options, failure) < 0)
        fail_msg("%s", failure);
    text = stream_objection(f->stream, now);
    tls_server_unref(now);
    return text;
}

static void connect_with_certificate(struct fixture *f, int version)
{
    fixture_open(f);
    f->client_version_max = version;
    require_certificate(f);
    show_certificate(f);
    connect_client(f);
}

/* The same client, at a server that has another certificate and the same authority for clients. */
static void connect_as(struct fixture *f, const struct certificates *certificates)
{
    fixture_open(f);
    require_certificate(f);
    f->options.ca_file = certificates->authority_file;
    SSL_CTX_use_certificate(f->client_context, certificates->client.certificate);
    SSL_CTX_use_PrivateKey(f->client_context, certificates->client.key);
    connect_client(f);
}

/* ---- Certificates ---- */

TEST(a_client_whose_certificate_is_still_good_stays)
{
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;

        connect_with_certificate(&f, versions[i]);
        assert_null(objection(&f));
        fixture_close(&f);
    }
}

TEST(a_certificate_that_is_revoked_meanwhile_is_objected_to)
{
    struct fixture f;

    connect_with_certificate(&f, 0);
    f.options.crl_file = f.certificates.crl_file;
    assert_string_equal(objection(&f), "certificate revoked");
    fixture_close(&f);
}

TEST(a_certificate_of_an_authority_that_is_gone_is_objected_to)
{
    struct fixture f;

    connect_with_certificate(&f, 0);
    f.options.ca_file = f.certificates.server_file;
    assert_string_equal(objection(&f), "self-signed certificate in certificate chain");
    fixture_close(&f);
}

TEST(a_certificate_that_ends_while_its_client_is_here_does_not_end_it)
{
    struct fixture f;

    fixture_open(&f);
    X509_gmtime_adj(X509_getm_notAfter(f.certificates.client.certificate), -10);
    X509_sign(f.certificates.client.certificate, f.certificates.authority.key, EVP_sha256());
    require_certificate(&f);
    f.options.ignore_dates = true;
    show_certificate(&f);
    connect_client(&f);
    f.options.ignore_dates = false;
    assert_null(objection(&f));
    fixture_close(&f);
}

TEST(where_certificates_are_required_now_a_client_without_one_is_objected_to)
{
    struct fixture f;

    fixture_open(&f);
    connect_client(&f);
    assert_null(objection(&f));
    require_certificate(&f);
    assert_string_equal(objection(&f), "it has not shown a certificate, which is required now");
    fixture_close(&f);
}

TEST(files_that_are_not_newer_object_to_nobody)
{
    struct fixture f;
    struct tls_server *older;
    char failure[FAILURE_SIZE];

    fixture_open(&f);
    f.options.reading = 7;
    connect_client(&f);
    require_certificate(&f);
    assert_int_equal(tls_server_new(&older, &f.options, failure), 0);
    assert_null(stream_objection(f.stream, older));
    tls_server_unref(older);
    fixture_close(&f);
}

TEST(who_still_shakes_hands_is_not_judged_yet)
{
    struct fixture f;

    fixture_open(&f);
    begin(&f);
    require_certificate(&f);
    assert_null(objection(&f));
    fixture_close(&f);
}

/* ---- Several threads ---- */

/* A thread with a peer of its own, which it judges together with the others. */
struct judge {
    struct fixture fixture;
    pthread_t thread;
    pthread_barrier_t *all;
    const struct tls_server *now;
    const char *objection;
};

static void *judge(void *context)
{
    struct judge *judge = context;

    pthread_barrier_wait(judge->all);
    judge->objection = stream_objection(judge->fixture.stream, judge->now);
    return NULL;
}

static void judge_all(struct judge judges[], pthread_barrier_t *all, const struct tls_server *now)
{
    for (size_t i = 0; i < JUDGES; i++) {
        judges[i].all = all;
        judges[i].now = now;
        assert_int_equal(pthread_create(&judges[i].thread, NULL, judge, &judges[i]), 0);
    }
    for (size_t i = 0; i < JUDGES; i++)
        assert_int_equal(pthread_join(judges[i].thread, NULL), 0);
}

/* The thread sanitizer sees what they share: the authority and its list of revocations. */
TEST(several_threads_judge_by_the_same_files_at_once)
{
    struct judge judges[JUDGES] = { 0 };
    struct fixture *first = &judges[0].fixture;
    char failure[FAILURE_SIZE];
    pthread_barrier_t all;

    assert_int_equal(pthread_barrier_init(&all, NULL, JUDGES), 0);
    connect_with_certificate(first, 0);
    for (size_t i = 1; i < JUDGES; i++)
        connect_as(&judges[i].fixture, &first->certificates);
    first->options.crl_file = first->certificates.crl_file;
    for (int i = 0; i < JUDGED_TIMES; i++) {
        struct tls_server *now;

        first->options.reading++;
        assert_int_equal(tls_server_new(&now, &first->options, failure), 0);
        judge_all(judges, &all, now);
        for (size_t j = 0; j < JUDGES; j++)
            assert_string_equal(judges[j].objection, "certificate revoked");
        tls_server_unref(now);
    }
    for (size_t i = 0; i < JUDGES; i++)
        fixture_close(&judges[i].fixture);
    pthread_barrier_destroy(&all);
}

/* ---- Chains ---- */

/* The client's certificate is signed by one that the client shows as well. */
static void connect_by_an_authority_between(
        struct fixture *f, struct identity *between, int version)
{
    struct identity client;

    fixture_open(f);
    f->client_version_max = version;
    identity_init(between, "between", &f->certificates.authority);
    identity_extend(between, NID_basic_constraints, "critical,CA:TRUE", &f->certificates.authority);
    identity_init(&client, "lamp", between);
    assert_int_equal(SSL_CTX_use_certificate(f->client_context, client.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(f->client_context, client.key), 1);
    assert_int_equal(SSL_CTX_add1_chain_cert(f->client_context, between->certificate), 1);
    identity_deinit(&client);
    require_certificate(f);
    connect_client(f);
}

/* OpenSSL puts the client's own certificate alone into a ticket. */
TEST(a_chain_is_known_still_after_its_client_has_come_back_by_a_ticket)
{
    for (size_t i = 0; i < 2; i++) {
        struct identity between;
        SSL_SESSION *session;
        struct fixture f;

        connect_by_an_authority_between(&f, &between, versions[i]);
        assert_null(objection(&f));
        session = take_session(&f);
        assert_true(resumes(&f, session));
        assert_null(objection(&f));
        SSL_SESSION_free(session);
        /* And after a second one, which the first has given. */
        session = take_session(&f);
        assert_true(resumes(&f, session));
        assert_null(objection(&f));
        f.options.ca_file = f.certificates.server_file;
        assert_non_null(objection(&f));
        SSL_SESSION_free(session);
        identity_deinit(&between);
        fixture_close(&f);
    }
}

/* ---- Keys ---- */

/* One key, or none. */
struct store {
    struct tls_keys keys;
    struct bytes key;
};

static struct bytes find(const void *context, struct bytes identity)
{
    return bytes_equal(identity, BYTES("lamp")) ? ((const struct store *)context)->key
                                                : (struct bytes){ 0 };
}

static void *ref(void *context)
{
    return context;
}

static void unref(void *context)
{
    (void)context;
}

static struct store store_of(struct bytes key)
{
    return (struct store){ .keys = { .find = find, .ref = ref, .unref = unref }, .key = key };
}

static unsigned client_key(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
        unsigned char *key, unsigned key_max)
{
    (void)ssl;
    (void)hint;
    assert_true(identity_max > 4 && key_max >= 16);
    strcpy(identity, "lamp");
    memcpy(key, "0123456789abcdef", 16);
    return 16;
}

static const char *objection_with(struct fixture *f, struct bytes key)
{
    struct tls_server_options before = f->options;
    struct store store = store_of(key);
    const char *text;

    store.keys.context = &store;
    f->options.keys = &store.keys;
    text = objection(f);
    f->options.keys = before.keys;
    return text;
}

TEST(a_client_whose_key_is_gone_or_changed_is_objected_to)
{
    for (size_t i = 0; i < 2; i++) {
        struct store store = store_of(BYTES("0123456789abcdef"));
        struct fixture f;

        fixture_open(&f);
        store.keys.context = &store;
        f.options = (struct tls_server_options){ .keys = &store.keys, .ciphers = "kECDHEPSK" };
        f.client_version_max = versions[i];
        SSL_CTX_set_psk_client_callback(f.client_context, client_key);
        connect_client(&f);
        assert_null(objection_with(&f, BYTES("0123456789abcdef")));
        assert_string_equal(objection_with(&f, (struct bytes){ 0 }), "its pre-shared key is gone");
        assert_string_equal(
                objection_with(&f, BYTES("0123456789abcdeF")), "its pre-shared key has changed");
        assert_string_equal(
                objection_with(&f, BYTES("0123456789")), "its pre-shared key has changed");
        fixture_close(&f);
    }
}

TEST(where_keys_are_required_now_a_client_of_certificates_is_objected_to)
{
    struct store store = store_of(BYTES("0123456789abcdef"));
    struct fixture f;

    connect_with_certificate(&f, 0);
    store.keys.context = &store;
    f.options = (struct tls_server_options){ .keys = &store.keys };
    assert_string_equal(
            objection(&f), "it has not come in by a pre-shared key, which is required now");
    fixture_close(&f);
}
