/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conformance case: one thing that the standards demand of a server, and how it is shown.
 *
 * Cases stand in tables, a chapter of a standard each. A case is either a function, which plays
 * clients by probe.h, or bytes that must be refused:
 *
 *     static void a_ping_is_answered(struct check *check)
 *     {
 *         struct probe *a = probe_connected(check, "~a");
 *
 *         probe_send(a, "C0 00");
 *         probe_expect(a, "D0 00");
 *     }
 *
 *     static const struct check_case cases[] = {
 *         { "MQTT5-3.12.4-1", CASE(a_ping_is_answered) },
 *         { "MQTT5-3.3.1-4", "qos_3_is_malformed", .refused = "36 RL S'~/a' 0005 00 'x'",
 *             .codes = "81" },
 *     };
 */
#ifndef CHECK_CASE_H
#define CHECK_CASE_H

#include "check/target.h"
#include "mqtt/version.h"

#include <stddef.h>

struct check;

struct check_case {
    const char *statements; /* ids, each with its version: "MQTT5-3.1.0-2"; a blank between two.
                               NULL: a combination of several rules */
    const char *name;       /* a sentence that is true of a server that conforms */
    void (*run)(struct check *check);
    enum check_need need;

    /*
     * Instead of `run`. Each packet of `refused`, sent by a new client that has connected, ends
     * its connection; each of `refused_first`, sent on a new transport, ends that. Nobody else
     * gets anything from it. `codes` are those in hex that the server may give as the reason in
     * 5.0; a server of 3.x just closes.
     */
    const char *refused;
    const char *refused_first;
    const char *codes;
};

/* The name and the function of a case. */
#define CASE(function) #function, function

/* The cases of one chapter. */
struct check_chapter {
    const char *title;
    enum mqtt_version version;
    const struct check_case *cases;
    size_t count;
};

#define CHAPTER(title, version, cases)                                                             \
    {                                                                                              \
        title, version, cases, sizeof(cases) / sizeof((cases)[0])                                  \
    }

/* "3.1", "3.1.1" or "5.0". */
const char *check_version_text(enum mqtt_version version);

/* Every chapter, and then NULL. */
extern const struct check_chapter *const check_chapters[];

#endif
