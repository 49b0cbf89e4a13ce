/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_engine.h"

#include <errno.h>

int tls_engine_open(struct engine_st **out, const char *name, char told[static FAILURE_SIZE])
{
    (void)out;
    return failure_tell(told, -ENOTSUP, "OpenSSL has no engines here, so none is %s", name);
}

int tls_engine_key(struct engine_st *engine, EVP_PKEY **out, const char *name, const char *password,
        char told[static FAILURE_SIZE])
{
    (void)engine;
    (void)out;
    (void)password;
    return failure_tell(
            told, -ENOTSUP, "OpenSSL has no engines here, so none has the key %s", name);
}

void tls_engine_close(struct engine_st *engine)
{
    (void)engine;
}
