/* SPDX-License-Identifier: Apache-2.0 */
/* TLS where memory is short: OpenSSL's own allocations fail, one after the other. */
#include "tests/harness/failing_openssl.h"
#include "tests/harness/test.h"
#include "tests/harness/tls_fixture.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

/* Of OpenSSL's many allocations each so-many-th is made to fail. */
enum { STRIDE = 7 };

static void fixture_open_counted(struct fixture *f)
{
    failing_openssl();
    fixture_open(f);
    require_certificate(f);
    show_certificate(f);
    make_server(f); /* what is made once in a process is made now */
    connect_client(f);
    end_connection(f);
    f->client = NULL;
}

static void begin_to_count(unsigned fail_at)
{
    *failing() = (struct failing){ .fail_at = fail_at };
}

/* Returns whether an allocation failed. */
static bool stop_counting(void)
{
    bool failed = failing()->fail_at > 0 && failing()->taken >= failing()->fail_at;

    *failing() = (struct failing){ 0 };
    ERR_clear_error();
    return failed;
}

TEST(a_server_is_made_whole_or_not_at_all)
{
    struct fixture f;
    unsigned failures = 0;
    unsigned fail_at = 1;
    bool failed = true;

    fixture_open_counted(&f);
    f.options.crl_file = f.certificates.crl_file;
    while (failed) {
        char told[FAILURE_SIZE];
        struct tls_server *server = NULL;
        int result;

        begin_to_count(fail_at);
        result = tls_server_new(&server, &f.options, told);
        failed = stop_counting();
        assert_int_equal(result < 0, server == NULL);
        if (result < 0)
            assert_int_not_equal(told[0], '\0');
        failures += result < 0;
        tls_server_unref(server);
        fail_at += STRIDE;
    }
    assert_true(failures > 10);
    fixture_close(&f);
}

TEST(a_handshake_that_fails_for_want_of_memory_fails_for_good)
{
    struct fixture f;
    unsigned failures = 0;
    unsigned fail_at = 1;
    bool failed = true;

    fixture_open_counted(&f);
    while (failed) {
        struct stream *stream = NULL;
        struct scripted below;
        int result;

        scripted_init(&below, (struct bytes){ 0 });
        begin_to_count(fail_at);
        result = tls_accept(&stream, &below.stream, f.server);
        failed = stop_counting();
        assert_int_equal(result < 0 ? -ENOMEM : 0, result);
        if (result == 0)
            stream_close(stream, STREAM_END_CLEAN);
        assert_true(below.closed);
        scripted_deinit(&below);
        failures += result < 0;
        fail_at++;
    }
    assert_true(failures > 3);
    fixture_close(&f);
}
