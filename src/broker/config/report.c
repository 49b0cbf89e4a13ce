/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/report.h"

#include <stdarg.h>
#include <stdio.h>

/* A file may hold anything: what it is quoted for must not move a terminal's cursor. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

void report_tell(struct report *report, enum report_severity severity, struct report_origin origin,
        const char *format, ...)
{
    char text[REPORT_TEXT_MAX + 1];
    int used = 0;
    va_list arguments;

    if (severity == REPORT_ERROR)
        report->errors++;
    if (severity == REPORT_WARNING)
        report->warnings++;
    if (!report->tell)
        return;
    if (origin.file && origin.line > 0)
        used = snprintf(text, sizeof(text), "%.512s:%u: ", origin.file, origin.line);
    else if (origin.file)
        used = snprintf(text, sizeof(text), "%.512s: ", origin.file);
    va_start(arguments, format);
    vsnprintf(text + used, sizeof(text) - (size_t)used, format, arguments);
    va_end(arguments);
    make_printable(text);
    report->tell(report->context, severity, text);
}
