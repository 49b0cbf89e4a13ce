/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared subscriptions: a group owns its backlog and hands each message to one member.
 *
 * A group (share name and filter) lives on the home shard of its name; the index knows it as one
 * target. Its members are sessions, each at home somewhere. Three things travel between the two,
 * each an object that bears its own letter:
 *
 *   - a `membership` goes to the group's home to join (MAIL_JOIN), comes back with the answer
 *     (MAIL_JOINED), and goes there for good to leave (MAIL_LEAVE);
 *   - while it lasts, MAIL_MEMBER tells the group the member's window: 0 while it is absent;
 *   - a `hand` is one message of the group: it waits in the backlog, goes to a member (MAIL_HAND)
 * as long as that has window, and comes back with its fate (MAIL_HAND_BACK). A fate of "returned"
 *     puts it back in its place, for another member.
 *
 * At QoS 1 a hand is returned when its member leaves, is lost or ends before it acknowledged. At
 * QoS 2 only as long as it was not sent: from then on it stays with its member and ends with that
 * member's session. One that is refused with 0x80 or above is discarded.
 * Messages that are QoS 0 for the chosen member are just forwarded.
 *
 * Source: MQTT 5.0 §4.8.2, [MQTT5-4.8.2-3], [MQTT5-4.8.2-4], [MQTT5-4.8.2-5], [MQTT5-4.8.2-6],
 * [U5-4.8.2-1], [U5-4.8.2-2], [U5-3.10.4-2]
 */
#ifndef BROKER_CORE_GROUP_H
#define BROKER_CORE_GROUP_H

#include "base/map.h"
#include "base/pool.h"
#include "broker/core/counters.h"
#include "broker/core/ledger.h"
#include "broker/core/mail.h"
#include "broker/core/offer.h"
#include "broker/core/spill.h"
#include "mqtt/reason.h"

struct core;
struct session;
struct connection;
struct subscription;

/* Shared subscriptions of one session: its hands are searched for each that it leaves. */
enum { MEMBERSHIPS_MAX = 1000 };

struct hand {
    struct letter letter;
    struct list link; /* in its group's backlog */
    struct target group;
    struct target session; /* while it is out */
    struct message *message;
    uint64_t number; /* order of arrival in the group */
    uint64_t queue;  /* of the group in the store; 0: it ends with the process */
    uint32_t subscription_id;
    uint8_t qos; /* for that member */
    bool retain;
    int fate; /* on the way back */
};

struct membership {
    struct letter letter;
    struct list sibling; /* in its session's list; touched at the session's home only */
    struct target session;
    struct target group;      /* from MAIL_JOINED on; touched at the session's home only */
    struct target answer;     /* the group, as its home writes it for MAIL_JOINED */
    struct target connection; /* whose SUBACK waits for the answer */
    uint64_t group_hash;
    uint32_t position;       /* which code of that SUBACK */
    uint32_t window;         /* the member's, when it joins */
    enum mqtt_reason reason; /* the answer */
    uint32_t identifier;
    uint8_t qos;
    bool retain_as_published;
    bool lasting;         /* the session outlives the process, so the group has to */
    bool travels;         /* it is with the group's home: hands off */
    bool gone;            /* it was left while it travelled */
    uint16_t share_size;  /* of the share name, "$share/" and slashes not counted */
    uint16_t filter_size; /* as written, with "$share/" */
    uint8_t filter[];
};

struct group_member {
    struct target session;
    const struct membership *membership; /* the last one that joined; never looked into */
    uint32_t identifier;
    uint32_t window;      /* hands that it may have; 0: absent */
    uint32_t outstanding; /* hands that it has */
    uint8_t qos;
    bool retain_as_published;
};

struct group {
    struct pooled pooled;
    uint64_t hash;
    uint64_t queue; /* in the store; 0: none of its members outlives the process */
    uint8_t *name;  /* share name, '/', filter */
    uint32_t name_size;
    uint32_t share_size;
    struct group_member *members;
    uint32_t member_count;
    uint32_t member_capacity;
    uint32_t turn; /* the member to be asked next */
    uint32_t backlog_count;
    uint64_t backlog_bytes;
    int64_t expires_ms; /* nothing in the backlog expires earlier; as far as is known */
    uint32_t out;       /* hands with members */
    uint64_t numbers;
    struct list backlog; /* hands, by number */
    struct spill spill;  /* what waits behind the backlog and not in memory */
    struct list fresh;   /* hands: what waits behind that, as it came in this turn */
    uint32_t fresh_count;
    uint64_t fresh_bytes;
    struct list spilling; /* in core->durable.group_spills; group_backlog.c for these */
    struct list waiters;  /* publishers that wait for room here */
    struct ledger ledger;
    struct loss_notes losses;
};

/* ---- At the group's home ---- */

void groups_init(struct core *core);

/* A message that matched the group. False when it was refused for want of room or memory. */
bool group_offer(struct core *core, struct group *group, struct message *message, struct ask *ask);

/* The first hand of its backlog, which has one, is dropped for that reason, and told. */
void group_drop_oldest(struct core *core, struct group *group, enum drop_reason reason);

/* A hand for the message, with a reference, that is in no list yet. NULL when memory is short. */
struct hand *hand_new(struct core *core, struct group *group, struct message *message);

/* At the end of what waits in memory. */
void group_append(struct group *group, struct hand *hand);

/* Hands out what members have room for. */
void group_pump(struct core *core, struct group *group);

struct target group_target(const struct core *core, const struct group *group);
struct group *group_find(const struct core *core, struct target target);

/* ---- What need not lie in memory: group_backlog.c, as backlog.h for sessions ---- */

/* All that waits for the group, and its payloads. */
uint64_t group_waiting(const struct group *group);
uint64_t group_waiting_bytes(const struct group *group);

/* Is a message to go behind what is spilled, or is the backlog so long? Then group_put_aside(). */
bool group_is_long(
        const struct core *core, const struct group *group, const struct message *message);
void group_put_aside(struct core *core, struct group *group, struct hand *hand);

/* Members may have taken so much that more is to be fetched. */
void group_refill(struct core *core, struct group *group);

/* The group ends: what is behind its backlog is counted as lost with it. */
void group_forget_spill(struct core *core, struct group *group);

void group_join(struct core *core, struct membership *membership);     /* MAIL_JOIN */
void group_leave(struct core *core, struct membership *membership);    /* MAIL_LEAVE; takes it */
void group_member_changed(struct core *core, const struct mail *mail); /* MAIL_MEMBER */
void group_hand_back(struct core *core, struct hand *hand); /* MAIL_HAND_BACK; takes it */

/* Frees all groups, at the end. */
void groups_free(struct core *core);

/* ---- At the member's home ---- */

/*
 * The subscription joins its group (or, where it is a member already, changes its options there);
 * `connection` waits for the answer. False when memory is short or MEMBERSHIPS_MAX is reached.
 */
struct joining {
    struct subscription *subscription;
    struct bytes share_name;
    struct bytes filter; /* without "$share/name/" */
    bool retain_as_published;
    uint32_t position; /* of its code in the SUBACK */
};
bool membership_join(struct core *core, struct session *session, struct connection *connection,
        const struct joining *joining);

void membership_joined(struct core *core, struct membership *membership); /* MAIL_JOINED */

/* The subscription is gone: hands not yet sent go back, what was sent is finished by the session.
 */
void membership_leave(
        struct core *core, struct session *session, struct subscription *subscription);

/* The session has come (its window) or gone (0): all its groups are told. */
void memberships_tell(struct core *core, struct session *session, uint32_t window);

/* The client is gone: what is at QoS 1 or not yet sent goes back to the groups. */
void hands_return(struct core *core, struct session *session);

void hand_arrived(struct core *core, struct hand *hand); /* MAIL_HAND; takes it */

/* Sends a hand home with its fate. */
void hand_back(struct core *core, struct hand *hand, int fate);

/* ---- When the server starts: before anything runs, each on its object's home ---- */

/* A restored session's membership of the subscription, which is no member anywhere yet. NULL when
 * memory is short. */
struct membership *membership_restore(struct core *core, struct session *session,
        struct subscription *subscription, bool retain_as_published);

/* The membership becomes a member, of a group that is made where there is none. NULL when memory is
 * short. */
struct group *group_restore(struct core *core, struct membership *membership);

/* NULL: there is none of that share name, '/' and filter. */
struct group *group_find_name(const struct core *core, struct bytes name);

/* The queue that it has had; 0: a new one, as the store has none for it. False when memory is
 * short. */
bool group_restore_queue(struct core *core, struct group *group, uint64_t queue);

/* A message of its backlog, with a reference; in order. NULL when memory is short. */
struct hand *group_restore_hand(struct core *core, struct group *group, struct message *message);

/* The last one is with that session, as its flight says. */
void group_restore_out(struct group *group, struct hand *hand, struct target session);

/* ---- */

/* Frees a membership that is nobody's any more. */
void membership_free(const struct memory *memory, struct membership *membership);

/* Frees a hand that is nobody's any more. */
void hand_free(struct core *core, struct hand *hand);

#endif
