/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar ctl store`: looks after a data directory without a server.
 */
#ifndef CLI_CTL_STORE_H
#define CLI_CTL_STORE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Does what the request says: "action" is check, dump or salvage, "directory" where the store is,
 * "to" where a salvaged one is to be. With `json` it prints objects, one in a line.
 *
 * Returns the exit status: 0; 1 when something is broken, or it could not be done; 2 for a request
 * that is wrong. All is told.
 */
int ctl_store(const json_t *request, bool json);

#endif
