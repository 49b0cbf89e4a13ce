/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_staple.h"

#include "tests/harness/test.h"
#include "tests/harness/tls_fixture.h"

#include <errno.h>
#include <openssl/ocsp.h>
#include <stdio.h>
#include <string.h>

enum { DAY_S = 24 * 3600 };

/* A fixture, and the path of a response. */
struct stapled {
    struct fixture f;
    char path[CERTIFICATE_PATH_SIZE];
};

/* Writes what the authority says of a certificate, good until so many seconds from now. */
static void write_response(
        struct stapled *s, const struct identity *about, int status, long expires_s)
{
    const struct identity *authority = &s->f.certificates.authority;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), about->certificate, authority->certificate);
    ASN1_TIME *now = X509_gmtime_adj(NULL, -2 * DAY_S);
    ASN1_TIME *later = X509_gmtime_adj(NULL, expires_s);
    OCSP_RESPONSE *response;
    unsigned char *data = NULL;
    int size;
    FILE *file;

    assert_non_null(OCSP_basic_add1_status(
            basic, id, status, 0, status == V_OCSP_CERTSTATUS_REVOKED ? now : NULL, now, later));
    assert_int_equal(
            OCSP_basic_sign(basic, authority->certificate, authority->key, EVP_sha256(), NULL, 0),
            1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    size = i2d_OCSP_RESPONSE(response, &data);
    assert_true(size > 0);
    file = fopen(s->path, "w");
    assert_non_null(file);
    fwrite(data, 1, (size_t)size, file);
    fclose(file);
    OPENSSL_free(data);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
}

static void write_bytes(struct stapled *s, const void *data, size_t size)
{
    FILE *file = fopen(s->path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void stapled_open(struct stapled *s)
{
    fixture_open(&s->f);
    snprintf(s->path, sizeof(s->path), "%s/ocsp", s->f.certificates.folder);
    s->f.options.ocsp_file = s->path;
}

/* Makes the server, and gives what that has told. */
static const char *make_telling(struct stapled *s, int result)
{
    static char told[FAILURE_SIZE];

    assert_int_equal(tls_server_new(&s->f.server, &s->f.options, told), result);
    return told;
}

/* The size of the response that a client is given, -1 for none. */
static long given_size(struct stapled *s)
{
    unsigned char *response;

    begin(&s->f);
    SSL_set_tlsext_status_type(s->f.client, TLSEXT_STATUSTYPE_ocsp);
    assert_int_equal(shake_hands(&s->f), 0);
    return SSL_get_tlsext_status_ocsp_resp(s->f.client, &response);
}

TEST(a_client_that_asks_is_given_the_response)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    for (size_t i = 0; i < 2; i++) {
        struct stapled s;

        stapled_open(&s);
        s.f.client_version_max = versions[i];
        write_response(&s, &s.f.certificates.server, V_OCSP_CERTSTATUS_GOOD, DAY_S);
        assert_string_equal(make_telling(&s, 0), "");
        assert_true(given_size(&s) > 0);
        end_connection(&s.f);
        connect_client(&s.f); /* one that does not ask */
        fixture_close(&s.f);
    }
}

TEST(a_response_that_has_expired_is_warned_of_and_not_given)
{
    struct stapled s;

    stapled_open(&s);
    write_response(&s, &s.f.certificates.server, V_OCSP_CERTSTATUS_GOOD, -10);
    assert_non_null(strstr(make_telling(&s, 0), "has expired, so no client is shown it"));
    assert_int_equal(given_size(&s), -1);
    fixture_close(&s.f);
}

TEST(a_response_expires_while_the_server_runs)
{
    struct stapled s;
    struct tls_staple staple = { 0 };
    char told[FAILURE_SIZE];
    SSL *ssl;

    stapled_open(&s);
    write_response(&s, &s.f.certificates.server, V_OCSP_CERTSTATUS_GOOD, DAY_S);
    assert_int_equal(tls_staple_read(&staple, s.path, s.f.certificates.server.certificate,
                             s.f.certificates.authority.certificate, told),
            0);
    ssl = SSL_new(s.f.client_context);
    assert_true(tls_staple_give(&staple, ssl, staple.expires_s - 1));
    assert_false(tls_staple_give(&staple, ssl, staple.expires_s));
    SSL_free(ssl);
    tls_staple_deinit(&staple);
    fixture_close(&s.f);
}

TEST(a_certificate_that_is_not_good_is_warned_of)
{
    struct stapled s;

    stapled_open(&s);
    write_response(&s, &s.f.certificates.server, V_OCSP_CERTSTATUS_REVOKED, DAY_S);
    assert_non_null(strstr(make_telling(&s, 0), "says that the certificate is revoked"));
    fixture_close(&s.f);
}

TEST(a_response_for_another_certificate_is_refused)
{
    struct stapled s;
    struct tls_staple staple = { 0 };
    char told[FAILURE_SIZE];

    stapled_open(&s);
    write_response(&s, &s.f.certificates.client, V_OCSP_CERTSTATUS_GOOD, DAY_S);
    assert_non_null(strstr(make_telling(&s, -EINVAL), "is for another certificate"));
    write_response(&s, &s.f.certificates.server, V_OCSP_CERTSTATUS_GOOD, DAY_S);
    /* The serial number is the same, the issuer is not. */
    assert_int_equal(tls_staple_read(&staple, s.path, s.f.certificates.server.certificate,
                             s.f.certificates.client.certificate, told),
            -EINVAL);
    fixture_close(&s.f);
}

TEST(what_is_no_response_is_refused)
{
    static char large[TLS_STAPLE_SIZE_MAX + 1];
    struct stapled s;

    stapled_open(&s);
    assert_non_null(strstr(make_telling(&s, -ENOENT), "cannot read the OCSP file"));
    write_bytes(&s, "", 0);
    assert_non_null(strstr(make_telling(&s, -EINVAL), "cannot use the OCSP file"));
    write_bytes(&s, "nothing", 7);
    assert_non_null(strstr(make_telling(&s, -EINVAL), "cannot use the OCSP file"));
    write_bytes(&s, "\x30\x03\x0a\x01\x03", 5); /* "try later" */
    assert_non_null(strstr(make_telling(&s, -EINVAL), "is no answer but an error: trylater"));
    write_bytes(&s, large, sizeof(large));
    assert_non_null(strstr(make_telling(&s, -EFBIG), "is over 65536 bytes long"));
    fixture_close(&s.f);
}
