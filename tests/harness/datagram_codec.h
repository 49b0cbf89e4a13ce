/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample datagrams of one version of MQTT-SN, and what every decoder owes them. Tests use it by
 * datagrams.h (1.2) and packets2.h (2.0), which say the version.
 */
#ifndef TESTS_HARNESS_DATAGRAM_CODEC_H
#define TESTS_HARNESS_DATAGRAM_CODEC_H

#include "mqtt/packet.h"
#include "mqtt/reason.h"
#include "tests/harness/notation.h"

struct datagram {
    enum mqtt_sender sender;
    const char *text; /* a whole datagram in the notation */
};

/* How any datagram of a version is decoded and encoded. */
struct datagram_codec {
    size_t size; /* of what a datagram is decoded to, which begins as zeros */
    enum mqtt_reason (*decode)(void *out, struct bytes datagram, enum mqtt_sender sender);
    void (*encode)(struct writer *out, const void *message);
    /* Aborts unless the codec treats the datagram as it should, good or bad. */
    void (*check)(struct bytes datagram, enum mqtt_sender sender);
};

/**
 * Fails the test unless each sample decodes and encodes to the same bytes again, into no smaller
 * buffer, and each of its truncations and one-byte changes passes the codec's check: the bytes as
 * they are, where a wrong length must be refused, and with a header that fits.
 */
void datagram_codec_samples(
        const struct datagram_codec *codec, const struct datagram *samples, size_t count);

/* What decoding that datagram gives, and that it passes the codec's check. */
enum mqtt_reason datagram_codec_reason(
        const struct datagram_codec *codec, enum mqtt_sender sender, const char *text);

/* Fails the test unless the message encodes to just those bytes, and to no smaller buffer. */
void datagram_codec_encodes(
        const struct datagram_codec *codec, const void *message, const char *text);

/* Whether what is written is just those bytes. */
bool datagram_is(const struct writer *out, const char *text);

#endif
