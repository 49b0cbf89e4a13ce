/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core's locks as the system's mutexes; for a server of one shard, which needs none, as nothing.
 */
#ifndef BROKER_MUTEXES_H
#define BROKER_MUTEXES_H

#include "broker/core/locks.h"

struct locks mutexes(unsigned shards);

#endif
