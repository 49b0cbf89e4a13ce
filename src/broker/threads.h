/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many threads serve clients, and whether there is memory for them.
 */
#ifndef BROKER_THREADS_H
#define BROKER_THREADS_H

#include "broker/config/config.h"

/* As many as `threads` says, or one for each core; 1..SHARDS_MAX. */
unsigned threads_count(const struct config *config);

/* Bytes that so many take of memory_limit before anybody comes, rounded up. */
int64_t threads_memory(unsigned count);

/* Tells an error, and gives false, where memory_limit is less than what the threads take: the
 * server would not start with it. */
bool threads_have_memory(const struct config *config, struct report *report);

#endif
