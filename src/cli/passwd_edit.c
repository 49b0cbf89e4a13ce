/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passwd_edit.h"

#include "broker/auth/password_file.h"

#include <stdbool.h>

static void write_bytes(struct bytes bytes, FILE *out)
{
    fwrite(bytes.data, 1, bytes.size, out);
}

static void write_user(struct bytes user, const char *hash, FILE *out)
{
    write_bytes(user, out);
    fprintf(out, ":%s\n", hash);
}

/* The next line with its end, which the last one may lack. */
static struct bytes take_line(struct bytes *rest)
{
    const uint8_t *end = memchr(rest->data, '\n', rest->size);
    struct bytes line = bytes_first(*rest, end ? (size_t)(end - rest->data) + 1 : rest->size);

    *rest = bytes_from(*rest, line.size);
    return line;
}

static struct bytes without_end(struct bytes line)
{
    while (line.size > 0 && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    return line;
}

/* Writes the line with its password hashed. Returns 1, 0 when it is hashed already, or -errno. */
static int hash_line(const struct passwd_edit *edit, struct bytes line, FILE *out)
{
    struct password_line parts;
    struct password_hash hash;
    char text[PASSWORD_TEXT_MAX + 1];
    struct bytes clear;
    int result;

    if (!password_line_read(line, &parts) || password_hash_decode(&hash, parts.hash))
        return 0;
    /* A password in clear text may have a ':' in it: it is all that follows the first one. */
    clear = bytes_from(
            line, (size_t)((const uint8_t *)memchr(line.data, ':', line.size) - line.data) + 1);
    result = password_hash_make(&hash, edit->algorithm, edit->rounds, clear);
    if (result < 0)
        return result;
    password_hash_encode(&hash, text);
    write_user(parts.name, text, out);
    return 1;
}

/* Writes what takes the line's place. Returns 1, 0 when the line stays, or -errno. */
static int edit_line(const struct passwd_edit *edit, struct bytes line, bool first, FILE *out)
{
    struct password_line parts;

    if (edit->action == PASSWD_HASH)
        return hash_line(edit, line, out);
    if (!password_line_read(line, &parts) || !bytes_equal(parts.name, edit->user))
        return 0;
    /* Of two lines for one user one is left. */
    if (edit->action == PASSWD_SET && first)
        write_user(edit->user, edit->hash, out);
    return 1;
}

int passwd_edit_apply(const struct passwd_edit *edit, struct bytes text, FILE *out)
{
    int changes = 0;

    while (text.size > 0) {
        struct bytes line = take_line(&text);
        int result = edit_line(edit, without_end(line), changes == 0, out);

        if (result < 0)
            return result;
        changes += result;
        if (result > 0)
            continue;
        write_bytes(line, out);
        if (text.size == 0 && line.data[line.size - 1] != '\n')
            fputc('\n', out);
    }
    if (edit->action != PASSWD_SET || changes > 0)
        return changes;
    write_user(edit->user, edit->hash, out);
    return 1;
}

const char *passwd_name_fault(struct bytes name)
{
    if (name.size == 0)
        return "the user name is empty";
    if (name.size > 65535)
        return "the user name is longer than 65535 bytes";
    if (name.data[0] == '#')
        return "a user name that begins with # would be a comment";
    if (name.data[0] == ' ' || name.data[0] == '\t' || name.data[name.size - 1] == ' ' ||
            name.data[name.size - 1] == '\t')
        return "a user name cannot begin or end with a blank";
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == ':')
            return "a user name cannot have a : in it";
        if (name.data[i] < ' ')
            return "a user name cannot have control characters in it";
    }
    return NULL;
}
