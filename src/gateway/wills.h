/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients that are not there now have left: to MQTT-SN 1.2 a Will belongs to the session, and
 * a client that comes back without one has its old one again; in both versions topic ids do. MQTT
 * knows nothing of that. It is kept in memory alone, each client's until it comes, its session ends
 * or GATEWAY_WILL_KEPT_MAX_S are over.
 *
 * Source: MQTT-SN 1.2 §6.3, [SN-6.3-4], [SN-6.3-5]; MQTT-SN 2.0 §4.7.2.2
 */
#ifndef GATEWAY_WILLS_H
#define GATEWAY_WILLS_H

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "gateway/said.h"
#include "gateway/topics.h"

enum {
    GATEWAY_WILLS_MAX = 10000,                  /* beyond it the one kept longest gives way */
    GATEWAY_WILL_KEPT_MAX_S = 30 * 24 * 60 * 60 /* also where its session never ends */
};

/* All of it is this file's own. */
struct gateway_wills {
    struct map table;
    struct list kept; /* in the order in which they came */
    struct hash_key key;
};

struct gateway_will {
    struct gateway_said *said; /* with the id that it is kept by */
    uint8_t qos;
    bool retain;
    struct gateway_topics topics; /* in a table of their own, without a Will */
};

/* Frees what it has, not itself. */
void gateway_will_reset(struct gateway_will *will, const struct memory *memory);

void gateway_wills_init(struct gateway_wills *wills, struct hash_key key);
void gateway_wills_deinit(struct gateway_wills *wills, const struct memory *memory);

/*
 * Takes what the Will has, in any case, for `lasts_s`; one that the client has already gives way.
 * False where a Will is lost by that: this one, as memory is short, or the one kept longest, which
 * has made room.
 */
bool gateway_wills_keep(struct gateway_wills *wills, const struct memory *memory,
        struct gateway_will will, uint32_t lasts_s, int64_t now_ms);

/* Gives the client's, and what it has is the caller's then; none: said is NULL. */
struct gateway_will gateway_wills_take(
        struct gateway_wills *wills, const struct memory *memory, struct bytes id, int64_t now_ms);

/* Forgets those whose time is over: the first ones that are kept, up to one that stays. */
void gateway_wills_tick(struct gateway_wills *wills, const struct memory *memory, int64_t now_ms);

#endif
