/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample packets of the draft of MQTT-SN 2.0: see datagram_codec.h.
 */
#ifndef TESTS_HARNESS_PACKETS2_H
#define TESTS_HARNESS_PACKETS2_H

#include "tests/harness/any_packet2.h"
#include "tests/harness/datagram_codec.h"

extern const struct datagram_codec any_packet2_codec;

static inline void packets2_check(const struct datagram *samples, size_t count)
{
    datagram_codec_samples(&any_packet2_codec, samples, count);
}

static inline enum mqtt_reason packet2_reason(enum mqtt_sender sender, const char *text)
{
    return datagram_codec_reason(&any_packet2_codec, sender, text);
}

static inline enum mqtt_reason packet2_from_client(const char *text)
{
    return packet2_reason(MQTT_FROM_CLIENT, text);
}

static inline enum mqtt_reason packet2_from_server(const char *text)
{
    return packet2_reason(MQTT_FROM_SERVER, text);
}

static inline void packet2_encodes(const struct any_packet2 *packet, const char *text)
{
    datagram_codec_encodes(&any_packet2_codec, packet, text);
}

#endif
