/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password file of any bytes is refused with an error or has users, each of whom is found, and
 * whose hashes stay the same when they are written and read again.
 */
#include "broker/auth/password_file.h"
#include "tests/fuzz/input_source.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_user(const struct password_file *file, const struct password_user *user)
{
    char text[PASSWORD_TEXT_MAX + 1];
    struct password_hash again;

    assert(password_file_find(file, user->name) == user);
    password_hash_encode(&user->hash, text);
    assert(password_hash_decode(&again, bytes_of_text(text)));
    assert(again.algorithm == user->hash.algorithm && again.rounds == user->hash.rounds);
    assert(memcmp(again.hash, user->hash.hash, again.hash_size) == 0);
    assert(memcmp(again.salt, user->hash.salt, again.salt_size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct source source = input_source(&text);
    struct report report = { 0 };
    struct password_file *file = NULL;
    int result = password_file_read(&file, "passwords", &source, &report);

    assert((result == 0) == (file != NULL));
    assert((result == -EINVAL) == (report.errors > 0));
    for (size_t i = 0; file && i < file->count; i++)
        check_user(file, &file->users[i]);
    password_file_free(file);
    return 0;
}
