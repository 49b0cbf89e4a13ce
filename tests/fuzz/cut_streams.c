/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/cut_streams.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void cut_streams_agree(cut_decode *decode, const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    uint8_t *whole = malloc(2 * size + 1);
    uint8_t *cut = malloc(2 * size + 1);
    bool variant = size > 0 && data[0] % 2;
    size_t whole_size, cut_size;
    int result;

    assert(whole && cut);
    if (size > 0)
        input = bytes_from(input, 1);
    result = decode(input, variant, size + 1, whole, &whole_size);
    assert(result == decode(input, variant, 1, cut, &cut_size));
    assert(whole_size == cut_size && memcmp(whole, cut, whole_size) == 0);
    free(whole);
    free(cut);
}
