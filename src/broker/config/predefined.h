/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of sn_predefined: "ID TOPIC", or "ID TOPIC CLIENT" for that client alone.
 */
#ifndef BROKER_CONFIG_PREDEFINED_H
#define BROKER_CONFIG_PREDEFINED_H

#include "base/bytes.h"

struct predefined_line {
    uint16_t id;
    struct bytes topic;
    struct bytes client_id; /* empty: every client's */
};

enum predefined_result {
    PREDEFINED_END,
    PREDEFINED_LINE,
    PREDEFINED_WRONG, /* the line is passed over */
};

/* Takes the next line off *rest; *out, which borrows from it, is written with PREDEFINED_LINE. */
enum predefined_result predefined_next(struct bytes *rest, struct predefined_line *out);

/* Whether two of the lines, which are all good, give one id to one client, or to every one; *out is
 * the second of them then. */
bool predefined_repeats(struct bytes lines, struct predefined_line *out);

#endif
