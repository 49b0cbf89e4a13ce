/* SPDX-License-Identifier: Apache-2.0 */
#include "store/archive_sum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t archive_sum_seed(unsigned table, struct bytes key)
{
    return XXH3_64bits_withSeed(key.data, key.size, table);
}

void archive_sum_encode(uint8_t out[ARCHIVE_SUM_SIZE], struct bytes value, uint64_t seed)
{
    uint32_t sum = (uint32_t)XXH3_64bits_withSeed(value.data, value.size, seed);

    for (unsigned i = 0; i < ARCHIVE_SUM_SIZE; i++)
        out[i] = (uint8_t)(sum >> 8 * i);
}

bool archive_sum_take(unsigned table, struct bytes key, struct bytes *value)
{
    uint8_t sum[ARCHIVE_SUM_SIZE];
    struct bytes content;

    if (value->size < ARCHIVE_SUM_SIZE)
        return false;
    content = bytes_first(*value, value->size - ARCHIVE_SUM_SIZE);
    archive_sum_encode(sum, content, archive_sum_seed(table, key));
    if (memcmp(sum, content.data + content.size, ARCHIVE_SUM_SIZE) != 0)
        return false;
    *value = content;
    return true;
}
