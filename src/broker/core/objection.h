/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with what a client sends first, in words for the log. Asked only where it is
 * refused, so that decoding costs nothing for it. All texts last.
 */
#ifndef BROKER_CORE_OBJECTION_H
#define BROKER_CORE_OBJECTION_H

#include "base/bytes.h"

/* To something else than a CONNECT, or a header that is none; `in` is all that has come. */
const char *objection_to_stranger(struct bytes in);

/* To the body of a CONNECT, `flags` those of its fixed header; NULL where mqtt_connect_decode()
 * takes it. */
const char *objection_to_connect(uint8_t flags, struct bytes body);

#endif
