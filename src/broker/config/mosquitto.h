/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mosquitto's keys, and where ours of the same name do otherwise: for docs/mosquitto.md. What the
 * option table says already (that a key has no effect, is refused, or needs a restart) is not said
 * here again.
 */
#ifndef BROKER_CONFIG_MOSQUITTO_H
#define BROKER_CONFIG_MOSQUITTO_H

#include <stddef.h>

struct mosquitto_key {
    const char *name;    /* of the option table, not its alias */
    const char *differs; /* in Markdown, to follow "the same, but "; NULL: it does not */
};

extern const struct mosquitto_key mosquitto_keys[];
extern const size_t mosquitto_key_count;

#endif
