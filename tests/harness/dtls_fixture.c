/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/dtls_fixture.h"

#include "net/dtls_hello.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define LAMP_KEY "0123456789abcdef"

enum { MTU = 512, CLIENT_WAITS_US = 600000000 };

static const uint8_t cookie[DTLS_COOKIE_SIZE] = { 1, 2, 3 };

/* ---- Rows ---- */

static void send_in_row(void *row, struct bytes datagram)
{
    struct dtls_row *of = row;
    struct dtls_sent *sent = &of->sent[of->count++];

    assert_true(of->count <= DTLS_ROW_MAX);
    *sent = (struct dtls_sent){ malloc(datagram.size + 1), datagram.size };
    assert_non_null(sent->data);
    memcpy(sent->data, datagram.data, datagram.size);
}

bool dtls_row_take(struct dtls_row *row, struct bytes *out)
{
    static uint8_t taken[65536];

    if (row->count == 0)
        return false;
    memcpy(taken, row->sent[0].data, row->sent[0].size);
    *out = bytes_of(taken, row->sent[0].size);
    free(row->sent[0].data);
    memmove(row->sent, row->sent + 1, --row->count * sizeof(row->sent[0]));
    return true;
}

static void empty_row(struct dtls_row *row)
{
    struct bytes unused;

    while (dtls_row_take(row, &unused))
        continue;
}

/* ---- Keys ---- */

static struct bytes find(const void *context, struct bytes identity)
{
    (void)context;
    return bytes_equal(identity, BYTES("lamp")) ? BYTES(LAMP_KEY) : (struct bytes){ 0 };
}

static void *ref(void *context)
{
    return context;
}

static void unref(void *context)
{
    (void)context;
}

static unsigned client_key(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
        unsigned char *key, unsigned key_max)
{
    const struct dtls_fixture *f = SSL_get_app_data(ssl);

    (void)hint;
    if (!f->identity)
        return 0;
    assert_true(strlen(f->identity) < identity_max && strlen(f->key) <= key_max);
    memcpy(identity, f->identity, strlen(f->identity) + 1);
    memcpy(key, f->key, strlen(f->key));
    return (unsigned)strlen(f->key);
}

/* ---- The whole ---- */

static void use_certificates(struct dtls_fixture *f)
{
    struct certificates *made = &f->certificates;

    f->options.pair = (struct tls_pair){ made->server_file, made->server_key_file };
    f->options.ca_file = made->authority_file;
    f->options.require_certificate = true;
    assert_int_equal(SSL_CTX_load_verify_file(f->client_context, made->authority_file), 1);
    SSL_CTX_set_verify(f->client_context, SSL_VERIFY_PEER, NULL);
    assert_int_equal(SSL_CTX_use_certificate(f->client_context, made->client.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(f->client_context, made->client.key), 1);
}

void dtls_fixture_open(struct dtls_fixture *f, bool keys)
{
    *f = (struct dtls_fixture){ .options = { .datagrams = true, .psk_hint = "garden" },
        .identity = "lamp",
        .key = LAMP_KEY,
        .now_ms = 1000 };
    certificates_init(&f->certificates);
    f->client_context = SSL_CTX_new(DTLS_client_method());
    f->method = dtls_below_method_new();
    assert_non_null(f->client_context);
    assert_non_null(f->method);
    f->keys = (struct tls_keys){ find, ref, unref, f };
    f->below.port = (struct dtls_port){ send_in_row, &f->to_server };
    if (!keys) {
        use_certificates(f);
        return;
    }
    f->options.keys = &f->keys;
    f->options.ciphers = "kECDHEPSK:kPSK";
    SSL_CTX_set_psk_client_callback(f->client_context, client_key);
}

void dtls_fixture_close(struct dtls_fixture *f)
{
    dtls_fixture_end(f);
    tls_server_unref(f->server);
    SSL_CTX_free(f->client_context);
    BIO_meth_free(f->method);
    certificates_deinit(&f->certificates);
    ERR_clear_error();
}

/* The client sends nothing again on a machine that stands still for a second: rows lose nothing. */
static unsigned wait_long(SSL *ssl, unsigned timer_us)
{
    (void)ssl;
    (void)timer_us;
    return CLIENT_WAITS_US;
}

void dtls_fixture_begin(struct dtls_fixture *f)
{
    char told[FAILURE_SIZE] = "";
    BIO *bio = BIO_new(f->method);

    if (!f->server && tls_server_new(&f->server, &f->options, told) < 0)
        fail_msg("%s", told);
    f->client = SSL_new(f->client_context);
    assert_non_null(bio);
    assert_non_null(f->client);
    BIO_set_data(bio, &f->below);
    BIO_set_init(bio, 1);
    SSL_set_bio(f->client, bio, bio);
    SSL_set_options(f->client, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(f->client, MTU);
    DTLS_set_timer_cb(f->client, wait_long);
    SSL_set_app_data(f->client, f);
    SSL_set_connect_state(f->client);
}

void dtls_fixture_end(struct dtls_fixture *f)
{
    dtls_close(f->dtls);
    SSL_free(f->client);
    f->dtls = NULL;
    f->client = NULL;
    empty_row(&f->to_server);
    empty_row(&f->to_client);
    ERR_clear_error();
}

void dtls_fixture_client_goes(struct dtls_fixture *f)
{
    ERR_clear_error();
    do
        SSL_do_handshake(f->client);
    while (dtls_row_take(&f->to_client, &f->below.came));
}

/* Asks for the cookie, or begins. */
static void greet(struct dtls_fixture *f, struct bytes datagram)
{
    uint8_t data[DTLS_VERIFY_SIZE];
    struct writer answer = { .data = data, .size = sizeof(data) };
    struct dtls_hello hello;

    if (!dtls_hello_decode(&hello, datagram)) /* the rest of one */
        return;
    if (hello.cookie.size > 0) {
        struct dtls_options options = {
            .port = { send_in_row, &f->to_client }, .hello = datagram, .mtu = MTU
        };

        assert_true(bytes_equal(hello.cookie, bytes_of(cookie, sizeof(cookie))));
        assert_true(dtls_accept(&f->dtls, f->server, &options) == 0 || f->may_fail);
        return;
    }
    dtls_verify_encode(&answer, &hello, cookie);
    assert_false(answer.failed);
    send_in_row(&f->to_client, writer_written(&answer));
}

int dtls_fixture_server_goes(struct dtls_fixture *f)
{
    struct bytes datagram = { 0 };
    int result = -EAGAIN;

    while (dtls_row_take(&f->to_server, &datagram)) {
        uint8_t message[DTLS_MESSAGE_SIZE_MAX];

        if (!f->dtls)
            greet(f, datagram);
        else
            dtls_receive(f->dtls, datagram);
        if (f->dtls)
            result = dtls_read(f->dtls, message, sizeof(message), f->now_ms);
        assert_true(result <= 0);
    }
    return result;
}

int dtls_fixture_shake_hands(struct dtls_fixture *f)
{
    int result = -EAGAIN;

    do {
        dtls_fixture_client_goes(f);
        result = dtls_fixture_server_goes(f);
    } while (result == -EAGAIN && f->to_client.count > 0);
    return result;
}
