/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts all chosen cases to one server, many at once, and sums them up by statement.
 */
#ifndef CHECK_CAMPAIGN_H
#define CHECK_CAMPAIGN_H

#include "check/run.h"

enum { CAMPAIGN_JOBS_MAX = 64 };

struct campaign_options {
    const char *only; /* a statement's id or a case's name; NULL: all */
    uint8_t versions; /* bit 3, 4 and 5 for MQTT 3.1, 3.1.1 and 5.0 */
    unsigned jobs;    /* cases at once, 1..CAMPAIGN_JOBS_MAX */
    int64_t limit_ms; /* no case is begun after that long; it is skipped */
    bool progress;    /* tell on stderr how many are done */
    char name[7];     /* of this run: six letters and digits, two more make a case's */
};

struct campaign_entry {
    const struct check_chapter *chapter;
    const struct check_case *test;
    struct check_result result;
};

/* The chosen cases in the order of their chapters; the caller's. */
struct campaign {
    struct campaign_entry *entries;
    size_t count;
};

/**
 * Chooses the cases. Returns 0, -ENOENT when none is chosen, or -ENOMEM; nothing is to be given
 * back then.
 */
int campaign_init(struct campaign *campaign, const struct campaign_options *options);

/**
 * Plays them; their results are in the entries when it returns. Where SIGINT or SIGTERM is blocked
 * and comes, those under way are played to their end and cleared, and the rest is skipped. What
 * fails while this process stands still is played again.
 *
 * Returns 0, or -errno when not even one thread could be started.
 */
int campaign_run(struct campaign *campaign, const struct campaign_options *options,
        const struct check_target *target, const struct wire *wire);

void campaign_deinit(struct campaign *campaign);

/* ---- By statement ---- */

/* A statement, or a combination, and all cases that show it. */
struct campaign_verdict {
    const char *id; /* not closed by NUL */
    size_t id_size; /* 0: a combination, which has a name only */
    enum mqtt_version version;
    enum check_outcome outcome;         /* FAIL where one case failed, else PASS where one passed */
    const struct campaign_entry *entry; /* the case that says so */
};

/* How many statements and combinations there are in the campaign: entries of *out, the caller's to
 * be freed; or -ENOMEM. In the order of the entries. */
int64_t campaign_sum(struct campaign_verdict **out, const struct campaign *campaign);

#endif
