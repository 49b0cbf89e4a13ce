/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/password_file.h"

#include "broker/config/extend.h"
#include "broker/config/line.h"
#include "mqtt/utf8.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

static int compare_users(const void *left, const void *right)
{
    const struct password_user *a = left;
    const struct password_user *b = right;
    int order = bytes_compare(a->name, b->name);

    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

bool password_line_read(struct bytes line, struct password_line *out)
{
    const uint8_t *colon = line.size > 0 ? memchr(line.data, ':', line.size) : NULL;
    const uint8_t *end;

    if (!colon || line.data[0] == '#')
        return false;
    out->name = line_trim(bytes_first(line, (size_t)(colon - line.data)));
    out->hash = bytes_from(line, (size_t)(colon - line.data) + 1);
    end = out->hash.size > 0 ? memchr(out->hash.data, ':', out->hash.size) : NULL;
    if (end)
        out->hash = bytes_first(out->hash, (size_t)(end - out->hash.data));
    out->hash = line_trim(out->hash);
    return true;
}

static int read_line(
        void *context, struct bytes line, struct report_origin origin, struct report *report)
{
    struct password_file *file = context;
    struct password_user *users;
    struct password_line parts;
    struct password_hash hash;

    if (!password_line_read(line, &parts))
        return 0;
    if (parts.name.size == 0) {
        report_tell(report, REPORT_ERROR, origin, "no user name before the ':'; add one");
        return 0;
    }
    if (!mqtt_utf8_valid(parts.name)) {
        report_tell(report, REPORT_ERROR, origin,
                "the user name is not UTF-8, so no client could give it; write it anew");
        return 0;
    }
    if (!password_hash_decode(&hash, parts.hash)) {
        /* Never what stands there: it may be a password in clear. */
        report_tell(report, REPORT_ERROR, origin,
                "what follows the ':' is not a hash ($6$, $7$, $argon2id$ or $scram-sha-256$); "
                "set the password anew with nightjar passwd, or hash a file of clear text with -U");
        return 0;
    }
    if (file->count == PASSWORD_USERS_MAX) {
        report_tell(report, REPORT_ERROR, origin, "more than %d users; remove some",
                PASSWORD_USERS_MAX);
        return -EINVAL;
    }
    users = extend(file->users, file->count, sizeof(*users));
    if (!users)
        return -ENOMEM;
    file->users = users;
    users[file->count++] = (struct password_user){ parts.name, origin.line, hash };
    return 0;
}

static void find_duplicates(const struct password_file *file, struct report *report)
{
    for (size_t i = 1; i < file->count; i++) {
        const struct password_user *user = &file->users[i];

        if (bytes_equal(user[-1].name, user->name))
            report_tell(report, REPORT_ERROR,
                    (struct report_origin){ file->lines.path, user->line },
                    "line %u has that user name already; remove one of the two", user[-1].line);
    }
}

/*
 * What invented keys are made by: the least of all hashes, so that few changes of the file change
 * them too. Who saw invented salts change and others stay would know which names there are.
 */
static int prepare_scram(struct password_file *file)
{
    static const uint8_t nobody[PASSWORD_HASH_MAX] = { 0 };
    const uint8_t *least = file->count > 0 ? file->users[0].hash.hash : nobody;

    file->scram_rounds = PASSWORD_SCRAM_ROUNDS;
    for (size_t i = file->count; i-- > 0;) {
        const struct password_hash *hash = &file->users[i].hash;

        if (hash->algorithm == PASSWORD_SCRAM_SHA256)
            file->scram_rounds = hash->rounds;
        if (memcmp(hash->hash, least, PASSWORD_HASH_MIN) < 0)
            least = hash->hash;
    }
    return EVP_Digest(least, PASSWORD_HASH_MIN, file->secret, NULL, EVP_sha256(), NULL) ? 0
                                                                                        : -ENOMEM;
}

static int read_users(struct password_file *file, const char *path, const struct source *source,
        struct report *report)
{
    unsigned errors = report->errors;
    int result = line_file_read(&file->lines, path, source, report, read_line, file);

    if (result < 0)
        return result;
    if (file->count > 1)
        qsort(file->users, file->count, sizeof(file->users[0]), compare_users);
    find_duplicates(file, report);
    return report->errors > errors ? -EINVAL : 0;
}

int password_file_read(struct password_file **out, const char *path, const struct source *source,
        struct report *report)
{
    struct password_file *file = calloc(1, sizeof(*file));
    int result;

    if (!file)
        return -ENOMEM;
    result = read_users(file, path, source, report);
    if (result == 0)
        result = prepare_scram(file);
    if (result == 0)
        *out = file;
    else
        password_file_free(file);
    return result;
}

void password_file_free(struct password_file *file)
{
    if (!file)
        return;
    /* Hashes are no passwords, but they are what one is guessed from. */
    if (file->users)
        OPENSSL_cleanse(file->users, file->count * sizeof(file->users[0]));
    OPENSSL_cleanse(file->secret, sizeof(file->secret));
    free(file->users);
    line_file_deinit(&file->lines);
    free(file);
}

static int compare_with_name(const void *name, const void *element)
{
    const struct bytes *wanted = name;
    const struct password_user *there = element;

    return bytes_compare(*wanted, there->name);
}

const struct password_user *password_file_find(const struct password_file *file, struct bytes name)
{
    /* Of an empty file there is no array that could be given to bsearch(). */
    return file->count == 0
            ? NULL
            : bsearch(&name, file->users, file->count, sizeof(file->users[0]), compare_with_name);
}

bool password_file_scram_key(
        const struct password_file *file, struct bytes name, struct password_hash *out)
{
    const struct password_user *user = password_file_find(file, name);
    uint8_t chance[PASSWORD_SECRET_SIZE] = { 0 };

    if (user && user->hash.algorithm == PASSWORD_SCRAM_SHA256) {
        *out = user->hash;
        return true;
    }
    HMAC(EVP_sha256(), file->secret, sizeof(file->secret), name.data, name.size, chance, NULL);
    *out = (struct password_hash){
        .algorithm = PASSWORD_SCRAM_SHA256,
        .rounds = file->scram_rounds,
        .salt_size = PASSWORD_SCRAM_SALT_SIZE,
        .hash_size = 2 * PASSWORD_SCRAM_KEY_SIZE,
    };
    memcpy(out->salt, chance, PASSWORD_SCRAM_SALT_SIZE);
    return false;
}
