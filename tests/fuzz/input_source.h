/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source whose every file is the target's input.
 */
#ifndef FUZZ_INPUT_SOURCE_H
#define FUZZ_INPUT_SOURCE_H

#include "broker/config/source.h"

#include <errno.h>
#include <stdlib.h>

static inline int input_source_read(void *context, const char *path, struct bytes *out)
{
    const struct bytes *text = context;
    uint8_t *copy = malloc(text->size + 1);

    (void)path;
    if (!copy)
        return -ENOMEM;
    if (text->size > 0)
        memcpy(copy, text->data, text->size);
    *out = bytes_of(copy, text->size);
    return 0;
}

/* It borrows *text. */
static inline struct source input_source(struct bytes *text)
{
    return (struct source){ .read = input_source_read, .context = text };
}

#endif
