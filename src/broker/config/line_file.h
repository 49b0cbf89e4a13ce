/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of lines, each of which says something of its own: password files, keys, access rules.
 */
#ifndef BROKER_CONFIG_LINE_FILE_H
#define BROKER_CONFIG_LINE_FILE_H

#include "broker/config/source.h"

struct line_file {
    char *path;
    struct bytes text; /* lasts as long as the file: what is made of its lines may borrow it */
};

/* Takes a line, without its end; errors in it go to the report. A negative number ends it all. */
typedef int line_file_take(
        void *context, struct bytes line, struct report_origin origin, struct report *report);

/**
 * Reads a whole file and gives its lines in order. *file starts as zeros, and is for
 * line_file_deinit() whatever comes of it.
 *
 * Returns 0 (the lines may have errors), -EINVAL when the file cannot be read, which is told to the
 * report, -ENOMEM, or what `take` returned.
 */
int line_file_read(struct line_file *file, const char *path, const struct source *source,
        struct report *report, line_file_take *take, void *context);

/* Wipes the text, for it may hold secrets, and frees it. */
void line_file_deinit(struct line_file *file);

#endif
