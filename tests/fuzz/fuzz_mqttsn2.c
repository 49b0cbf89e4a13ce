/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of the draft of MQTT-SN 2.0, and their authentication data as a user name's. */
#include "tests/fuzz/datagram_input.h"
#include "tests/harness/any_packet2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken for a user name and a password is encoded to the same bytes again. */
static void check_basic(struct bytes data)
{
    struct mqttsn2_basic basic;
    struct writer out = { .size = data.size };

    if (!mqttsn2_basic_decode(&basic, data))
        return;
    out.data = malloc(data.size);
    assert(out.data);
    mqttsn2_basic_encode(&out, &basic);
    assert(!out.failed && bytes_equal(writer_written(&out), data));
    free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    datagram_input_check(data, size, any_packet2_check);
    check_basic(bytes_of(data, size));
    return 0;
}
