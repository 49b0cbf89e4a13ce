/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the file of an archive is, what is told of it lies in it, and the telling ends. */
#include "store/pages.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct bytes whole, struct bytes part)
{
    return part.data >= whole.data && part.size <= whole.size &&
            (size_t)(part.data - whole.data) <= whole.size - part.size;
}

static int take_broken(void *context, uint64_t offset)
{
    (void)context;
    (void)offset;
    return 0;
}

static int take_value(void *context, struct bytes table, struct bytes key, struct bytes value)
{
    const struct bytes *whole = context;

    assert(is_inside(*whole, table));
    assert(is_inside(*whole, key));
    assert(is_inside(*whole, value));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes whole = bytes_of(data, size);
    const struct pages_visitor visitor = { take_broken, take_value, &whole };

    assert(pages_read(whole, &visitor) == 0);
    return 0;
}
