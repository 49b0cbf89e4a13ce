/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that are given the same bytes in pieces of different sizes. */
#ifndef TESTS_FUZZ_CUT_STREAMS_H
#define TESTS_FUZZ_CUT_STREAMS_H

#include "base/bytes.h"

#include <stdbool.h>

/* Reads a stream over the input to its end, `step` bytes at a time. What comes out of it goes to
 * `out`, which has room for twice the input and one byte, and its size to *size. Returns what ended
 * it. `variant`: the target's choice of two. */
typedef int cut_decode(struct bytes input, bool variant, size_t step, uint8_t *out, size_t *size);

/* Sees that it comes to the same in one piece and byte by byte. The first byte of the data chooses
 * the variant by being odd; the input is the rest. */
void cut_streams_agree(cut_decode *decode, const uint8_t *data, size_t size);

#endif
