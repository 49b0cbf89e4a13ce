/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file of any bytes is refused with an error or becomes a configuration, which can
 * be shown, and which reading the same bytes again does not change.
 *
 * What follows a byte 0xff in the input is the file that "include_dir" finds.
 */
#include "broker/config/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct bytes main_file;
    struct bytes included;
};

static int input_read(void *context, const char *path, struct bytes *out)
{
    const struct input *input = context;
    struct bytes text = strcmp(path, "main") == 0 ? input->main_file : input->included;
    uint8_t *copy = malloc(text.size + 1);

    if (!copy)
        return -ENOMEM;
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    *out = bytes_of(copy, text.size);
    return 0;
}

static int input_list(void *context, const char *directory, struct source_names *out)
{
    struct source_names names = { calloc(1, sizeof(char *)), 0 };

    (void)context;
    (void)directory;
    if (!names.paths)
        return -ENOMEM;
    names.paths[0] = strdup("included");
    names.count = names.paths[0] ? 1 : 0;
    *out = names;
    return 0;
}

/* Any text may stand for a variable that has a short name. */
static const char *input_variable(void *context, const char *name)
{
    (void)context;
    return strlen(name) < 4 ? "${A} 1\n/" : NULL;
}

static struct config *load(struct input *input)
{
    struct source source = { input_read, input_list, input_variable, input };
    struct config_request request = { .file = "main", .source = &source };
    struct report report = { 0 };
    struct config *config = NULL;
    int result = config_load(&config, &request, &report);

    assert((result == 0) == (config != NULL));
    assert((result == -EINVAL) == (report.errors > 0));
    return config;
}

static void show(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        config_dump(config, out);
        fclose(out);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *split = size > 0 ? memchr(data, 0xff, size) : NULL;
    size_t main_size = split ? (size_t)(split - data) : size;
    struct input input = { bytes_of(data, main_size),
        bytes_of(split ? split + 1 : NULL, split ? size - main_size - 1 : 0) };
    struct config *running = load(&input);
    struct config *next;
    struct report report = { 0 };

    if (!running)
        return 0;
    show(running);
    next = load(&input);
    assert(next);
    assert(config_reload(next, running, &report) == 0);
    assert(report.warnings == 0);
    show(next);
    config_free(next);
    config_free(running);
    return 0;
}
