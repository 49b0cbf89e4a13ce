/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acknowledgements that a publisher does not get yet, because its messages were too much for some
 * queue (QUEUE_BACKPRESSURE): in the order of its PUBLISHes, for so they must go out
 * [MQTT5-4.6.0-2], [MQTT5-4.6.0-3].
 */
#ifndef BROKER_CORE_WITHHELD_H
#define BROKER_CORE_WITHHELD_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

/* With so many the publisher is left unread. One of MQTT 5.0 stops by itself at Receive Maximum. */
enum { WITHHELD_MAX = 1000 };

struct acknowledgement {
    uint32_t serial;    /* names it to the asks that it waits for */
    uint32_t waits;     /* how many of those are still out */
    uint16_t packet_id; /* 0: its PUBLISH is still being routed */
    uint8_t type;       /* MQTT_PUBACK or MQTT_PUBREC */
    uint8_t reason;
};

struct withheld {
    struct acknowledgement *entries;
    uint16_t count; /* at most WITHHELD_MAX */
    uint16_t capacity;
    uint32_t serials; /* wrap around: no ask is out for 2^32 acknowledgements */
};

/* One more, at the end, that waits for nothing yet; false when memory is short. There must be fewer
 * than WITHHELD_MAX. */
bool withheld_add(struct withheld *withheld, const struct memory *memory);

/* The newest one; NULL: there is none. */
struct acknowledgement *withheld_last(const struct withheld *withheld);

/* NULL when it is not there any more. */
struct acknowledgement *withheld_find(const struct withheld *withheld, uint32_t serial);

/* Takes out the oldest one, if it is complete and waits for nothing. */
bool withheld_take(
        struct withheld *withheld, const struct memory *memory, struct acknowledgement *out);

void withheld_reset(struct withheld *withheld, const struct memory *memory);

#endif
