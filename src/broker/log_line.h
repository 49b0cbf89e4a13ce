/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as one line of text, in each of the formats of the log.
 *
 *     text       2026-11-21T04:05:06.789Z info client.connected id="x" peer=10.0.0.7:41312
 *     json       {"time":"2026-11-21T04:05:06.789Z","level":"info","event":"client.connected",...}
 *     mosquitto  1795237506: New client connected from 10.0.0.7:41312 as x (p2, c1, k60).
 *
 * What came from a peer is escaped, so that no byte of it ends a line or reaches a terminal as a
 * control; a value that is longer than LOG_VALUE_MAX is cut and shows it by "...".
 */
#ifndef BROKER_LOG_LINE_H
#define BROKER_LOG_LINE_H

#include "base/event.h"
#include "broker/config/log_settings.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LOG_LINE_MAX = 4096, /* bytes of a line with its newline */
    LOG_VALUE_MAX = 256, /* bytes of a field's value, before they are escaped */
};

struct log_line {
    size_t size;
    char text[LOG_LINE_MAX];
};

/* What Mosquitto makes of an event, and so what its options log_type and the like do with it. */
struct log_kind {
    enum log_type type;
    bool connection;       /* connection_messages false hides it */
    const char *mosquitto; /* the format of Mosquitto's line; NULL: it has none like it */
};

struct log_kind log_kind_of(const struct event *event);

/**
 * Writes the event in the format and style that the settings name, with a newline at the end.
 * `wall_ms` is when it happened, in milliseconds since 1970.
 */
void log_line_write(struct log_line *line, const struct event *event,
        const struct log_settings *settings, int64_t wall_ms);

/* The same without time and newline, for destinations that have a time of their own. */
void log_line_write_bare(
        struct log_line *line, const struct event *event, const struct log_settings *settings);

#endif
