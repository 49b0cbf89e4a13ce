/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of one packet, from the text of a test. The notation is that of check/notation.h.
 */
#ifndef TESTS_HARNESS_NOTATION_H
#define TESTS_HARNESS_NOTATION_H

#include "check/notation.h"

/* Fits what tests write by hand. */
enum { NOTATION_SIZE_MAX = 1024 };

struct notation {
    uint8_t data[NOTATION_SIZE_MAX];
    size_t size;
};

/* The bytes that text says; aborts where it is not in the notation or says too many. */
struct notation notation_read(const char *text);

/* The same as a view, of what the caller keeps. */
static inline struct bytes notation_bytes(const struct notation *notation)
{
    return bytes_of(notation->data, notation->size);
}

#endif
