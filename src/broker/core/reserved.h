/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics that are the server's own: clients do not publish there.
 */
#ifndef BROKER_CORE_RESERVED_H
#define BROKER_CORE_RESERVED_H

#include "base/bytes.h"

/*
 * True for every topic that begins with '$', but for the one that a bridge of Mosquitto's says its
 * state on, "$SYS/broker/connection/NAME/state".
 * Source: MQTT 5.0 §4.7.2, [U5-4.7.2-1], [U311-4.7.2-a]
 */
bool topic_reserved(struct bytes topic);

#endif
