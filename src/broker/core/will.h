/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wills: kept with a session while its connection lives, published when that ends otherwise than by
 * a normal DISCONNECT, after the will's delay or when the session ends, whichever is first.
 *
 * Source: MQTT 5.0 §3.1.2.5, [MQTT5-3.1.2-7], [MQTT5-3.1.2-8], [MQTT5-3.1.2-10], [MQTT5-3.1.3-9]
 */
#ifndef BROKER_CORE_WILL_H
#define BROKER_CORE_WILL_H

#include "base/list.h"
#include "broker/core/message.h"
#include "broker/core/target.h"
#include "mqtt/connect.h"

struct core;
struct session;

struct will {
    struct list link;        /* in core->due_wills, once due */
    struct message *message; /* its expiry begins when it is published [U5-3.1.3.2.4-1] */
    struct target publisher;
    uint32_t delay_s;
    uint32_t expiry_s;
    bool expires;
    int64_t due_ms;  /* while the session waits without a connection */
    uint64_t number; /* in the store; 0: it ends with the process */
};

/* The will of a CONNECT, with the topic's full name and maybe its author; or NULL when memory is
 * short. */
struct will *will_new(struct core *core, const struct mqtt_will *will, struct bytes topic,
        const struct author *author, struct target publisher);

/* The session's will, if any, is gone unpublished. */
void will_discard(struct core *core, struct session *session);

/* The session's will, if any, is due: it leaves the session, to be published in this turn or as
 * soon as there is room. */
void will_due(struct core *core, struct session *session);

/* Publishes what is due, as far as there is room. */
void wills_publish(struct core *core);

/* Frees all that are still due, unpublished: at the end. */
void wills_free(struct core *core);

#endif
