/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header of the PROXY protocol, of both versions: fewer bytes of a good one are never an error,
 * more bytes behind it change nothing, and what is told to be text lies within it.
 */
#include "net/proxy.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_within(struct bytes view, struct bytes header)
{
    assert(view.size == 0 ||
            (view.data >= header.data && view.data + view.size <= header.data + header.size));
}

static void read_as(struct bytes input, enum proxy_version version)
{
    struct proxy_header header;
    struct proxy_header again;

    if (proxy_header_read(&header, input, version) != PROXY_WHOLE)
        return;
    assert(header.size <= input.size);
    assert(header.size <= (version == PROXY_1 ? PROXY_1_SIZE_MAX : PROXY_2_SIZE_MAX));
    expect_within(header.name, input);
    expect_within(header.version, input);
    expect_within(header.cipher, input);
    for (size_t cut = 0; cut < header.size; cut++)
        assert(proxy_header_read(&again, bytes_first(input, cut), version) == PROXY_PARTIAL);
    assert(proxy_header_read(&again, bytes_first(input, header.size), version) == PROXY_WHOLE);
    assert(again.known == header.known && address_equal(&again.client, &header.client));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as(bytes_of(data, size), PROXY_1);
    read_as(bytes_of(data, size), PROXY_2);
    return 0;
}
