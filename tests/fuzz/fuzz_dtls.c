/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of DTLS, by certificates and by pre-shared keys, that is given any datagrams:
 * whoever is not known gets no more than he gives, and an association waits for more or fails for
 * good; no message comes out of it, as nobody knows its keys.
 *
 * The input is a row of datagrams, each behind two bytes of its size.
 */
#include "net/dtls.h"
#include "net/dtls_hello.h"

#include "base/reader.h"
#include "tests/fuzz/tls_servers.h"

#include <assert.h>
#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_size(void *context, struct bytes datagram)
{
    (void)context;
    assert(datagram.size > 0 && datagram.size <= DTLS_MTU_MAX);
}

/* What a stranger's datagram says; a hello as it begins an association, or NULL. */
static struct dtls *meet(struct tls_server *server, struct bytes datagram)
{
    static const uint8_t cookie[DTLS_COOKIE_SIZE] = { 0 };
    uint8_t data[DTLS_VERIFY_SIZE];
    struct writer answer = { .data = data, .size = sizeof(data) };
    struct dtls_options options = {
        .port = { check_size, NULL }, .hello = datagram, .mtu = DTLS_MTU_MIN
    };
    struct dtls_hello hello;
    struct dtls *dtls;

    assert(!dtls_is_message(datagram) || dtls_is_record(datagram));
    assert(!dtls_has_sealed_word(datagram) || dtls_is_record(datagram));
    if (!dtls_hello_decode(&hello, datagram))
        return NULL;
    assert(dtls_is_record(datagram) && hello.random.size == DTLS_RANDOM_SIZE);
    dtls_verify_encode(&answer, &hello, cookie);
    assert(!answer.failed && answer.used <= datagram.size);
    return dtls_accept(&dtls, server, &options) < 0 ? NULL : dtls;
}

static void decode(struct tls_server *server, struct bytes input)
{
    struct reader in = { .rest = input };
    struct dtls *dtls = NULL;
    int result = -EAGAIN;

    while (in.rest.size > 0) {
        uint8_t message[DTLS_MESSAGE_SIZE_MAX];
        struct bytes datagram = reader_bytes(&in, reader_u16(&in));

        if (dtls)
            dtls_receive(dtls, datagram);
        else
            dtls = meet(server, datagram);
        if (!dtls)
            continue;
        assert(result == -EAGAIN || dtls_read(dtls, message, sizeof(message), 0) == result);
        result = dtls_read(dtls, message, sizeof(message), 0);
        assert(result == -EAGAIN || (result == -EPROTO && dtls_failure(dtls)));
    }
    dtls_close(dtls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_server *servers[TLS_SERVERS];

    if (!servers[0])
        tls_servers_make(servers, true);
    for (size_t i = 0; i < TLS_SERVERS; i++)
        decode(servers[i], bytes_of(data, size));
    return 0;
}
