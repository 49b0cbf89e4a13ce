/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission where nothing can check a user's name: a client comes in where its listener lets
 * anybody in (allow_anonymous), whether or not it gives a name, and nowhere else. Whoever is in may
 * publish and subscribe to everything, and no authentication method is known.
 */
#ifndef BROKER_AUTH_ANONYMOUS_H
#define BROKER_AUTH_ANONYMOUS_H

#include "broker/core/core.h"

/* Has no state: good for every shard. */
struct access anonymous_access(void);

#endif
