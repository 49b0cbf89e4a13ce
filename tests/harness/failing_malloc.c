/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/failing.h"

#include <stddef.h>

/* The linker puts __wrap_malloc in the place of malloc, for which __real_malloc then stands. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return failing_next() ? NULL : __real_malloc(size);
}
