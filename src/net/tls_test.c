/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include "tests/harness/test.h"
#include "tests/harness/tls_fixture.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LARGE = 200 * 1000,
    KEY_UPDATES = 10000,
};

static struct bytes large_bytes(void)
{
    static uint8_t bytes[LARGE];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    return bytes_of(bytes, sizeof(bytes));
}

static void expect_traffic_by_single_bytes(int version, const char *name)
{
    struct fixture f;
    struct stream_peer peer;

    fixture_open(&f);
    f.client_version_max = version;
    f.step = 1;
    connect_client(&f);
    stream_peer(f.stream, &peer);
    assert_string_equal(peer.tls_version, name);
    assert_true(strlen(peer.tls_cipher) > 0);
    assert_false(peer.certified);
    client_sends(&f, BYTES("hello"));
    server_expects(&f, BYTES("hello"));
    server_sends(&f, BYTES("good"), BYTES("bye"));
    fixture_close(&f);
}

TEST(tls_1_2_works_when_every_byte_comes_alone)
{
    expect_traffic_by_single_bytes(TLS1_2_VERSION, "TLSv1.2");
}

TEST(tls_1_3_works_when_every_byte_comes_alone)
{
    expect_traffic_by_single_bytes(TLS1_3_VERSION, "TLSv1.3");
}

TEST(large_writes_are_taken_in_parts_and_come_whole)
{
    struct fixture f;

    fixture_open(&f);
    connect_client(&f);
    for (size_t room = 100; room < 40000; room += 7777) {
        f.step = room;
        f.below.room = room;
        server_sends(&f, BYTES("head"), large_bytes());
    }
    fixture_close(&f);
}

TEST(a_packets_head_and_tail_are_one_record)
{
    struct fixture f;
    struct iovec pieces[] = { stream_piece(BYTES("head")), stream_piece((struct bytes){ 0 }),
        stream_piece(BYTES("tail")) };
    uint8_t read[16];

    fixture_open(&f);
    connect_client(&f);
    assert_int_equal(stream_write(f.stream, pieces, 3), 8);
    carry(&f);
    assert_int_equal(SSL_read(f.client, read, sizeof(read)), 8);
    assert_memory_equal(read, "headtail", 8);
    fixture_close(&f);
}

TEST(bytes_that_lie_inside_are_read_without_waiting)
{
    struct fixture f;
    uint8_t read[1000];
    size_t total = 0;

    fixture_open(&f);
    connect_client(&f);
    client_sends(&f, large_bytes());
    while (total < LARGE) {
        int size = stream_read(f.stream, read, sizeof(read));

        assert_true(size > 0);
        total += (size_t)size;
        assert_true(f.below.input.size > 0 || total == LARGE ||
                stream_waits(f.stream, STREAM_IN) & STREAM_READY);
        assert_int_equal(stream_waits(f.stream, 0), 0);
    }
    assert_int_equal(stream_read(f.stream, read, sizeof(read)), -EAGAIN);
    assert_int_equal(stream_waits(f.stream, STREAM_IN), STREAM_IN);
    fixture_close(&f);
}

TEST(the_rest_of_a_record_is_waited_for)
{
    struct fixture f;
    uint8_t read[100];

    fixture_open(&f);
    connect_client(&f);
    client_sends(&f, BYTES("hello"));
    f.below.input.size -= 1;
    assert_int_equal(stream_read(f.stream, read, sizeof(read)), -EAGAIN);
    assert_int_equal(stream_waits(f.stream, STREAM_IN | STREAM_OUT), STREAM_IN | STREAM_OUT);
    f.below.input = bytes_of(f.below.input.data, 1);
    assert_int_equal(stream_read(f.stream, read, sizeof(read)), 5);
    fixture_close(&f);
}

TEST(a_read_that_must_write_first_waits_for_that)
{
    struct fixture f;
    uint8_t byte;

    fixture_open(&f);
    begin(&f);
    f.below.room = 0;
    SSL_do_handshake(f.client);
    carry(&f);
    assert_int_equal(stream_read(f.stream, &byte, 1), -EAGAIN);
    assert_int_equal(stream_waits(f.stream, STREAM_IN), STREAM_OUT);
    assert_int_equal(stream_waits(f.stream, STREAM_OUT), STREAM_OUT);
    f.below.room = SIZE_MAX;
    assert_int_equal(shake_hands(&f), 0);
    fixture_close(&f);
}

TEST(a_flood_of_key_updates_does_not_hold_a_read)
{
    struct fixture f;
    uint8_t byte;
    unsigned reads = 1;

    fixture_open(&f);
    connect_client(&f);
    for (int i = 0; i < KEY_UPDATES; i++) {
        assert_int_equal(SSL_key_update(f.client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(f.client), 1);
    }
    client_sends(&f, BYTES("x"));
    while (stream_read(f.stream, &byte, 1) == -EAGAIN) {
        reads++;
        assert_true(f.below.input.size > 0);
        assert_int_equal(stream_waits(f.stream, STREAM_IN), STREAM_IN);
    }
    assert_int_equal(byte, 'x');
    assert_true(reads > 1);
    fixture_close(&f);
}

/* ---- The end ---- */

TEST(the_clients_end_is_an_end_with_and_without_a_close_notify)
{
    for (int abrupt = 0; abrupt < 2; abrupt++) {
        struct fixture f;
        uint8_t read[10];

        fixture_open(&f);
        connect_client(&f);
        client_sends(&f, BYTES("last"));
        if (!abrupt)
            SSL_shutdown(f.client);
        carry(&f);
        f.below.ended = true;
        assert_int_equal(stream_read(f.stream, read, sizeof(read)), 4);
        while (stream_waits(f.stream, STREAM_IN) == STREAM_IN && f.below.input.size > 0)
            assert_int_equal(stream_read(f.stream, read, sizeof(read)), -EAGAIN);
        assert_int_equal(stream_read(f.stream, read, sizeof(read)), 0);
        assert_int_equal(stream_read(f.stream, read, sizeof(read)), 0);
        fixture_close(&f);
    }
}

TEST(our_end_is_written_when_there_is_room_for_it)
{
    struct fixture f;
    uint8_t read[10];

    fixture_open(&f);
    connect_client(&f);
    f.below.room = 0;
    assert_int_equal(stream_shutdown(f.stream), -EAGAIN);
    assert_int_equal(stream_waits(f.stream, STREAM_OUT), STREAM_OUT);
    assert_false(f.below.shut);
    f.below.room = SIZE_MAX;
    assert_int_equal(stream_shutdown(f.stream), 0);
    assert_true(f.below.shut);
    carry(&f);
    assert_int_equal(SSL_read(f.client, read, sizeof(read)), 0);
    assert_int_equal(SSL_get_shutdown(f.client), SSL_RECEIVED_SHUTDOWN);
    client_sends(&f, BYTES("late"));
    server_expects(&f, BYTES("late"));
    fixture_close(&f);
}

TEST(an_abrupt_end_says_nothing)
{
    struct fixture f;

    fixture_open(&f);
    connect_client(&f);
    scripted_take_output(&f.below);
    stream_close(f.stream, STREAM_END_ABRUPT);
    assert_int_equal(scripted_take_output(&f.below).size, 0);
    assert_int_equal(f.below.how, STREAM_END_ABRUPT);
    scripted_deinit(&f.below);
    SSL_free(f.client);
    f.client = NULL;
    free(f.carried);
    fixture_close(&f);
}

/* ---- Failures ---- */

TEST(what_is_not_tls_fails_for_good_and_says_why)
{
    struct fixture f;
    uint8_t byte;

    fixture_open(&f);
    begin(&f);
    f.below.input = BYTES("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00");
    assert_null(stream_failure(f.stream));
    assert_int_equal(stream_read(f.stream, &byte, 1), -EPROTO);
    assert_non_null(stream_failure(f.stream));
    assert_int_equal(stream_read(f.stream, &byte, 1), -EPROTO);
    assert_int_equal(stream_write(f.stream, &(struct iovec){ &byte, 1 }, 1), -EPROTO);
    assert_int_equal(stream_shutdown(f.stream), 0);
    fixture_close(&f);
}

TEST(an_end_in_the_handshake_is_a_failure)
{
    struct fixture f;
    uint8_t byte;

    fixture_open(&f);
    begin(&f);
    SSL_do_handshake(f.client);
    carry(&f);
    assert_int_equal(stream_read(f.stream, &byte, 1), -EAGAIN);
    f.below.ended = true;
    assert_int_equal(stream_read(f.stream, &byte, 1), -ECONNRESET);
    assert_string_equal(
            stream_failure(f.stream), "the connection ended in the middle of the handshake");
    fixture_close(&f);
}

TEST(after_a_fault_and_a_shutdown_what_comes_is_thrown_away)
{
    struct fixture f;
    uint8_t byte;

    fixture_open(&f);
    begin(&f);
    f.below.input = BYTES("GET / HTTP/1.1");
    assert_int_equal(stream_read(f.stream, &byte, 1), -EPROTO);
    assert_int_equal(stream_shutdown(f.stream), 0);
    assert_true(f.below.shut);
    f.below.input = BYTES("x");
    f.below.ended = true;
    assert_int_equal(stream_waits(f.stream, STREAM_IN), STREAM_IN);
    while (f.below.input.size > 0)
        assert_int_equal(stream_read(f.stream, &byte, 1), -EAGAIN);
    assert_int_equal(stream_read(f.stream, &byte, 1), 0);
    fixture_close(&f);
}

/* With that for the first bytes the stream fails, and says so. */
static void expect_no_tls(struct bytes first, const char *failure)
{
    struct fixture f;
    uint8_t byte;

    fixture_open(&f);
    begin(&f);
    f.below.input = first;
    assert_int_equal(stream_read(f.stream, &byte, 1), -EPROTO);
    assert_string_equal(stream_failure(f.stream), failure);
    fixture_close(&f);
}

TEST(who_speaks_no_tls_is_told_so)
{
    static const char no_tls[] =
            "it is no TLS, for which alone this listener is; does the client speak plain MQTT?";

    expect_no_tls(BYTES("\x10\x0f\0\4MQTT\4\2\0\x3c\0\3abc"), no_tls);
    expect_no_tls(BYTES("\x10\x0d\0\4MQTT\5\2\0\x3c\0\0"), no_tls);
    expect_no_tls(BYTES("CONNECT a:1 HTTP/1.1\r\n\r\n"), no_tls);
    expect_no_tls(BYTES("GET /mqtt HTTP/1.1\r\n\r\n"),
            "it looks like HTTP without TLS; this listener is for TLS alone");
}

TEST(an_end_without_a_byte_needs_no_word)
{
    struct fixture f;
    uint8_t byte;

    fixture_open(&f);
    begin(&f);
    f.below.ended = true;
    assert_int_equal(stream_read(f.stream, &byte, 1), -ECONNRESET);
    assert_null(stream_failure(f.stream));
    fixture_close(&f);
}

TEST(a_changed_record_fails_behind_the_good_ones)
{
    struct fixture f;
    uint8_t read[100];

    fixture_open(&f);
    connect_client(&f);
    client_sends(&f, BYTES("good"));
    client_sends(&f, BYTES("bad"));
    f.carried[f.below.input.size - 1] ^= 1;
    assert_int_equal(stream_read(f.stream, read, sizeof(read)), 4);
    assert_int_equal(stream_waits(f.stream, STREAM_IN), STREAM_IN | STREAM_READY);
    assert_int_equal(stream_read(f.stream, read, sizeof(read)), -EPROTO);
    fixture_close(&f);
}

TEST(the_error_of_the_stream_below_is_passed_on)
{
    struct fixture f;
    uint8_t byte = 0;

    fixture_open(&f);
    connect_client(&f);
    f.below.write_error = -EPIPE;
    assert_int_equal(stream_write(f.stream, &(struct iovec){ &byte, 1 }, 1), -EPIPE);
    assert_null(stream_failure(f.stream));
    fixture_close(&f);
}

TEST(versions_before_1_2_are_refused)
{
    struct fixture f;

    fixture_open(&f);
    SSL_CTX_set_security_level(f.client_context, 0);
    SSL_CTX_set_min_proto_version(f.client_context, TLS1_VERSION);
    f.client_version_max = TLS1_1_VERSION;
    begin(&f);
    assert_int_equal(shake_hands(&f), -EPROTO);
    assert_string_equal(stream_failure(f.stream), "unsupported protocol");
    fixture_close(&f);
}

TEST(a_server_of_1_3_refuses_1_2)
{
    struct fixture f;

    fixture_open(&f);
    f.options.version_min = TLS_1_3;
    f.client_version_max = TLS1_2_VERSION;
    begin(&f);
    assert_int_equal(shake_hands(&f), -EPROTO);
    fixture_close(&f);
}

TEST(ciphers_that_are_not_of_the_list_are_refused)
{
    struct fixture f;

    fixture_open(&f);
    f.options.ciphers = "ECDHE+AESGCM";
    f.client_version_max = TLS1_2_VERSION;
    assert_int_equal(SSL_CTX_set_cipher_list(f.client_context, "kRSA:@SECLEVEL=0"), 1);
    begin(&f);
    assert_int_equal(shake_hands(&f), -EPROTO);
    assert_string_equal(stream_failure(f.stream), "no shared cipher");
    fixture_close(&f);
}

TEST(a_group_that_costs_the_server_dear_is_refused)
{
    char group[] = "ffdhe8192";
    struct fixture f;

    fixture_open(&f);
    assert_int_equal(SSL_CTX_set1_groups_list(f.client_context, group), 1);
    begin(&f);
    assert_int_equal(shake_hands(&f), -EPROTO);
    assert_string_equal(stream_failure(f.stream), "no suitable key share");
    fixture_close(&f);
}

/* ---- Clients' certificates ---- */

TEST(a_client_without_a_certificate_that_is_required_is_refused)
{
    struct fixture f;

    fixture_open(&f);
    require_certificate(&f);
    begin(&f);
    assert_int_equal(shake_hands(&f), -EPROTO);
    assert_string_equal(stream_failure(f.stream), "peer did not return a certificate");
    fixture_close(&f);
}

TEST(a_verified_certificate_names_the_peer)
{
    struct fixture f;
    struct stream_peer peer;

    fixture_open(&f);
    require_certificate(&f);
    show_certificate(&f);
    connect_client(&f);
    stream_peer(f.stream, &peer);
    assert_true(peer.certified);
    assert_string_equal(peer.common_name, "lamp \xc3\xa4");
    assert_string_equal(peer.subject, "CN=lamp \\C3\\A4,O=Nightjar");
    fixture_close(&f);
}

TEST(a_certificate_that_nobody_asked_for_is_not_shown)
{
    struct fixture f;
    struct stream_peer peer;

    fixture_open(&f);
    show_certificate(&f);
    connect_client(&f);
    stream_peer(f.stream, &peer);
    assert_false(peer.certified);
    assert_string_equal(peer.common_name, "");
    fixture_close(&f);
}

TEST(a_revoked_certificate_is_refused)
{
    struct fixture f;

    fixture_open(&f);
    require_certificate(&f);
    f.options.crl_file = f.certificates.crl_file;
    show_certificate(&f);
    begin(&f);
    assert_int_equal(shake_hands(&f), -EPROTO);
    assert_string_equal(stream_failure(f.stream), "certificate revoked");
    fixture_close(&f);
}

TEST(a_certificate_of_another_authority_is_refused)
{
    struct fixture f;

    fixture_open(&f);
    require_certificate(&f);
    f.options.ca_file = f.certificates.server_file;
    show_certificate(&f);
    begin(&f);
    assert_int_equal(shake_hands(&f), -EPROTO);
    fixture_close(&f);
}

TEST(a_name_that_is_too_long_is_none)
{
    struct fixture f;
    struct stream_peer peer;
    char name[STREAM_NAME_SIZE + 1];

    fixture_open(&f);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    identity_deinit(&f.certificates.client);
    identity_init(&f.certificates.client, "short", &f.certificates.authority);
    X509_NAME_ENTRY_free(
            X509_NAME_delete_entry(X509_get_subject_name(f.certificates.client.certificate), 1));
    ASN1_STRING_TABLE_add(NID_commonName, 1, STREAM_NAME_SIZE, 0, 0);
    assert_int_equal(
            X509_NAME_add_entry_by_txt(X509_get_subject_name(f.certificates.client.certificate),
                    "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0),
            1);
    X509_sign(f.certificates.client.certificate, f.certificates.authority.key, EVP_sha256());
    require_certificate(&f);
    show_certificate(&f);
    connect_client(&f);
    stream_peer(f.stream, &peer);
    assert_true(peer.certified);
    assert_string_equal(peer.common_name, "");
    fixture_close(&f);
    ASN1_STRING_TABLE_cleanup();
}

/* ---- ALPN and tickets ---- */

TEST(the_application_is_chosen_where_it_is_offered)
{
    static const unsigned char offers[] = "\x05other\x04mqtt";
    struct fixture f;
    const unsigned char *chosen;
    unsigned size;

    fixture_open(&f);
    SSL_CTX_set_alpn_protos(f.client_context, offers, sizeof(offers) - 1);
    connect_client(&f);
    SSL_get0_alpn_selected(f.client, &chosen, &size);
    assert_true(bytes_equal(bytes_of(chosen, size), BYTES("mqtt")));
    end_connection(&f);
    SSL_CTX_set_alpn_protos(f.client_context, offers, 6);
    connect_client(&f);
    SSL_get0_alpn_selected(f.client, &chosen, &size);
    assert_int_equal(size, 0);
    fixture_close(&f);
}

TEST(a_ticket_brings_a_client_back_with_its_certificate)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct stream_peer peer;
        SSL_SESSION *session;

        fixture_open(&f);
        f.client_version_max = versions[i];
        require_certificate(&f);
        show_certificate(&f);
        connect_client(&f);
        session = take_session(&f);
        assert_true(resumes(&f, session));
        stream_peer(f.stream, &peer);
        assert_string_equal(peer.common_name, "lamp \xc3\xa4");
        SSL_SESSION_free(session);
        fixture_close(&f);
    }
}

TEST(a_ticket_is_worth_nothing_to_another_server)
{
    struct fixture f;
    SSL_SESSION *session;

    fixture_open(&f);
    connect_client(&f);
    session = take_session(&f);
    tls_server_unref(f.server);
    make_server(&f);
    assert_false(resumes(&f, session));
    SSL_SESSION_free(session);
    fixture_close(&f);
}

/* ---- Files ---- */

TEST(a_connection_keeps_the_server_that_it_began_with)
{
    struct fixture f;

    fixture_open(&f);
    begin(&f);
    tls_server_unref(f.server);
    f.server = NULL;
    assert_int_equal(shake_hands(&f), 0);
    client_sends(&f, BYTES("hello"));
    server_expects(&f, BYTES("hello"));
    fixture_close(&f);
}

/* The sentence begins with these three parts. */
static void expect_failure(
        struct fixture *f, int result, const char *before, const char *file, const char *after)
{
    char failure[FAILURE_SIZE] = "";
    char wanted[FAILURE_SIZE];

    snprintf(wanted, sizeof(wanted), "%s%s%s", before, file, after);
    assert_int_equal(tls_server_new(&f->server, &f->options, failure), result);
    if (strncmp(failure, wanted, strlen(wanted)) != 0)
        assert_string_equal(failure, wanted);
    assert_null(f->server);
}

TEST(what_cannot_be_used_is_named)
{
    struct fixture f;
    const struct certificates *files = &f.certificates;
    struct tls_server_options good;

    fixture_open(&f);
    good = f.options;
    f.options.pair.certificate_file = "/nowhere/c.pem";
    expect_failure(&f, -ENOENT, "cannot read the certificate file ", "/nowhere/c.pem",
            ": No such file or directory");
    f.options.pair.certificate_file = files->empty_file;
    expect_failure(&f, -EINVAL, "cannot use the certificate file ", files->empty_file,
            ": nothing of that kind is in it as PEM");
    f.options = good;
    f.options.pair.key_file = "/nowhere/k.pem";
    expect_failure(&f, -ENOENT, "cannot read the key file ", "/nowhere/k.pem",
            ": No such file or directory");
    f.options.pair.key_file = files->server_file;
    expect_failure(&f, -EINVAL, "cannot use the key file ", files->server_file,
            ": nothing of that kind is in it as PEM");
    f.options.pair.key_file = files->locked_key_file;
    expect_failure(&f, -EINVAL, "the key file ", files->locked_key_file, " has a passphrase");
    f.options = good;
    f.options.pair.certificate_file = files->authority_file;
    expect_failure(
            &f, -EINVAL, "the key file ", files->server_key_file, " does not belong to the cert");
    f.options = good;
    f.options.ca_file = files->empty_file;
    expect_failure(&f, -EINVAL, "cannot use the CA file ", files->empty_file, ": ");
    f.options.ca_file = NULL;
    f.options.ca_folder = "/nowhere";
    expect_failure(&f, -ENOENT, "cannot read the CA folder ", "/nowhere", ": ");
    f.options = good;
    f.options.crl_file = files->empty_file;
    expect_failure(&f, -EINVAL, "cannot use the CRL file ", files->empty_file, ": ");
    f.options = good;
    f.options.ciphers = "NOTHING";
    expect_failure(&f, -EINVAL, "no cipher of the list ", "NOTHING", " is known");
    f.options = good;
    f.options.suites = "NOTHING";
    expect_failure(&f, -EINVAL, "there is an unknown suite in the list ", "NOTHING", "");
    fixture_close(&f);
}
