/* SPDX-License-Identifier: Apache-2.0 */
/* explicit_bzero() is not in POSIX. */
#define _DEFAULT_SOURCE
#include "broker/config/line_file.h"

#include "broker/config/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int line_file_read(struct line_file *file, const char *path, const struct source *source,
        struct report *report, line_file_take *take, void *context)
{
    struct report_origin origin = { .line = 0 };
    struct bytes rest;
    struct bytes line;
    int result;

    file->path = strdup(path);
    result = file->path ? source_read_told(source, path, &file->text, report) : -ENOMEM;
    origin.file = file->path;
    rest = file->text;
    while (result == 0 && line_take(&rest, &line)) {
        origin.line++;
        result = take(context, line, origin, report);
    }
    return result;
}

void line_file_deinit(struct line_file *file)
{
    void *text = (void *)(uintptr_t)file->text.data;

    if (file->text.size > 0)
        explicit_bzero(text, file->text.size);
    free(text);
    free(file->path);
}
