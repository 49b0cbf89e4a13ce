/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each statement demands, in our words: the rows of docs/spec, which the build puts in.
 */
#ifndef CHECK_LEDGER_H
#define CHECK_LEDGER_H

#include <stddef.h>

/* The requirement of the statement with this id, "MQTT5-3.1.0-2"; "" for one that is not known. */
const char *check_ledger_text(const char *id, size_t id_size);

#endif
