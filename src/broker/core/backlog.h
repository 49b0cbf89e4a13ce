/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for a session that outlives the process, when that is much: its first messages lie in
 * memory, in its queue; the others in the store alone (spill.h), from where they are fetched as the
 * client takes the first ones. So a backlog costs disk, and 16 bytes of memory for each message.
 *
 * What comes when something is spilled already waits behind it: until the turn's end in memory, for
 * only then it has an id.
 *
 * For other sessions, and where the store cannot fetch, all of a backlog is the queue.
 */
#ifndef BROKER_CORE_BACKLOG_H
#define BROKER_CORE_BACKLOG_H

#include "broker/core/session.h"

struct offer;
struct storage_answer;
struct storage_item;

enum {
    /* Of a session's queue, in memory: more is spilled. */
    BACKLOG_HOT_MAX = 256,
    BACKLOG_HOT_BYTES_MAX = 256 << 10,
    BACKLOG_COLD_MAX = 16, /* the same, of one that is absent */
    BACKLOG_COLD_BYTES_MAX = 16 << 10,
    BACKLOG_LOW = 64, /* so many are left when more are fetched */
    BACKLOG_LOW_BYTES = 64 << 10,
};

/* Messages of QoS 1 and 2 that wait for it and have no packet id yet, and their payloads. */
uint64_t backlog_count(const struct session *session);
uint64_t backlog_bytes(const struct session *session);

/* Is it to go behind what is spilled, or is the queue so long that it need not stay in memory? Then
 * it goes to session->lasting->fresh, and backlog_grown() is told. */
bool backlog_is_long(
        const struct core *core, const struct session *session, const struct offer *offer);
void backlog_grown(struct core *core, struct session *session, const struct message *message);

/* At the turn's end, when its messages have ids. */
void backlogs_spill(struct core *core);

/* The client has gone: little stays in memory. */
void backlog_shed(struct core *core, struct session *session);

/* The client may have taken so much that more is to be fetched. Only for a lasting session. */
void backlog_refill(struct core *core, struct session *session);

struct message;
struct stored_place;

/* A message that the store has goes to the end of the session's queue, with a reference; or into
 * flight, by what is set here of the delivery. False when memory is short. */
bool backlog_enqueue(struct core *core, struct session *session, struct message *message,
        const struct stored_place *place);
bool backlog_set_place(
        struct core *core, struct delivery *delivery, const struct stored_place *place);

/* The oldest one is dropped as DROP_QUEUE_FULL. False when there is none that can be now. */
bool backlog_drop_oldest(struct core *core, struct session *session);

/* The session ends: what is behind its queue is counted as lost with it. */
void backlog_forget(struct core *core, struct session *session);

/* ---- For groups as well, whose backlogs are theirs (group_backlog.c) ---- */

/* From here on the store alone has the message. False when memory is short. */
bool backlog_spill(struct core *core, struct spill *spill, const struct message *message);

/* Asks for the first ones of a spill, which has some: `max` at most, which is not 0. False when
 * memory is short. */
bool backlog_ask(
        struct core *core, struct spill *spill, struct target who, uint64_t queue, uint64_t max);

/* What was asked for cannot be had. */
void backlog_unreadable(struct core *core, struct spill *spill, struct bytes who);

/* The first one of a spill's list is dropped as DROP_QUEUE_FULL. False when none can be now. */
bool backlog_drop_spilled(
        struct core *core, struct spill *spill, uint64_t queue, struct ledger *ledger);

/* Its owner ends: the spill, and so many beside it, are counted as lost with him. */
void backlog_lose_spill(
        struct core *core, struct spill *spill, uint32_t beside, struct ledger *ledger);

enum fetched { FETCHED, FETCHED_BROKEN, FETCHED_NO_MEMORY };

/* Who takes what was fetched, and hears of what is not there or cannot be read. */
struct backlog_taker {
    enum fetched (*take)(void *context, const struct storage_item *item);
    void (*lose)(void *context);
    void *context;
};

/* Goes through an answer that has not failed: first come, first taken. False when memory is short
 * for the rest, which stays in the spill. */
bool backlog_take(struct core *core, struct spill *spill, const struct storage_answer *answer,
        const struct backlog_taker *taker);

void group_fetched(struct core *core, const struct storage_answer *answer);
void groups_spill(struct core *core);

#endif
