/* SPDX-License-Identifier: Apache-2.0 */
/* A network's text: what is read is written as what gives the same network, which holds its own
 * first address. */
#include "net/address.h"
#include "net/network.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The address that the network's own bytes are. */
static struct address first_of(const struct network *network)
{
    struct network alone = *network;
    char text[NETWORK_TEXT_SIZE];
    struct address address;

    alone.prefix = network->family == ADDRESS_IPV4 ? 32 : 128;
    assert(address_parse(&address, network_format(&alone, text), 0) == 0);
    return address;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct network network;
    struct network again;
    struct address first;
    char text[NETWORK_TEXT_SIZE];

    if (network_parse(&network, bytes_of(data, size)) < 0)
        return 0;
    assert(network_parse(&again, bytes_of_text(network_format(&network, text))) == 0);
    assert(memcmp(&network, &again, sizeof(network)) == 0);
    first = first_of(&network);
    assert(network_contains(&network, &first));
    return 0;
}
