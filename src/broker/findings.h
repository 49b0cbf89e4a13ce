/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading the configuration has found, kept until it is known where the log goes: a file that
 * cannot be used is told on stderr, all else in the log that it describes.
 */
#ifndef BROKER_FINDINGS_H
#define BROKER_FINDINGS_H

#include "base/event.h"
#include "broker/config/report.h"

enum { FINDINGS_MAX = 200 }; /* the others are counted */

struct findings {
    struct report report; /* give this to the configuration */
    unsigned count;
    unsigned left_out;
    struct finding {
        enum report_severity severity;
        char *text;
    } kept[FINDINGS_MAX];
};

/* Findings in memory of their own; NULL when that is short. */
struct findings *findings_new(void);

/* NULL is fine. */
void findings_free(struct findings *findings);

/* The findings must stay where they are, for the report points to them. */
void findings_init(struct findings *findings);
void findings_deinit(struct findings *findings);

/* Errors and warnings as lines on stderr, worded as in Mosquitto: "Error: broker.conf:12: ...". */
void findings_print(const struct findings *findings);

/* Each as an event: config.error, config.warning or config.notice. */
void findings_tell(const struct findings *findings, const struct journal *journal);

#endif
