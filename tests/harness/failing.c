/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/failing.h"

#include <stddef.h>

/* The linker puts __wrap_X in the place of X, for which __real_X then stands. */
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_calloc(size_t count, size_t size)
{
    return failing_next() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return failing_next() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
    return failing_next() ? NULL : __real_strdup(text);
}
