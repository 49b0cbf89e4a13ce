/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/psk_file.h"

#include "broker/config/extend.h"
#include "broker/config/line.h"
#include "mqtt/utf8.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { NO_DIGIT = 16 };

/* ---- Keys ---- */

/* The value of a hexadecimal digit; NO_DIGIT for anything else. */
static unsigned digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - (unsigned)'0';
    if (digit >= 'a' && digit <= 'f')
        return digit - (unsigned)'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - (unsigned)'A' + 10 : NO_DIGIT;
}

static bool are_digits(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (digit_value(text.data[i]) == NO_DIGIT)
            return false;
    }
    return text.size > 0;
}

/* Puts the key's bytes into the place of its digits, which the file owns, and wipes the others. */
static struct bytes decode_key(struct bytes digits)
{
    uint8_t *text = (uint8_t *)(uintptr_t)digits.data;
    size_t size = 0;
    size_t next = 0;

    if (digits.size % 2 == 1)
        text[size++] = (uint8_t)digit_value(text[next++]);
    while (next < digits.size) {
        unsigned high = digit_value(text[next++]);

        text[size++] = (uint8_t)(high << 4 | digit_value(text[next++]));
    }
    OPENSSL_cleanse(text + size, digits.size - size);
    return bytes_of(text, size);
}

/* ---- Lines ---- */

/* What is wrong with a line, and what to do; NULL: nothing. Never says what stands for the key. */
static const char *problem_of(struct bytes identity, struct bytes digits)
{
    if (identity.size == 0)
        return "no identity before the ':'; add one";
    if (identity.size > PSK_IDENTITY_MAX)
        return "the identity is over 255 bytes long; shorten it";
    if (!mqtt_utf8_valid(identity))
        return "the identity is not UTF-8; write it anew";
    if (!are_digits(digits))
        return "what follows the ':' is not a key; write hexadecimal digits, without 0x";
    if (digits.size > (size_t)2 * PSK_KEY_MAX)
        return "the key is over 256 bytes long; shorten it";
    return NULL;
}

static int read_line(
        void *context, struct bytes line, struct report_origin origin, struct report *report)
{
    struct psk_file *file = context;
    const uint8_t *colon = line.size > 0 ? memchr(line.data, ':', line.size) : NULL;
    struct bytes identity;
    struct bytes digits;
    const char *problem;
    struct psk *psks;

    if (!colon || line.data[0] == '#')
        return 0;
    identity = line_trim(bytes_first(line, (size_t)(colon - line.data)));
    digits = line_trim(bytes_from(line, (size_t)(colon - line.data) + 1));
    problem = problem_of(identity, digits);
    if (problem) {
        report_tell(report, REPORT_ERROR, origin, "%s", problem);
        return 0;
    }
    if (file->count == PSK_IDENTITIES_MAX) {
        report_tell(report, REPORT_ERROR, origin, "more than %d identities; remove some",
                PSK_IDENTITIES_MAX);
        return -EINVAL;
    }
    psks = extend(file->psks, file->count, sizeof(*psks));
    if (!psks)
        return -ENOMEM;
    file->psks = psks;
    psks[file->count++] = (struct psk){ identity, decode_key(digits), origin.line };
    return 0;
}

/* ---- The whole ---- */

static int compare_psks(const void *left, const void *right)
{
    const struct psk *a = left;
    const struct psk *b = right;
    int order = bytes_compare(a->identity, b->identity);

    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static void find_duplicates(const struct psk_file *file, struct report *report)
{
    for (size_t i = 1; i < file->count; i++) {
        const struct psk *psk = &file->psks[i];

        if (bytes_equal(psk[-1].identity, psk->identity))
            report_tell(report, REPORT_ERROR, (struct report_origin){ file->lines.path, psk->line },
                    "line %u has that identity already; remove one of the two", psk[-1].line);
    }
}

/* One line for all of them. */
static void warn_of_weak_keys(const struct psk_file *file, struct report *report)
{
    unsigned line = UINT32_MAX;
    size_t count = 0;

    for (size_t i = 0; i < file->count; i++) {
        const struct psk *psk = &file->psks[i];

        if (psk->key.size >= PSK_KEY_STRONG)
            continue;
        count++;
        line = psk->line < line ? psk->line : line;
    }
    if (count > 0)
        report_tell(report, REPORT_WARNING, (struct report_origin){ file->lines.path, line },
                "the key is shorter than %d bytes, as %zu of the file are, and could be guessed; "
                "make it with \"openssl rand -hex 32\"",
                PSK_KEY_STRONG, count);
}

static int read_psks(
        struct psk_file *file, const char *path, const struct source *source, struct report *report)
{
    unsigned errors = report->errors;
    int result = line_file_read(&file->lines, path, source, report, read_line, file);

    if (result < 0)
        return result;
    if (file->count > 1)
        qsort(file->psks, file->count, sizeof(file->psks[0]), compare_psks);
    find_duplicates(file, report);
    if (report->errors > errors)
        return -EINVAL;
    warn_of_weak_keys(file, report);
    return 0;
}

int psk_file_read(
        struct psk_file **out, const char *path, const struct source *source, struct report *report)
{
    struct psk_file *file = calloc(1, sizeof(*file));
    int result;

    if (!file)
        return -ENOMEM;
    atomic_init(&file->references, 1);
    result = read_psks(file, path, source, report);
    if (result == 0)
        *out = file;
    else
        psk_file_unref(file);
    return result;
}

struct psk_file *psk_file_ref(struct psk_file *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

void psk_file_unref(struct psk_file *file)
{
    if (!file || atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) > 1)
        return;
    free(file->psks);
    line_file_deinit(&file->lines);
    free(file);
}

static int compare_with_identity(const void *identity, const void *element)
{
    const struct bytes *wanted = identity;
    const struct psk *there = element;

    return bytes_compare(*wanted, there->identity);
}

const struct psk *psk_file_find(const struct psk_file *file, struct bytes identity)
{
    /* Of an empty file there is no array that could be given to bsearch(). */
    return file->count == 0 ? NULL
                            : bsearch(&identity, file->psks, file->count, sizeof(file->psks[0]),
                                      compare_with_identity);
}
