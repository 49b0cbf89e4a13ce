/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/password_file.h"

#include "broker/config/line.h"
#include "mqtt/utf8.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

static int compare_names(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_users(const void *left, const void *right)
{
    const struct password_user *a = left;
    const struct password_user *b = right;
    int order = compare_names(a->name, b->name);

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

/* Room for one more; NULL when memory is short. It grows whenever the count is a power of two. */
static struct password_user *add_user(struct password_file *file)
{
    if ((file->count & (file->count - 1)) == 0) {
        size_t room = file->count > 0 ? file->count * 2 : 1;
        struct password_user *users = realloc(file->users, room * sizeof(*users));

        if (!users)
            return NULL;
        file->users = users;
    }
    return &file->users[file->count++];
}

static int read_line(struct password_file *file, struct bytes line, struct report_origin origin,
        struct report *report)
{
    struct password_line parts;
    struct password_user *user;
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
                "what follows the ':' is not a hash ($6$, $7$ or $argon2id$); "
                "set the password anew with nightjar passwd, or hash a file of clear text with -U");
        return 0;
    }
    if (file->count == PASSWORD_USERS_MAX) {
        report_tell(report, REPORT_ERROR, origin, "more than %d users; remove some",
                PASSWORD_USERS_MAX);
        return -EINVAL;
    }
    user = add_user(file);
    if (!user)
        return -ENOMEM;
    *user = (struct password_user){ parts.name, origin.line, hash };
    return 0;
}

static void find_duplicates(const struct password_file *file, struct report *report)
{
    for (size_t i = 1; i < file->count; i++) {
        const struct password_user *user = &file->users[i];

        if (bytes_equal(user[-1].name, user->name))
            report_tell(report, REPORT_ERROR, (struct report_origin){ file->path, user->line },
                    "line %u has that user name already; remove one of the two", user[-1].line);
    }
}

static int read_lines(struct password_file *file, struct report *report)
{
    struct report_origin origin = { file->path, 0 };
    struct bytes rest = file->text;
    unsigned errors = report->errors;
    struct bytes line;
    int result = 0;

    while (result == 0 && line_take(&rest, &line)) {
        origin.line++;
        result = read_line(file, line, origin, report);
    }
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
    file->path = strdup(path);
    result = file->path ? source_read_told(source, path, &file->text, report) : -ENOMEM;
    if (result == 0)
        result = read_lines(file, report);
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
    if (file->text.size > 0)
        OPENSSL_cleanse((void *)(uintptr_t)file->text.data, file->text.size);
    free(file->users);
    free((void *)(uintptr_t)file->text.data);
    free(file->path);
    free(file);
}

const struct password_user *password_file_find(const struct password_file *file, struct bytes name)
{
    size_t low = 0;
    size_t high = file->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(name, file->users[middle].name);

        if (order == 0)
            return &file->users[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
