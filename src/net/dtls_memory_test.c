/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS where memory is short: OpenSSL's own allocations fail, one after the other. */
#include "tests/harness/dtls_fixture.h"
#include "tests/harness/failing_openssl.h"
#include "tests/harness/test.h"

#include <errno.h>

/* Of a handshake's many allocations each so-many-th is made to fail. */
enum { STRIDE = 83 };

static void open_counted(struct dtls_fixture *f)
{
    failing_openssl();
    dtls_fixture_open(f, false);
    dtls_fixture_begin(f); /* what is made once in a process is made now */
    dtls_fixture_shake_hands(f);
    dtls_fixture_end(f);
}

/* Carries all datagrams to and fro, of which the server takes some while it is short of memory. */
static bool shake_hands_failing(struct dtls_fixture *f, unsigned fail_at)
{
    unsigned taken = 0;
    int result = -EAGAIN;

    dtls_fixture_begin(f);
    do {
        dtls_fixture_client_goes(f);
        *failing() = (struct failing){ .taken = taken, .fail_at = fail_at };
        /* Nothing is begun where that fails: the hello is lost, and the client waits. */
        result = dtls_fixture_server_goes(f);
        taken = failing()->taken;
        *failing() = (struct failing){ 0 };
    } while (result == -EAGAIN && f->to_client.count > 0);
    if (result < 0 && result != -EAGAIN)
        assert_non_null(dtls_failure(f->dtls));
    dtls_fixture_end(f);
    return taken >= fail_at;
}

TEST(a_handshake_fails_for_good_or_goes_on_where_memory_is_short)
{
    struct dtls_fixture f;
    unsigned fail_at = 1;

    open_counted(&f);
    f.may_fail = true;
    while (shake_hands_failing(&f, fail_at))
        fail_at += STRIDE;
    assert_true(fail_at > 3 * STRIDE);
    dtls_fixture_close(&f);
}
