/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of TLS that is given any bytes: however they are cut, it waits for more or
 * fails, fails for good, and nothing comes out, as nobody knows its keys.
 */
#include "net/tls.h"

#include "tests/harness/certificates.h"
#include "tests/harness/scripted.h"

#include <assert.h>
#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One that asks clients for a certificate, so that theirs is read too. */
static struct tls_server *make_server(void)
{
    struct certificates certificates;
    struct tls_server_options options = { .require_certificate = true, .application = "mqtt" };
    struct tls_server *server;
    char failure[TLS_FAILURE_SIZE];

    certificates_init(&certificates);
    options.certificate_file = certificates.server_file;
    options.key_file = certificates.server_key_file;
    options.ca_file = certificates.authority_file;
    if (tls_server_new(&server, &options, failure) < 0)
        server = NULL;
    certificates_deinit(&certificates);
    return server;
}

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
    static struct tls_server *server;
    int result;

    if (!server)
        server = make_server();
    assert(server);
    result = decode(server, bytes_of(data, size), 0);
    assert(decode(server, bytes_of(data, size), 1) == result);
    return 0;
}
