/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of bytes. A view owns nothing and lives no longer than the buffer it points into.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data; /* may be NULL only where size is 0 */
    size_t size;
};

/* The view of a string literal, without its closing NUL. */
#define BYTES(literal) ((struct bytes){ (const uint8_t *)("" literal), sizeof(literal) - 1 })

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){ data, size };
}

/* The view of a C string, without its closing NUL; of NULL the empty view. */
static inline struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Below 0, 0 or above 0: whether a comes before b, byte by byte, as strcmp() tells of texts. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static inline bool bytes_start_with(struct bytes whole, struct bytes start)
{
    return whole.size >= start.size &&
            /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): without data it is empty */
            (start.size == 0 || memcmp(whole.data, start.data, start.size) == 0);
}

/* What is left after the first `size` bytes; size must not exceed whole.size. */
static inline struct bytes bytes_from(struct bytes whole, size_t size)
{
    return size == 0 ? whole : (struct bytes){ whole.data + size, whole.size - size };
}

static inline struct bytes bytes_first(struct bytes whole, size_t size)
{
    return (struct bytes){ whole.data, size };
}

#endif
