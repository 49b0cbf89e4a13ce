/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of TLS, by certificates and by pre-shared keys, that is given any bytes:
 * however they are cut, it waits for more or fails, fails for good, and nothing comes out, as
 * nobody knows its keys.
 */
#include "tests/fuzz/tls_servers.h"
#include "tests/harness/scripted.h"

#include <assert.h>
#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What ends the reading, with reads of at most this size below; 0: any. */
static int decode(struct tls_server *server, struct bytes input, size_t step)
{
    struct scripted below;
    struct stream *stream;
    uint8_t byte;
    int result;

    scripted_init(&below, input);
    below.read_max = step;
    assert(tls_accept(&stream, &below.stream, server) == 0);
    do
        result = stream_read(stream, &byte, 1);
    while (result == -EAGAIN && below.input.size > 0);
    assert(result < 0);
    if (result != -EAGAIN) {
        assert(stream_failure(stream));
        assert(stream_read(stream, &byte, 1) == result);
    }
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_server *servers[TLS_SERVERS];

    if (!servers[0])
        tls_servers_make(servers, false);
    for (size_t i = 0; i < TLS_SERVERS; i++) {
        int result = decode(servers[i], bytes_of(data, size), 0);

        assert(decode(servers[i], bytes_of(data, size), 1) == result);
    }
    return 0;
}
