/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a value stands for: ${NAME} in it for a variable of the environment, and a secret that is
 * file:PATH for what is in that file.
 *
 * A name is capitals, digits and '_', and starts with no digit; every other "${" stays as it is, so
 * that hardly a file written for Mosquitto means anything else here. $${NAME} stands for ${NAME}.
 */
#ifndef BROKER_CONFIG_EXPAND_H
#define BROKER_CONFIG_EXPAND_H

#include "broker/config/option.h"
#include "broker/config/report.h"
#include "broker/config/source.h"

enum { EXPAND_NAME_MAX = 127 }; /* bytes of a variable's name */

/* Starts as { 0 }. */
struct expanded {
    struct bytes text;
    uint8_t *block; /* that text lies in; NULL: text is the value as written */
    size_t block_size;
    char *path; /* of the secret's file, from malloc; NULL: there is none */
};

/**
 * Expands a value of this option. `text` is borrowed until expanded_free(). Of a secret's file the
 * last line's end is cut off; it may have CONFIG_VALUE_BYTES_MAX bytes, as may the whole value.
 *
 * Returns 0, -EINVAL after telling an error, or -ENOMEM.
 */
int expand(struct expanded *out, const struct option *option, struct bytes text,
        const struct source *source, struct report *report, struct report_origin origin);

/* Wipes and frees what expand() has taken. */
void expanded_free(struct expanded *expanded);

#endif
