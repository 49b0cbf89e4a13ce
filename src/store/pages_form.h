/* SPDX-License-Identifier: Apache-2.0 */
/* How the file of LMDB 0.9 lies on the disk of a 64-bit machine with little-endian numbers, for who
 * looks at its pages without LMDB. */
#ifndef STORE_PAGES_FORM_H
#define STORE_PAGES_FORM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PAGE_SIZE_MIN = 512,
    PAGE_SIZE_MAX = 65536,
    HEADS = 2,      /* the first two pages */
    HEAD_SIZE = 16, /* of a page: number, padding, kind, lower, upper */
    NODE_SIZE = 8,  /* of a node's head: two halves of a size, flags, size of the key */
    NUMBER_SIZE = 8,
    LEVELS_MAX = 32,
    BRANCH = 1,
    LEAF = 2,
    OVERFLOW_PAGE = 4,
    META = 8,
    NODE_LARGE = 1,  /* flags of a node: its value is on pages of its own */
    NODE_TREE = 2,   /* its value is a tree */
    TREE_FLAGS = 4,  /* in a tree's record, beside its depth and its root: how keys are compared, */
    TREE_LARGE = 24, /* how many pages its large values have, */
    TREE_NODES = 32, /* and how many values it has */
    TREE_SIZE = 48,
    KEYS_ARE_NUMBERS = 8,                   /* flags of a tree */
    FILE_ALONE = 0x4000,                    /* it lies in no folder of its own */
    META_TREES = HEAD_SIZE + 24,            /* in the heads: two trees, */
    META_LAST = META_TREES + 2 * TREE_SIZE, /* the last page, */
    META_NUMBER = META_LAST + 8,            /* and which of the two is the later one */
    META_SIZE = META_NUMBER + 8,
};

#define MAGIC UINT64_C(0xBEEFC0DE)
#define NO_PAGE UINT64_MAX /* the root of an empty tree */

static inline uint64_t number_at(const uint8_t *at, unsigned size)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number |= (uint64_t)at[i] << 8 * i;
    return number;
}

/* Of a file with pages of that size. */
static inline bool is_head(const uint8_t *head, uint64_t size)
{
    return number_at(head + 10, 2) == META && number_at(head + HEAD_SIZE, 4) == MAGIC &&
            number_at(head + META_TREES, 4) == size;
}

static inline bool is_page_size(uint64_t size)
{
    return size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX && (size & (size - 1)) == 0;
}

#endif
