/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topic ids that gateway and clients have agreed on beforehand: for all clients, and for single
 * ones, whose own come first. (Source: MQTT-SN 1.2 §6.7, [SN-6.7-1], [SN-X-5])
 */
#ifndef GATEWAY_PREDEFINED_H
#define GATEWAY_PREDEFINED_H

#include "base/bytes.h"

#include <stdint.h>

struct gateway_predefined_topic {
    uint16_t id;
    struct bytes client_id; /* empty: everyone's */
    struct bytes name;
};

struct gateway_predefined {
    const struct gateway_predefined_topic *topics;
    size_t count;
};

/* The topic that the id stands for to that client; empty when there is none. */
struct bytes gateway_predefined_find(
        const struct gateway_predefined *predefined, struct bytes client_id, uint16_t id);

/* So many pairs of it the other one has not. */
size_t gateway_predefined_missing(
        const struct gateway_predefined *predefined, const struct gateway_predefined *other);

/* The id that stands for that topic to that client; 0 when there is none. */
uint16_t gateway_predefined_find_id(
        const struct gateway_predefined *predefined, struct bytes client_id, struct bytes name);

#endif
