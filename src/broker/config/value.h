/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value of the option table: from text to its field, and back.
 */
#ifndef BROKER_CONFIG_VALUE_H
#define BROKER_CONFIG_VALUE_H

#include "broker/config/option.h"
#include "broker/config/report.h"

/**
 * Reads `text`, what follows the key on its line with blanks trimmed, as the option's type and
 * range demand. `field` is where it is kept, for OPTION_LISTENER a whole listener; for an option of
 * size 0 it is only checked. Errors and warnings are told with the origin.
 *
 * Returns false, and leaves the field alone, after telling an error.
 */
bool value_read(const struct option *option, struct bytes text, void *field, struct report *report,
        struct report_origin origin);

/* Empties the field, and gives it the option's default where there is one. */
void value_reset(const struct option *option, void *field);

/* Is `text` a way to write the option's default? */
bool value_is_initial(const struct option *option, struct bytes text);

/**
 * Writes the field's value as it would stand in a file, and a NUL, cut to fit `size` (at least 1).
 * An option without a field gives ""; of a secret it is OPTION_HIDDEN.
 */
void value_write(const struct option *option, const void *field, char *out, size_t size);

#endif
