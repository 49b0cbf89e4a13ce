/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in a store, as objects with names: the first member, "kind", says what it is. Payloads
 * are told by their size alone. What cannot be read is told with its bytes' size and "unreadable".
 *
 * Each function returns a new object, or NULL when memory is short.
 */
#ifndef CLI_CTL_STORE_WORDS_H
#define CLI_CTL_STORE_WORDS_H

#include "store/store.h"

#include <jansson.h>

json_t *store_words_entry(unsigned table, struct bytes key, struct bytes value);

/* A message's place in a queue. */
json_t *store_words_item(const struct store_item *item);

json_t *store_words_record(const struct record *record);

#endif
