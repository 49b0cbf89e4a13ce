/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/failing_openssl.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return failing_next() ? NULL : malloc(size);
}

static void *take_again(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return failing_next() ? NULL : realloc(block, size);
}

static void give(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

void failing_openssl(void)
{
    CRYPTO_set_mem_functions(take, take_again, give);
}
