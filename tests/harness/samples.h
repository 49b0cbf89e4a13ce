/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample packets, and what every decoder owes them.
 */
#ifndef TESTS_HARNESS_SAMPLES_H
#define TESTS_HARNESS_SAMPLES_H

#include "tests/harness/any_packet.h"
#include "tests/harness/notation.h"

struct sample {
    enum mqtt_version version;
    enum mqtt_sender sender;
    const char *text; /* a whole packet in the notation */
};

/**
 * Fails the test unless each sample decodes and encodes to the same bytes again, and each of its
 * truncations and one-byte changes passes any_packet_check().
 */
void samples_check(const struct sample *samples, size_t count);

/* What decoding that packet gives; the packet must be whole and have nothing behind it. */
enum mqtt_reason sample_reason(struct sample sample);

/* Fails the test unless the packet encodes to just those bytes, and to no smaller buffer. */
void sample_encodes(const struct any_packet *packet, const char *text);

#endif
