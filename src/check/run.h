/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays one case against one server.
 */
#ifndef CHECK_RUN_H
#define CHECK_RUN_H

#include "check/case.h"
#include "check/wire.h"

enum { CHECK_REPORT_SIZE = 16384 };

enum check_outcome {
    CHECK_PASS,
    CHECK_FAIL,
    CHECK_SKIP,
};

struct check_result {
    enum check_outcome outcome;
    bool unreachable; /* the server could not be reached */
    bool late;        /* a client was silent for longer than its Keep Alive */
    char *reason;     /* why it failed or was skipped: a sentence; "" for a pass */
    char *transcript; /* what went to and fro, a line each; the last of it where it is long */
};

struct check_setup {
    const struct check_target *target;
    const struct wire *wire;
    enum mqtt_version version;
    char name[9];  /* of this run of this case: eight letters and digits, no one else's */
    void *subject; /* for what is played but is no case: check_subject() */
};

/**
 * Plays the case, then clears what it has left at the server: sessions and retained messages. A
 * case whose need the target does not offer is skipped at once. Over sockets each of both ends
 * after half a minute and ten times wire->patience_ms, whatever the server does.
 *
 * *out is the caller's, to be given back with check_result_deinit(). The result of a case does not
 * depend on any other one, so several threads may each play one.
 */
void check_run(
        struct check_result *out, const struct check_case *test, const struct check_setup *setup);

void check_result_deinit(struct check_result *result);

#endif
