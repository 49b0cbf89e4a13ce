/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Late copies of messages of QoS 2: a copy of a PUBLISH that the network has kept back for longer
 * than the exchange took looks like a new message with the id of one that is over.
 *
 * It is a copy where the sender counts its ids up, for then they do not come again soon. A sender
 * that uses the lowest free id each time means a new message; but it cannot have counted up more
 * often than it can have messages under way. So ids that are over are told from new ones once they
 * have risen MQTTSN_LATE_RISES_MIN times, one after the other. Who goes through a set of ids again
 * and again either has not by then, or has a set that is larger than what is looked at. (Source:
 * MQTT-SN 1.2 §5.3.7)
 */
#ifndef MQTTSN_LATE_H
#define MQTTSN_LATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MQTTSN_LATE_WINDOW = 16, /* ids before the last one that are looked at */
    MQTTSN_LATE_RISES_MIN = MQTTSN_LATE_WINDOW,
    MQTTSN_LATE_STEP_MAX = 1024, /* between two messages; whatever else has ids comes in between */
};

/* One side's ids as the other one sees them. All zero: none has come. */
struct mqttsn_late {
    uint16_t over; /* bit N: the exchange of the id N before the last one is over */
    uint16_t last;
    uint8_t rises;
};

/* Whether a message with this id, which is not 0, is a copy of one that is over. */
bool mqttsn_late_is_copy(const struct mqttsn_late *late, uint16_t id);

/* One has come that is none; it may be a repetition of one that is under way. */
void mqttsn_late_begin(struct mqttsn_late *late, uint16_t id);

/* The exchange is over. */
void mqttsn_late_end(struct mqttsn_late *late, uint16_t id);

#endif
