/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dtls.h"

#include "tests/harness/dtls_fixture.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void connect_client(struct dtls_fixture *f)
{
    dtls_fixture_begin(f);
    assert_int_equal(dtls_fixture_shake_hands(f), -EAGAIN);
    assert_int_equal(SSL_is_init_finished(f->client), 1);
    assert_int_equal(dtls_due_ms(f->dtls), INT64_MAX);
}

/* The server reads just that message next, of what is on its way. */
static void server_expects(struct dtls_fixture *f, struct bytes message)
{
    uint8_t read[DTLS_MESSAGE_SIZE_MAX];
    struct bytes datagram;
    int size;

    assert_true(dtls_row_take(&f->to_server, &datagram));
    dtls_receive(f->dtls, datagram);
    size = dtls_read(f->dtls, read, sizeof(read), f->now_ms);
    assert_int_equal(size, message.size);
    assert_memory_equal(read, message.data, message.size);
    assert_int_equal(dtls_read(f->dtls, read, sizeof(read), f->now_ms), -EAGAIN);
}

static void client_expects(struct dtls_fixture *f, struct bytes message)
{
    char read[DTLS_MESSAGE_SIZE_MAX];

    assert_true(dtls_row_take(&f->to_client, &f->below.came));
    assert_int_equal(SSL_read(f->client, read, sizeof(read)), message.size);
    assert_memory_equal(read, message.data, message.size);
}

static void expect_messages_both_ways(struct dtls_fixture *f)
{
    SSL_write(f->client, "one", 3);
    SSL_write(f->client, "two", 3);
    assert_int_equal(f->to_server.count, 2);
    server_expects(f, BYTES("one"));
    server_expects(f, BYTES("two"));
    dtls_send(f->dtls, BYTES("three"));
    dtls_send(f->dtls, BYTES("four"));
    assert_int_equal(f->to_client.count, 2);
    client_expects(f, BYTES("three"));
    client_expects(f, BYTES("four"));
}

TEST(a_client_with_the_key_comes_in_under_its_identity)
{
    struct dtls_fixture f;
    struct stream_peer peer = { .preliminary = true };

    dtls_fixture_open(&f, true);
    connect_client(&f);
    expect_messages_both_ways(&f);
    dtls_peer(f.dtls, &peer);
    assert_false(peer.preliminary);
    assert_string_equal(peer.psk_identity, "lamp");
    assert_string_equal(peer.tls_version, "DTLSv1.2");
    assert_null(dtls_failure(f.dtls));
    dtls_fixture_close(&f);
}

TEST(a_client_with_a_certificate_comes_in_under_its_name)
{
    struct dtls_fixture f;
    struct stream_peer peer = { 0 };

    dtls_fixture_open(&f, false);
    connect_client(&f);
    expect_messages_both_ways(&f);
    dtls_peer(f.dtls, &peer);
    assert_true(peer.certified);
    assert_string_equal(peer.common_name, "lamp \xC3\xA4");
    dtls_fixture_close(&f);
}

TEST(no_datagram_of_a_handshake_is_larger_than_the_mtu)
{
    struct dtls_fixture f;

    dtls_fixture_open(&f, false);
    dtls_fixture_begin(&f);
    dtls_fixture_client_goes(&f);
    dtls_fixture_server_goes(&f);
    dtls_fixture_client_goes(&f);
    dtls_fixture_server_goes(&f);
    assert_true(f.to_client.count > 1);
    for (size_t i = 0; i < f.to_client.count; i++)
        assert_true(f.to_client.sent[i].size <= 512);
    dtls_fixture_close(&f);
}

TEST(a_client_without_a_certificate_is_refused)
{
    struct dtls_fixture f;

    dtls_fixture_open(&f, false);
    dtls_fixture_begin(&f);
    SSL_certs_clear(f.client);
    assert_int_equal(dtls_fixture_shake_hands(&f), -EPROTO);
    assert_non_null(strstr(dtls_failure(f.dtls), "did not return a certificate"));
    dtls_fixture_close(&f);
}

TEST(a_revoked_certificate_is_refused)
{
    struct dtls_fixture f;

    dtls_fixture_open(&f, false);
    f.options.crl_file = f.certificates.crl_file;
    dtls_fixture_begin(&f);
    assert_int_equal(dtls_fixture_shake_hands(&f), -EPROTO);
    assert_string_equal(dtls_failure(f.dtls), "certificate revoked");
    dtls_fixture_close(&f);
}

/* What is said by a wrong key cannot be read, and might be another's. */
static void expect_no_end(const char *identity, const char *key, const char *told)
{
    struct dtls_fixture f;

    dtls_fixture_open(&f, true);
    f.identity = identity;
    f.key = key;
    dtls_fixture_begin(&f);
    assert_int_equal(dtls_fixture_shake_hands(&f), -EAGAIN);
    assert_true(dtls_is_unfinished(f.dtls));
    assert_non_null(strstr(dtls_unfinished_text(f.dtls), told));
    assert_true(dtls_due_ms(f.dtls) > f.now_ms && dtls_due_ms(f.dtls) <= f.now_ms + 60000);
    dtls_send(f.dtls, BYTES("for nobody"));
    assert_int_equal(f.to_client.count, 0);
    dtls_fixture_close(&f);
}

TEST(a_wrong_key_leads_to_no_end)
{
    expect_no_end("lamp", "fedcba9876543210", "pre-shared key is not the one");
    expect_no_end("door", "fedcba9876543210", "identity is unknown");
}

static int64_t now_ms(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

TEST(a_handshake_is_not_sent_again_before_its_time)
{
    struct dtls_fixture f;
    struct bytes lost;
    int64_t began_ms = now_ms();
    int64_t wait_ms;

    dtls_fixture_open(&f, true);
    dtls_fixture_begin(&f);
    dtls_fixture_client_goes(&f);
    dtls_fixture_server_goes(&f);
    dtls_fixture_client_goes(&f);
    dtls_fixture_server_goes(&f);
    assert_true(f.to_client.count > 0);
    /* OpenSSL waits for a second, and for longer where it was itself late by one. */
    wait_ms = now_ms() - began_ms < 1000 ? 1001 : 60000;
    assert_true(dtls_due_ms(f.dtls) > f.now_ms && dtls_due_ms(f.dtls) <= f.now_ms + wait_ms);
    while (dtls_row_take(&f.to_client, &lost))
        continue;
    assert_int_equal(dtls_tick(f.dtls, f.now_ms), 0);
    assert_int_equal(f.to_client.count, 0);
    dtls_fixture_close(&f);
}

TEST(what_is_not_the_clients_is_passed_over)
{
    struct dtls_fixture f;
    uint8_t read[DTLS_MESSAGE_SIZE_MAX];
    uint8_t record[64];
    struct bytes datagram;

    dtls_fixture_open(&f, true);
    connect_client(&f);
    SSL_write(f.client, "hello", 5);
    assert_true(dtls_row_take(&f.to_server, &datagram));
    assert_true(datagram.size <= sizeof(record));
    for (size_t i = 0; i < datagram.size; i++) {
        memcpy(record, datagram.data, datagram.size);
        record[i] ^= 0x55;
        dtls_receive(f.dtls, bytes_of(record, datagram.size));
        assert_int_equal(dtls_read(f.dtls, read, sizeof(read), f.now_ms), -EAGAIN);
        dtls_receive(f.dtls, bytes_of(datagram.data, i));
        assert_int_equal(dtls_read(f.dtls, read, sizeof(read), f.now_ms), -EAGAIN);
    }
    dtls_receive(f.dtls, datagram);
    assert_int_equal(dtls_read(f.dtls, read, sizeof(read), f.now_ms), 5);
    /* Once is enough. */
    dtls_receive(f.dtls, datagram);
    assert_int_equal(dtls_read(f.dtls, read, sizeof(read), f.now_ms), -EAGAIN);
    dtls_fixture_close(&f);
}

TEST(each_side_tells_its_end)
{
    struct dtls_fixture f;
    uint8_t read[DTLS_MESSAGE_SIZE_MAX];
    struct bytes datagram;

    dtls_fixture_open(&f, true);
    connect_client(&f);
    SSL_shutdown(f.client);
    assert_true(dtls_row_take(&f.to_server, &datagram));
    dtls_receive(f.dtls, datagram);
    assert_int_equal(dtls_read(f.dtls, read, sizeof(read), f.now_ms), 0);
    dtls_fixture_end(&f);

    connect_client(&f);
    dtls_close(f.dtls);
    f.dtls = NULL;
    assert_true(dtls_row_take(&f.to_client, &f.below.came));
    assert_int_equal(SSL_read(f.client, read, sizeof(read)), 0);
    assert_int_equal(SSL_get_shutdown(f.client), SSL_RECEIVED_SHUTDOWN);
    dtls_fixture_close(&f);
}

TEST(messages_have_a_largest_size)
{
    static uint8_t large[DTLS_MESSAGE_SIZE_MAX + 1];
    struct dtls_fixture f;

    dtls_fixture_open(&f, true);
    connect_client(&f);
    dtls_send(f.dtls, bytes_of(large, sizeof(large)));
    assert_int_equal(f.to_client.count, 0);
    dtls_send(f.dtls, bytes_of(large, DTLS_MESSAGE_SIZE_MAX));
    client_expects(&f, bytes_of(large, DTLS_MESSAGE_SIZE_MAX));
    dtls_fixture_close(&f);
}

TEST(clients_are_judged_by_newer_files)
{
    struct dtls_fixture f;
    struct tls_server *now;
    char told[FAILURE_SIZE];

    dtls_fixture_open(&f, false);
    connect_client(&f);
    f.options.reading = 1;
    assert_int_equal(tls_server_new(&now, &f.options, told), 0);
    assert_null(dtls_objection(f.dtls, now));
    tls_server_unref(now);
    f.options.crl_file = f.certificates.crl_file;
    assert_int_equal(tls_server_new(&now, &f.options, told), 0);
    assert_string_equal(dtls_objection(f.dtls, now), "certificate revoked");
    tls_server_unref(now);
    dtls_fixture_close(&f);
}

TEST(a_client_comes_again_by_a_ticket)
{
    struct dtls_fixture f;
    SSL_SESSION *session;

    dtls_fixture_open(&f, false);
    connect_client(&f);
    session = SSL_get1_session(f.client);
    SSL_shutdown(f.client); /* else it forgets the session */
    dtls_fixture_end(&f);
    dtls_fixture_begin(&f);
    SSL_set_session(f.client, session);
    assert_int_equal(dtls_fixture_shake_hands(&f), -EAGAIN);
    assert_int_equal(SSL_session_reused(f.client), 1);
    expect_messages_both_ways(&f);
    SSL_SESSION_free(session);
    dtls_fixture_close(&f);
}

/* Its last messages come in one datagram, so nothing is waited for in between. */
TEST(a_client_that_ends_with_its_handshake_has_nothing_due)
{
    struct dtls_fixture f;
    SSL_SESSION *session;
    struct bytes datagram;
    uint8_t all[1024];
    size_t size = 0;
    uint8_t read[DTLS_MESSAGE_SIZE_MAX];

    dtls_fixture_open(&f, false);
    connect_client(&f);
    session = SSL_get1_session(f.client);
    SSL_shutdown(f.client);
    dtls_fixture_end(&f);
    dtls_fixture_begin(&f);
    SSL_set_session(f.client, session);
    for (unsigned i = 0; i < 2; i++) {
        dtls_fixture_client_goes(&f);
        assert_int_equal(dtls_fixture_server_goes(&f), -EAGAIN);
    }
    assert_true(dtls_due_ms(f.dtls) < INT64_MAX);
    dtls_fixture_client_goes(&f);
    SSL_shutdown(f.client);
    for (; dtls_row_take(&f.to_server, &datagram); size += datagram.size) {
        assert_true(size + datagram.size <= sizeof(all));
        memcpy(all + size, datagram.data, datagram.size);
    }
    dtls_receive(f.dtls, bytes_of(all, size));
    assert_int_equal(dtls_read(f.dtls, read, sizeof(read), f.now_ms), 0);
    assert_true(dtls_due_ms(f.dtls) == INT64_MAX);
    SSL_SESSION_free(session);
    dtls_fixture_close(&f);
}

TEST(nothing_below_1_2_is_spoken)
{
    struct dtls_fixture f;

    dtls_fixture_open(&f, true);
    dtls_fixture_begin(&f);
    SSL_set_min_proto_version(f.client, DTLS1_VERSION);
    SSL_set_max_proto_version(f.client, DTLS1_VERSION);
    SSL_set_cipher_list(f.client, "PSK:@SECLEVEL=0");
    assert_int_equal(dtls_fixture_shake_hands(&f), -EPROTO);
    assert_non_null(dtls_failure(f.dtls));
    dtls_fixture_close(&f);
}

/* ---- Our own client ---- */

static void put_in_row(void *row, struct bytes datagram)
{
    struct dtls_row *of = row;
    uint8_t *copy = malloc(datagram.size);

    assert_non_null(copy);
    assert_true(of->count < DTLS_ROW_MAX);
    memcpy(copy, datagram.data, datagram.size);
    of->sent[of->count++] = (struct dtls_sent){ copy, datagram.size };
}

/* Shakes hands with the fixture's server; returns what the client's last read gave. */
static int shake_hands_by(struct dtls_fixture *f, struct dtls *client)
{
    uint8_t read[DTLS_MESSAGE_SIZE_MAX];
    struct bytes datagram;
    int result = dtls_read(client, read, sizeof(read), f->now_ms);

    while (result == -EAGAIN && f->to_server.count > 0) {
        dtls_fixture_server_goes(f);
        while (result == -EAGAIN && dtls_row_take(&f->to_client, &datagram)) {
            dtls_receive(client, datagram);
            result = dtls_read(client, read, sizeof(read), f->now_ms);
        }
    }
    return result;
}

static struct dtls *client_of(struct dtls_fixture *f, struct tls_client_options *options)
{
    char told[FAILURE_SIZE] = "";
    struct tls_client *client;
    struct dtls *dtls;

    dtls_fixture_begin(f);
    options->kind = &dtls_client_kind;
    if (tls_client_new(&client, options, told) < 0)
        fail_msg("%s", told);
    assert_int_equal(dtls_connect(&dtls, client,
                             &(struct dtls_options){
                                     .port = { put_in_row, &f->to_server }, .mtu = DTLS_MTU_MIN }),
            0);
    tls_client_free(client); /* the association has it */
    return dtls;
}

TEST(our_client_and_our_server_understand_each_other)
{
    struct tls_client_options options = { .psk_identity = "lamp",
        .psk = "30313233343536373839616263646566" };
    uint8_t read[DTLS_MESSAGE_SIZE_MAX];
    struct dtls_fixture f;
    struct dtls *client;
    struct bytes datagram;

    dtls_fixture_open(&f, true);
    client = client_of(&f, &options);
    assert_int_equal(shake_hands_by(&f, client), -EAGAIN);
    assert_false(dtls_is_unfinished(client));
    dtls_send(client, BYTES("question"));
    server_expects(&f, BYTES("question"));
    dtls_send(f.dtls, BYTES("answer"));
    assert_true(dtls_row_take(&f.to_client, &datagram));
    dtls_receive(client, datagram);
    assert_int_equal(dtls_read(client, read, sizeof(read), f.now_ms), 6);
    dtls_close(client);
    assert_true(dtls_row_take(&f.to_server, &datagram));
    dtls_receive(f.dtls, datagram);
    assert_int_equal(dtls_read(f.dtls, read, sizeof(read), f.now_ms), 0);
    dtls_fixture_close(&f);
}

TEST(our_client_takes_no_server_of_another_name)
{
    struct tls_client_options options = { .server_name = "other.example" };
    struct dtls_fixture f;
    struct dtls *client;

    dtls_fixture_open(&f, false);
    options.ca_file = f.certificates.authority_file;
    client = client_of(&f, &options);
    assert_int_equal(shake_hands_by(&f, client), -EPROTO);
    assert_non_null(strstr(dtls_failure(client), "mismatch"));
    dtls_close(client);
    dtls_fixture_close(&f);
}
