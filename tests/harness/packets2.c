/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/packets2.h"

static enum mqtt_reason decode(void *out, struct bytes datagram, enum mqtt_sender sender)
{
    return any_packet2_decode(out, datagram, sender);
}

static void encode(struct writer *out, const void *packet)
{
    any_packet2_encode(out, packet);
}

const struct datagram_codec any_packet2_codec = {
    .size = sizeof(struct any_packet2),
    .decode = decode,
    .encode = encode,
    .check = any_packet2_check,
};
