/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link and the frail server that it talks to, both run by the test's own thread. A scene is the
 * test's structure with a `link` and a `server`.
 */
#ifndef TESTS_HARNESS_LINK_PAIR_H
#define TESTS_HARNESS_LINK_PAIR_H

#include "loop/clock.h"
#include "nightjar/link.h"
#include "tests/harness/frail_server.h"
#include "tests/harness/test.h"

enum { PATIENCE_MS = 60000 };

static inline void pair_turn(struct nj_link *link, struct frail_server *server)
{
    frail_server_turn(server, 0);
    nj_link_run_once(link, 0);
}

/* Lets both run until it is so. */
#define UNTIL(scene, condition)                                                                    \
    for (int64_t until_end = clock_now_ms() + PATIENCE_MS; !(condition);) {                        \
        assert_true(clock_now_ms() < until_end);                                                   \
        pair_turn((scene)->link, &(scene)->server);                                                \
    }

#endif
