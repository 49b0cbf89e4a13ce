/* SPDX-License-Identifier: Apache-2.0 */
/* explicit_bzero() is not in POSIX. */
#define _DEFAULT_SOURCE
#include "broker/config/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/config/config.h"

/* One value under way. */
struct expansion {
    const struct option *option;
    const struct source *source;
    struct report *report;
    struct report_origin origin;
    struct expanded *out;
};

static int fail(const struct expansion *expansion, const char *subject, const char *problem)
{
    report_tell(expansion->report, REPORT_ERROR, expansion->origin, "%s: %s %s",
            expansion->option->name, subject, problem);
    return -EINVAL;
}

static bool is_name_byte(uint8_t byte, bool first)
{
    return (byte >= 'A' && byte <= 'Z') || byte == '_' || (!first && byte >= '0' && byte <= '9');
}

/* The name of the variable that the text starts with, as ${NAME}; empty when it does not. */
static struct bytes name_at(struct bytes text)
{
    size_t end = 2;

    if (!bytes_start_with(text, BYTES("${")))
        return (struct bytes){ 0 };
    while (end < text.size && is_name_byte(text.data[end], end == 2))
        end++;
    if (end == text.size || text.data[end] != '}' || end - 2 > EXPAND_NAME_MAX)
        return (struct bytes){ 0 };
    return bytes_first(bytes_from(text, 2), end - 2);
}

static bool has_name(struct bytes text)
{
    for (; text.size > 0; text = bytes_from(text, 1)) {
        if (name_at(text).size > 0)
            return true;
    }
    return false;
}

static int append(const struct expansion *expansion, struct bytes piece)
{
    struct expanded *out = expansion->out;

    if (piece.size > out->block_size - out->text.size)
        return fail(expansion, "its value", "is longer than 65535 bytes; shorten it");
    if (piece.size > 0)
        memcpy(out->block + out->text.size, piece.data, piece.size);
    out->text.size += piece.size;
    return 0;
}

static int append_variable(const struct expansion *expansion, struct bytes name)
{
    const struct source *source = expansion->source;
    char text[EXPAND_NAME_MAX + 1] = "";
    const char *value;

    memcpy(text, name.data, name.size);
    value = source->variable(source->context, text);
    if (!value)
        return fail(expansion, text,
                "is not set in the environment; set it, or write $${...} for the letters "
                "themselves");
    return append(expansion, bytes_of_text(value));
}

static int take_block(struct expanded *out, size_t size)
{
    out->block = malloc(size);
    if (!out->block)
        return -ENOMEM;
    out->block_size = size;
    out->text = bytes_of(out->block, 0);
    return 0;
}

static int expand_variables(const struct expansion *expansion, struct bytes text)
{
    int result = take_block(expansion->out, CONFIG_VALUE_BYTES_MAX);

    while (result == 0 && text.size > 0) {
        struct bytes name = name_at(text);
        bool escaped = text.data[0] == '$' && name_at(bytes_from(text, 1)).size > 0;
        size_t taken = 1;

        if (escaped)
            taken = name_at(bytes_from(text, 1)).size + sizeof("$${}") - 1;
        else if (name.size > 0)
            taken = name.size + sizeof("${}") - 1;
        result = name.size > 0 ? append_variable(expansion, name)
                               : append(expansion, bytes_from(bytes_first(text, taken), escaped));
        text = bytes_from(text, taken);
    }
    return result;
}

/* Puts what is in the file in the place of its name. */
static int read_secret(const struct expansion *expansion, struct bytes path_text)
{
    const struct source *source = expansion->source;
    struct expanded *out = expansion->out;
    char path[SOURCE_PATH_MAX + 1];
    struct bytes secret = { 0 };
    int result;

    if (path_text.size == 0 || path_text.size > SOURCE_PATH_MAX)
        return fail(expansion, "the path after file:", "is empty or too long; write a file's path");
    memcpy(path, path_text.data, path_text.size);
    path[path_text.size] = '\0';
    result = source->read(source->context, path, &secret);
    if (result == -ENOMEM)
        return result;
    if (result < 0) {
        report_tell(expansion->report, REPORT_ERROR, expansion->origin, "%s: %s cannot be read: %s",
                expansion->option->name, path, strerror(-result));
        return -EINVAL;
    }
    expanded_free(out);
    out->path = strdup(path);
    out->block = (uint8_t *)(uintptr_t)secret.data;
    out->block_size = secret.size;
    if (!out->path)
        return -ENOMEM;
    if (secret.size > 0 && secret.data[secret.size - 1] == '\n')
        secret.size--;
    if (secret.size > 0 && secret.data[secret.size - 1] == '\r')
        secret.size--;
    out->text = secret;
    if (secret.size == 0 || secret.size > CONFIG_VALUE_BYTES_MAX)
        return fail(expansion, path, "is empty or has more than 65535 bytes");
    if (memchr(secret.data, '\n', secret.size) || memchr(secret.data, '\0', secret.size))
        return fail(expansion, path, "has more than one line, or a NUL; write the secret alone");
    return 0;
}

int expand(struct expanded *out, const struct option *option, struct bytes text,
        const struct source *source, struct report *report, struct report_origin origin)
{
    const struct bytes file = BYTES("file:");
    const struct expansion expansion = { option, source, report, origin, out };
    int result = 0;

    out->text = text;
    if (has_name(text))
        result = expand_variables(&expansion, text);
    if (result == 0 && option->secret && bytes_start_with(out->text, file))
        result = read_secret(&expansion, bytes_from(out->text, file.size));
    if (result < 0)
        expanded_free(out);
    return result;
}

void expanded_free(struct expanded *expanded)
{
    if (expanded->block)
        explicit_bzero(expanded->block, expanded->block_size);
    free(expanded->block);
    free(expanded->path);
    *expanded = (struct expanded){ 0 };
}
