/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SOCKS5 proxy that answers with any bytes; where the first of them is odd, to a client with a
 * login. However they are cut, it comes to the same, and what lies behind the answers stays whole.
 */
#include "net/socks_client.h"

#include "tests/fuzz/cut_streams.h"
#include "tests/harness/scripted.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What comes out, with reads of this size below. Returns what ended it. */
static int decode(struct bytes input, bool logs_in, size_t step, uint8_t *out, size_t *size)
{
    struct socks_wish wish = { .host = "mqtt.example", .port = 1883 };
    struct scripted below;
    struct stream *stream;
    int result;

    *size = 0;
    if (logs_in)
        wish.user = wish.password = "ada";
    scripted_init(&below, input);
    below.read_max = step;
    assert(socks_client_open(&stream, &below.stream, &wish) == 0);
    do {
        result = stream_read(stream, out + *size, step);
        *size += result > 0 ? (size_t)result : 0;
    } while (result > 0 || (result == -EAGAIN && below.input.size > 0));
    assert(result < 0);
    assert(result == -EAGAIN || (*size == 0 && stream_failure(stream)));
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cut_streams_agree(decode, data, size);
    return 0;
}
