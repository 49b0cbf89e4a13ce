/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What shards say to each other, and the boxes it goes out by.
 *
 * Room is never waited for. A PUBLISH is only begun when every outbox has a free slot, and takes at
 * most one of each. Whatever else must be said is a letter that lies inside the object it is about
 * (a membership, a hand, an ask) and is linked to the outbox until a slot is free; so no memory is
 * needed to say it, and taking mail never needs room elsewhere (design.md §3).
 */
#ifndef BROKER_CORE_MAIL_H
#define BROKER_CORE_MAIL_H

#include "base/list.h"
#include "base/mailbox.h"
#include "broker/core/index.h"

struct message;
struct hand;
struct membership;
struct ask;

enum mail_kind {
    MAIL_PUBLISH,   /* a message and whom it is for */
    MAIL_PARCEL,    /* a connection on its way home */
    MAIL_JOIN,      /* a membership: make it a member of its group */
    MAIL_JOINED,    /* ... and the answer */
    MAIL_MEMBER,    /* a member came or went; its window */
    MAIL_LEAVE,     /* a membership that ends here */
    MAIL_HAND,      /* a group's message for one member */
    MAIL_HAND_BACK, /* ... and what became of it */
    MAIL_ASK_DONE,  /* every queue that a message was too much for has room again */
};

/* A message for sessions and groups of one shard. */
struct delivery_list {
    struct message *message; /* one reference */
    struct ask *ask;         /* where the publisher waits for full queues, else NULL */
    uint32_t count;
    uint32_t identifier_count;
    size_t size;            /* of this block */
    struct match targets[]; /* then the identifiers they refer to */
};

struct mail {
    enum mail_kind kind;
    uint32_t window;       /* MAIL_MEMBER: 0: gone for now */
    struct target group;   /* MAIL_MEMBER */
    struct target session; /* MAIL_MEMBER */
    union {
        struct delivery_list *list;
        void *parcel;
        struct membership *membership;
        struct hand *hand;
        struct ask *ask;
    } of;
};

struct letter {
    struct list link;
    struct mail mail;
};

struct outbox {
    struct mailbox *mailbox; /* NULL: the shard itself */
    struct list waiting;     /* letters */
};

static inline void letter_init(struct letter *letter)
{
    list_init(&letter->link);
}

/* True when one mail can be put now and nothing waits before it. */
bool outbox_has_room(struct outbox *outbox);

/* Puts a mail now; only after outbox_has_room(). */
void outbox_put(struct outbox *outbox, const struct mail *mail);

/* Sends the letter now or when there is room; it must not move or go until then. A letter that is
 * already waiting just has its content replaced. */
void outbox_post(struct outbox *outbox, struct letter *letter, const struct mail *mail);

/* Sends what waits, as far as there is room. */
void outbox_push(struct outbox *outbox);

#endif
