/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading a configuration has to tell: errors, warnings and notices, each one line of text
 * that says where, what is wrong, and what to do. The caller decides where the lines go.
 */
#ifndef BROKER_CONFIG_REPORT_H
#define BROKER_CONFIG_REPORT_H

enum report_severity {
    REPORT_ERROR,   /* the configuration cannot be used */
    REPORT_WARNING, /* it is used, but a line does not do what it says */
    REPORT_NOTICE,  /* worth a line at the start */
};

/* A place in a file. `file` is NULL where no line of any file says it. */
struct report_origin {
    const char *file;
    unsigned line; /* from 1; 0 for the file as a whole */
};

enum { REPORT_TEXT_MAX = 1023 }; /* bytes of a line told; a longer one is cut */

struct report {
    /* May be NULL. `text` is "file:line: text" or "text", without a newline; it is borrowed. */
    void (*tell)(void *context, enum report_severity severity, const char *text);
    void *context;
    unsigned errors; /* how many of each were told */
    unsigned warnings;
};

/* Formats a line as printf does, puts the origin before it, counts it and tells it. */
void report_tell(struct report *report, enum report_severity severity, struct report_origin origin,
        const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
