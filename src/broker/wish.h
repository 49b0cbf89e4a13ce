/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core's wish for messages that the store has: asked for on its shard's thread, answered on one
 * of the store's, and told to the core as an errand of its shard. The answer to a list of ids is
 * whole, however many parts the store has made of it.
 */
#ifndef BROKER_WISH_H
#define BROKER_WISH_H

#include "broker/core/storage.h"

#include <stdbool.h>

struct shard;

/* False when memory is short: then nothing has been asked. */
bool wish_ask(struct shard *shard, const struct storage_wish *wish);

#endif
