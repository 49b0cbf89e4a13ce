/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out what a server is like before cases are put to it: which versions it speaks, what its
 * CONNACK announces, what it publishes about itself.
 */
#ifndef CHECK_SURVEY_H
#define CHECK_SURVEY_H

#include "check/run.h"

/**
 * Adds to *target, which holds what the user has said: the versions, limits and abilities, whether
 * an empty client id is refused, and where the server publishes its status. `name` is as in struct
 * check_setup.
 *
 * Returns NULL, or a sentence why no version was understood, the caller's to be freed.
 */
char *check_survey(struct check_target *target, const struct wire *wire, const char *name);

#endif
