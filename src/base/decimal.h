/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as digits, where the C library's ways would cost ten times as much: each connection has
 * its address written, some of them several times.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdint.h>

enum { DECIMAL_SIZE_MAX = 5 };

/* Writes a number of at most 16 bits without zeros in front. Returns where it ends. */
static inline uint8_t *decimal_write(uint8_t *to, uint16_t number)
{
    unsigned size = 1u + (number > 9) + (number > 99) + (number > 999) + (number > 9999);
    unsigned rest = number;

    for (unsigned i = size; i-- > 0; rest /= 10)
        to[i] = (uint8_t)('0' + rest % 10);
    return to + size;
}

#endif
