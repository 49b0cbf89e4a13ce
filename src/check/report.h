/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a campaign has shown, for people and for programs.
 */
#ifndef CHECK_REPORT_H
#define CHECK_REPORT_H

#include "check/campaign.h"

struct report_sums {
    unsigned passed;
    unsigned failed;
    unsigned skipped;
};

enum report_form {
    REPORT_ALL,    /* as text */
    REPORT_FAILED, /* only what failed, as text */
    REPORT_JSON,
};

/**
 * Prints a line for each statement, what went to and fro under each that failed, and the sums; as
 * text, or as one JSON object. `server` is its name as the user gave it.
 *
 * Returns 0 with *sums written, or -ENOMEM.
 */
int report_print(const struct campaign *campaign, const char *server, enum report_form form,
        struct report_sums *sums);

#endif
