/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample datagrams of MQTT-SN 1.2: see datagram_codec.h.
 */
#ifndef TESTS_HARNESS_DATAGRAMS_H
#define TESTS_HARNESS_DATAGRAMS_H

#include "tests/harness/any_message.h"
#include "tests/harness/datagram_codec.h"

extern const struct datagram_codec any_message_codec;

static inline void datagrams_check(const struct datagram *samples, size_t count)
{
    datagram_codec_samples(&any_message_codec, samples, count);
}

static inline enum mqtt_reason datagram_reason(enum mqtt_sender sender, const char *text)
{
    return datagram_codec_reason(&any_message_codec, sender, text);
}

static inline void datagram_encodes(const struct any_message *message, const char *text)
{
    datagram_codec_encodes(&any_message_codec, message, text);
}

#endif
