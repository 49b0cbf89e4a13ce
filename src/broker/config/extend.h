/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays that are filled line by line when a file is read, and do not change after that.
 */
#ifndef BROKER_CONFIG_EXTEND_H
#define BROKER_CONFIG_EXTEND_H

#include <stdlib.h>

/*
 * Room for one more than `count` items, in a block from malloc() that grows whenever the count is a
 * power of two. Returns the block, which may lie elsewhere now; NULL when memory is short: then the
 * old one stays.
 */
static inline void *extend(void *items, size_t count, size_t item_size)
{
    if ((count & (count - 1)) != 0)
        return items;
    return realloc(items, (count > 0 ? count * 2 : 1) * item_size);
}

#endif
