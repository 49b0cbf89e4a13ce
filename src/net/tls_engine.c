/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines are, and what has only them still needs them */

#include "net/tls_engine.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <string.h>

/* What engines of TPMs call the kind of a password, and the password. */
static const char kind_command[] = "SECRET_MODE";
static const char password_command[] = "PIN";

enum { KIND_SHA1 = 0x1000 };

static int refuse(char told[static FAILURE_SIZE], const char *what, const char *name)
{
    return failure_tell(told, -EINVAL, "%s %s: %s", what, name, tls_failure_reason());
}

int tls_engine_open(struct engine_st **out, const char *name, char told[static FAILURE_SIZE])
{
    ENGINE *engine = ENGINE_by_id(name);

    if (!engine || ENGINE_init(engine) != 1) {
        int result = refuse(told, "OpenSSL cannot load the engine", name);

        ENGINE_free(engine);
        return result;
    }
    ENGINE_set_default(engine, ENGINE_METHOD_ALL);
    *out = engine;
    return 0;
}

static int give_password(ENGINE *engine, const char *password, char told[static FAILURE_SIZE])
{
    unsigned char bytes[TLS_ENGINE_PASSWORD_SIZE];
    size_t size;
    int result = 0;

    if (OPENSSL_hexstr2buf_ex(bytes, sizeof(bytes), &size, password, ':') != 1 ||
            size != sizeof(bytes))
        result = failure_tell(
                told, -EINVAL, "the password of the engine's key is not 40 hexadecimal digits");
    else if (ENGINE_ctrl_cmd(engine, kind_command, KIND_SHA1, NULL, NULL, 0) != 1 ||
            ENGINE_ctrl_cmd(engine, password_command, 0, bytes, NULL, 0) != 1)
        result = failure_tell(
                told, -EINVAL, "the engine %s takes no SHA-1 of a password", ENGINE_get_id(engine));
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return result;
}

int tls_engine_key(struct engine_st *engine, EVP_PKEY **out, const char *name, const char *password,
        char told[static FAILURE_SIZE])
{
    int result = password ? give_password(engine, password, told) : 0;

    if (result < 0)
        return result;
    *out = ENGINE_load_private_key(engine, name, UI_OpenSSL(), NULL);
    return *out ? 0 : refuse(told, "the engine does not give the key", name);
}

void tls_engine_close(struct engine_st *engine)
{
    if (!engine)
        return;
    ENGINE_finish(engine);
    ENGINE_free(engine);
}
