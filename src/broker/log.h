/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: takes events from every thread and writes each as one line, in one write(2), to where
 * the settings say.
 *
 * What a peer can cause, it can cause often: of one event name at most LOG_LINES_MAX lines are
 * written in a second, and a line "log.suppressed" says how many were left out.
 */
#ifndef BROKER_LOG_H
#define BROKER_LOG_H

#include "base/event.h"
#include "broker/config/log_settings.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
    LOG_LINES_MAX = 250,           /* of one event name and second */
    LOG_TOPIC_BYTES_MAX = 1 << 16, /* of lines that one source keeps for $SYS/broker/log */
};

struct log;

/**
 * Opens the log.
 *
 * Returns 0, or -errno: -ENOMEM, or why the file of `log_dest file` cannot be opened.
 */
int log_open(struct log **out, const struct log_settings *settings);

/* Writes what was suppressed, and closes. No source of it may be used any more. NULL is fine. */
void log_close(struct log *log);

/**
 * Goes on with other settings, the file opened anew (which a SIGHUP after a rotation is for).
 *
 * Returns 0, or -errno of the open: then the old settings hold and the old file stays open.
 */
int log_apply(struct log *log, const struct log_settings *settings);

/* Opens the file anew and changes nothing else. Returns as log_apply() does. */
int log_reopen(struct log *log);

/* Tells of a result of the two above that is not 0, for the file of the settings it was about. */
void log_tell_failure(
        int result, const struct log_settings *settings, const struct journal *journal);

/* Gives the file to the user that the server is about to become, so that it can be opened anew; not
 * what is no ordinary file, or is reached by a link. */
void log_give_file(struct log *log, uid_t user, gid_t group);

/* The level up to which the settings want events. */
enum event_level log_level(const struct log_settings *settings);

/* A thread's way into the log. Lines for `log_dest topic` wait here until the thread takes them. */
struct log_source {
    struct log *log;
    char *pending; /* records; NULL until there is one */
    size_t pending_size;
    bool taking; /* in log_source_take() */
};

void log_source_init(struct log_source *source, struct log *log);
void log_source_deinit(struct log_source *source);

/* A journal that writes to the log; good as long as the source. */
struct journal log_source_journal(struct log_source *source, enum event_level level);

/* A line for $SYS/broker/log/<kind>. */
struct log_message {
    const char *kind; /* "N", "M/subscribe" and so on */
    struct bytes text;
};

/*
 * Calls `each` for every line that waits, oldest first, and forgets them. What `each` causes to be
 * logged does not wait for the topic: a line could cause the next one for ever.
 */
void log_source_take(struct log_source *source,
        void (*each)(void *context, const struct log_message *message), void *context);

#endif
