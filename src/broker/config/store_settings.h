/* SPDX-License-Identifier: Apache-2.0 */
/* Where lies what outlives the server, and how soon it is there. */
#ifndef BROKER_CONFIG_STORE_SETTINGS_H
#define BROKER_CONFIG_STORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum { STORE_PATH_MAX = 4095, STORE_INTERVAL_MAX_MS = 60000 };

enum durability_kind {
    DURABILITY_GROUP,    /* an acknowledgement waits for the disk, together with others */
    DURABILITY_ALWAYS,   /* and so do QoS 1 messages to clients */
    DURABILITY_INTERVAL, /* nothing waits; the disk has it some milliseconds later */
    DURABILITY_NONE,     /* nothing waits; the system writes when it likes */
};

struct durability {
    uint32_t kind;        /* enum durability_kind */
    uint32_t interval_ms; /* of DURABILITY_INTERVAL; else 0 */
};

struct store_settings {
    bool kept;                         /* false: all is in memory */
    char location[STORE_PATH_MAX + 1]; /* "": the usual place */
    struct durability durability;
};

#endif
