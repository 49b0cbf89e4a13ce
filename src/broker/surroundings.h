/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration wants that this machine does not have, so that no server would start with
 * it here. A start finds that out by itself; this is for who asks before one.
 */
#ifndef BROKER_SURROUNDINGS_H
#define BROKER_SURROUNDINGS_H

#include "broker/config/config.h"

/*
 * Tells each user, address and folder that cannot be here, and then gives false. No name server is
 * asked: for an address that it might know there is a warning. What another user may do that the
 * server would become is not judged.
 */
bool surroundings_suit(const struct config *config, struct report *report);

#endif
