/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/tls_fixture.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 100000 }; /* of carrying bytes to and fro until something is to have happened */

void fixture_open(struct fixture *f)
{
    *f = (struct fixture){ 0 };
    certificates_init(&f->certificates);
    f->options = (struct tls_server_options){
        .pair = { f->certificates.server_file, f->certificates.server_key_file },
        .application = "mqtt",
    };
    f->client_context = SSL_CTX_new(TLS_client_method());
    assert_non_null(f->client_context);
    assert_int_equal(
            SSL_CTX_load_verify_file(f->client_context, f->certificates.authority_file), 1);
    SSL_CTX_set_verify(f->client_context, SSL_VERIFY_PEER, NULL);
}

void show_certificate(struct fixture *f)
{
    assert_int_equal(
            SSL_CTX_use_certificate(f->client_context, f->certificates.client.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(f->client_context, f->certificates.client.key), 1);
}

void make_server(struct fixture *f)
{
    char failure[FAILURE_SIZE] = "";

    if (tls_server_new(&f->server, &f->options, failure) < 0)
        fail_msg("%s", failure);
}

/* A new connection; nothing has passed yet. */
void begin(struct fixture *f)
{
    if (!f->server)
        make_server(f);
    scripted_init(&f->below, (struct bytes){ 0 });
    f->below.read_max = f->step;
    assert_int_equal(tls_accept(&f->stream, &f->below.stream, f->server), 0);
    f->client = SSL_new(f->client_context);
    assert_non_null(f->client);
    SSL_set_max_proto_version(f->client, f->client_version_max);
    SSL_set_bio(f->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(f->client);
}

void end_connection(struct fixture *f)
{
    stream_close(f->stream, STREAM_END_CLEAN);
    assert_true(f->below.closed);
    scripted_deinit(&f->below);
    SSL_free(f->client);
    free(f->carried);
    f->carried = NULL;
    ERR_clear_error();
}

void fixture_close(struct fixture *f)
{
    if (f->client)
        end_connection(f);
    SSL_CTX_free(f->client_context);
    tls_server_unref(f->server);
    certificates_deinit(&f->certificates);
}

/* Carries what each side has written to the other one. */
void carry(struct fixture *f)
{
    BIO *out = SSL_get_wbio(f->client);
    size_t kept = f->below.input.size;
    size_t size = BIO_ctrl_pending(out);
    uint8_t *joined = malloc(kept + size + 1);
    struct bytes output = scripted_take_output(&f->below);

    assert_non_null(joined);
    if (kept > 0)
        memcpy(joined, f->below.input.data, kept);
    if (size > 0)
        assert_int_equal(BIO_read(out, joined + kept, (int)size), size);
    free(f->carried);
    f->carried = joined;
    f->below.input = bytes_of(joined, kept + size);
    if (output.size > 0)
        assert_int_equal(
                BIO_write(SSL_get_rbio(f->client), output.data, (int)output.size), output.size);
    if (f->step > 0)
        f->below.room = f->step;
}

/* Reads on both sides until the client's handshake is over, or the server's stream fails. */
int shake_hands(struct fixture *f)
{
    uint8_t byte;

    if (f->step > 0)
        f->below.room = f->step;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        int result;

        SSL_peek(f->client, &byte, 1); /* what comes behind the handshake is read as well */
        ERR_clear_error();
        carry(f);
        result = stream_read(f->stream, &byte, 1);
        if (result != -EAGAIN)
            return result;
        if (SSL_is_init_finished(f->client) && f->below.input.size == 0 &&
                BIO_ctrl_pending(SSL_get_rbio(f->client)) == 0 &&
                stream_waits(f->stream, STREAM_IN) == STREAM_IN)
            return 0;
    }
    fail_msg("no end of the handshake");
    return -1;
}

void connect_client(struct fixture *f)
{
    begin(f);
    if (shake_hands(f) != 0)
        fail_msg("%s", stream_failure(f->stream));
}

/* ---- Bytes ---- */

void client_sends(struct fixture *f, struct bytes bytes)
{
    assert_int_equal(SSL_write(f->client, bytes.data, (int)bytes.size), bytes.size);
    carry(f);
}

void server_expects(struct fixture *f, struct bytes bytes)
{
    uint8_t *read = malloc(bytes.size);
    size_t total = 0;

    for (int i = 0; i < ROUNDS_MAX && total < bytes.size; i++) {
        int size = stream_read(f->stream, read + total, bytes.size - total);

        assert_true(size > 0 || size == -EAGAIN);
        total += size > 0 ? (size_t)size : 0;
    }
    assert_int_equal(total, bytes.size);
    assert_memory_equal(read, bytes.data, bytes.size);
    free(read);
}

/* Writes two pieces, again and again what was not taken, while the client reads. */
void server_sends(struct fixture *f, struct bytes head, struct bytes tail)
{
    uint8_t *read = malloc(head.size + tail.size);
    size_t wanted = head.size + tail.size;
    size_t taken = 0;
    size_t total = 0;

    for (int i = 0; i < ROUNDS_MAX && total < wanted; i++) {
        size_t of_head = taken < head.size ? taken : head.size;
        struct iovec pieces[] = { stream_piece(bytes_from(head, of_head)),
            stream_piece(bytes_from(tail, taken - of_head)) };
        int size = stream_write(f->stream, pieces, 2);

        assert_true(size >= 0 || size == -EAGAIN);
        taken += size > 0 ? (size_t)size : 0;
        carry(f);
        size = SSL_read(f->client, read + total, (int)(wanted - total));
        total += size > 0 ? (size_t)size : 0;
    }
    assert_int_equal(taken, wanted);
    assert_memory_equal(read, head.data, head.size);
    assert_memory_equal(read + head.size, tail.data, tail.size);
    free(read);
}

/* A session that the client may come again with. */
SSL_SESSION *take_session(struct fixture *f)
{
    SSL_SESSION *session;

    server_sends(f, BYTES("x"), BYTES("y")); /* a ticket of 1.3 comes behind the handshake */
    session = SSL_get1_session(f->client);
    assert_non_null(session);
    SSL_set_shutdown(f->client, SSL_SENT_SHUTDOWN); /* or OpenSSL would not come again with it */
    end_connection(f);
    return session;
}

bool resumes(struct fixture *f, SSL_SESSION *session)
{
    begin(f);
    SSL_set_session(f->client, session);
    assert_int_equal(shake_hands(f), 0);
    return SSL_session_reused(f->client) == 1;
}

void require_certificate(struct fixture *f)
{
    f->options.ca_file = f->certificates.authority_file;
    f->options.require_certificate = true;
}
