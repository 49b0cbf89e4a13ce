/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/datagrams.h"

static enum mqtt_reason decode(void *out, struct bytes datagram, enum mqtt_sender sender)
{
    return any_message_decode(out, datagram, sender);
}

static void encode(struct writer *out, const void *message)
{
    any_message_encode(out, message);
}

const struct datagram_codec any_message_codec = {
    .size = sizeof(struct any_message),
    .decode = decode,
    .encode = encode,
    .check = any_message_check,
};
