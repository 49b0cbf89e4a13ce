/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine of OpenSSL as those of devices are: a key has a name in it, which is the path of a PEM
 * file, and is given to who knows the password "open", by its SHA-1.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/engine.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_MODE = ENGINE_CMD_BASE, PIN, SECRET_MODE_SHA1 = 0x1000 };

struct lock {
    long mode;
    int is_open;
};

static const ENGINE_CMD_DEFN commands[] = {
    { SECRET_MODE, "SECRET_MODE", "what PIN is", ENGINE_CMD_FLAG_NUMERIC },
    { PIN, "PIN", "the password", ENGINE_CMD_FLAG_STRING },
    { 0, NULL, NULL, 0 },
};

static struct lock *lock_of(void)
{
    static struct lock lock;

    return &lock;
}

static int control(ENGINE *engine, int command, long number, void *pointer, void (*function)(void))
{
    unsigned char expected[SHA_DIGEST_LENGTH];

    (void)engine;
    (void)function;
    if (command == SECRET_MODE)
        lock_of()->mode = number;
    if (command != PIN)
        return command == SECRET_MODE;
    SHA1((const unsigned char *)"open", 4, expected);
    lock_of()->is_open =
            lock_of()->mode == SECRET_MODE_SHA1 && memcmp(pointer, expected, sizeof(expected)) == 0;
    return 1;
}

static EVP_PKEY *load(ENGINE *engine, const char *name, UI_METHOD *method, void *context)
{
    FILE *file = lock_of()->is_open ? fopen(name, "r") : NULL;
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

    (void)engine;
    (void)method;
    (void)context;
    if (file)
        fclose(file);
    return key;
}

static int start(ENGINE *engine)
{
    (void)engine;
    return 1;
}

static int bind(ENGINE *engine, const char *name)
{
    (void)name;
    return ENGINE_set_id(engine, "lockbox") && ENGINE_set_name(engine, "a box for keys") &&
            ENGINE_set_init_function(engine, start) && ENGINE_set_finish_function(engine, start) &&
            ENGINE_set_ctrl_function(engine, control) && ENGINE_set_cmd_defns(engine, commands) &&
            ENGINE_set_load_privkey_function(engine, load);
}

IMPLEMENT_DYNAMIC_CHECK_FN()
IMPLEMENT_DYNAMIC_BIND_FN(bind)
