/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In what two configurations differ, as JSON and as lines for people.
 */
#ifndef BROKER_DIFFERENCES_H
#define BROKER_DIFFERENCES_H

#include "broker/config/config.h"

#include <jansson.h>

/* An array with an object for each difference, what `next` would change where `running` is in
 * force; NULL when memory is short. */
json_t *differences_of(const struct config *next, const struct config *running);

/* Prints them, a line each; returns how many there are. */
size_t differences_print(const struct config *next, const struct config *running);

#endif
