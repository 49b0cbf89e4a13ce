/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/retained.h"

#include "broker/core/reserved.h"
#include "broker/core/retained_stripe.h"
#include "broker/core/topic_order.h"

#include <assert.h>
#include <stdatomic.h>

/*
 * The counters are relaxed. What must be seen together with a revision is ordered by locks: who
 * takes `start` in the index's write section comes after the matches of all publishers that have
 * matched before, and so after their revisions; and who reads a stripe comes after the change that
 * took, under that stripe's lock, a revision that is in `start`.
 */
struct retained {
    struct retained_setup setup;
    _Atomic uint64_t revision;
    _Atomic uint64_t count;
    _Atomic uint64_t own; /* of those, the server's own, which stay as long as it runs */
    void *locks[RETAINED_STRIPES];
    struct retained_stripe stripes[RETAINED_STRIPES];
};

/* ---- Places ---- */

/* Where a topic is kept. */
struct place {
    unsigned stripe;
    uint32_t hash;
};

/* The first two levels, or as many as there are. */
static struct bytes topic_start(struct bytes topic)
{
    unsigned slashes = 0;

    for (size_t i = 0; i < topic.size; i++) {
        slashes += topic.data[i] == '/';
        if (slashes == 2)
            return bytes_first(topic, i);
    }
    return topic;
}

static bool has_wildcard(struct bytes filter)
{
    for (size_t i = 0; i < filter.size; i++) {
        if (filter.data[i] == '+' || filter.data[i] == '#')
            return true;
    }
    return false;
}

static unsigned stripe_of(const struct retained *retained, struct bytes topic)
{
    uint64_t hash = hash_bytes(&retained->setup.key, topic_start(topic));

    /* The upper half: the lower one places short topics within their stripe. */
    return (unsigned)((hash >> 32) % RETAINED_STRIPES);
}

static struct place place_of(const struct retained *retained, struct bytes topic)
{
    return (struct place){ stripe_of(retained, topic),
        (uint32_t)hash_bytes(&retained->setup.key, topic) };
}

static struct retained_stripe *stripe_lock(struct retained *retained, unsigned stripe)
{
    lock_acquire(&retained->setup.locks, retained->locks[stripe]);
    return &retained->stripes[stripe];
}

static void stripe_unlock(struct retained *retained, unsigned stripe)
{
    lock_release(&retained->setup.locks, retained->locks[stripe]);
}

/* ---- Letting go, under no lock ---- */

static void unref(struct retained *retained, struct message *message)
{
    if (message)
        retained->setup.unref(retained->setup.context, message);
}

/* Frees entries that were taken out; returns how many. */
static size_t free_entries(struct retained *retained, struct retained_entry *chain)
{
    struct retained_entry *entry;
    size_t count = 0;

    for (; (entry = retained_entry_pop(&chain)); count++) {
        unref(retained, entry->message);
        retained_entry_free(&retained->setup.memory, entry);
    }
    atomic_fetch_sub_explicit(&retained->count, count, memory_order_relaxed);
    return count;
}

/* ---- Life ---- */

struct retained *retained_new(const struct retained_setup *setup)
{
    struct retained *retained = memory_take_zeroed(&setup->memory, sizeof(*retained));

    if (!retained)
        return NULL;
    retained->setup = *setup;
    for (unsigned i = 0; i < RETAINED_STRIPES; i++)
        retained_stripe_init(&retained->stripes[i]);
    for (unsigned i = 0; i < RETAINED_STRIPES; i++) {
        retained->locks[i] = lock_create(&setup->locks);
        if (!retained->locks[i]) {
            retained_free(retained);
            return NULL;
        }
    }
    return retained;
}

void retained_free(struct retained *retained)
{
    struct memory memory;

    if (!retained)
        return;
    memory = retained->setup.memory;
    for (unsigned i = 0; i < RETAINED_STRIPES; i++) {
        free_entries(retained, retained_stripe_clear(&retained->stripes[i], &memory));
        lock_destroy(&retained->setup.locks, retained->locks[i]);
    }
    memory_give(&memory, retained, sizeof(*retained));
}

/* ---- What the store is told ---- */

/* Entries have been taken out of a stripe, whose lock is held. Where memory is short they stay in
 * the store, where nobody asks for what has expired. */
static void tell_expired(const struct storage *storage, struct retained_entry *chain)
{
    struct record_batch batch = { 0 };

    if (!storage || !storage->push)
        return;
    for (; chain; chain = retained_entry_next(chain)) {
        if (!topic_reserved(message_topic(chain->message)))
            records_remove(&batch, STORED_RETAINED, message_topic(chain->message));
    }
    if (batch.count > 0)
        storage->push(storage->context, &batch);
    record_batch_reset(&batch);
}

/* ---- Changes ---- */

/* Only under the lock of the message's stripe. */
static void take_revision(struct retained *retained, struct message *message)
{
    message->revision = atomic_fetch_add_explicit(&retained->revision, 1, memory_order_relaxed) + 1;
}

static enum retained_result add_entry(struct retained *retained, struct place place,
        struct message *message, uint64_t entries_max, struct retained_entry **out)
{
    uint64_t before = atomic_fetch_add_explicit(&retained->count, 1, memory_order_relaxed);
    enum retained_result result = RETAINED_FULL;

    if (entries_max == 0 || before < entries_max) {
        *out = retained_stripe_add(
                &retained->stripes[place.stripe], &retained->setup.memory, place.hash, message);
        result = *out ? RETAINED_DONE : RETAINED_NO_MEMORY;
    }
    if (result != RETAINED_DONE)
        atomic_fetch_sub_explicit(&retained->count, 1, memory_order_relaxed);
    else if (topic_reserved(message_topic(message)))
        atomic_fetch_add_explicit(&retained->own, 1, memory_order_relaxed);
    return result;
}

/* False when memory is short. */
static bool tell(struct retained_change *change)
{
    uint32_t count = change ? change->batch.count : 0;
    uint64_t first;

    if (count == 0)
        return true;
    first = change->storage->push(change->storage->context, &change->batch);
    if (first == UINT64_MAX)
        return false;
    change->end = first + count;
    return true;
}

/* Of a stripe whose lock is held; a chain, to be freed when it is not. */
static void take_out(struct retained *retained, struct retained_stripe *stripe,
        struct retained_entry *entry, struct retained_entry **removed)
{
    retained_stripe_remove(stripe, &retained->setup.memory, entry);
    retained_entry_push(removed, entry);
}

enum retained_result retained_set(struct retained *retained, struct message *message,
        int64_t expires_ms, struct retained_change *change)
{
    struct place place = place_of(retained, message_topic(message));
    struct retained_stripe *stripe = stripe_lock(retained, place.stripe);
    struct retained_entry *entry = retained_stripe_find(stripe, place.hash, message_topic(message));
    struct message *replaced = entry ? entry->message : NULL;
    struct retained_entry *removed = NULL;
    enum retained_result result = RETAINED_DONE;

    if (!entry)
        result = add_entry(retained, place, message, retained->setup.entries_max, &entry);
    if (result == RETAINED_DONE && !tell(change)) {
        result = RETAINED_NO_MEMORY;
        if (!replaced)
            take_out(retained, stripe, entry, &removed);
        replaced = NULL;
    } else if (result == RETAINED_DONE) {
        message_ref(message);
        entry->message = message;
        retained_stripe_set_expiry(stripe, entry, expires_ms);
        take_revision(retained, message);
    }
    stripe_unlock(retained, place.stripe);
    unref(retained, replaced);
    if (removed) { /* Its message was not taken. */
        retained_entry_free(&retained->setup.memory, removed);
        atomic_fetch_sub_explicit(&retained->count, 1, memory_order_relaxed);
    }
    return result;
}

enum retained_result retained_clear(
        struct retained *retained, struct message *message, struct retained_change *change)
{
    struct place place = place_of(retained, message_topic(message));
    struct retained_stripe *stripe = stripe_lock(retained, place.stripe);
    struct retained_entry *entry = retained_stripe_find(stripe, place.hash, message_topic(message));
    struct retained_entry *removed = NULL;
    /* Also where there is none: who has cleared it may still wait for the store. */
    bool told = tell(change);

    if (told && entry)
        take_out(retained, stripe, entry, &removed);
    if (told)
        take_revision(retained, message);
    stripe_unlock(retained, place.stripe);
    if (!told)
        return RETAINED_NO_MEMORY;
    return free_entries(retained, removed) > 0 ? RETAINED_DONE : RETAINED_NONE;
}

bool retained_restore(struct retained *retained, struct message *message, int64_t expires_ms)
{
    struct place place = place_of(retained, message_topic(message));
    struct retained_stripe *stripe = stripe_lock(retained, place.stripe);
    struct retained_entry *entry = retained_stripe_find(stripe, place.hash, message_topic(message));
    struct message *replaced = entry ? entry->message : NULL;
    uint64_t revision = retained_revision(retained);
    bool newer = !entry || entry->message->revision < message->revision;

    if (!entry)
        add_entry(retained, place, message, 0, &entry);
    if (entry && newer) {
        message_ref(message);
        entry->message = message;
        retained_stripe_set_expiry(stripe, entry, expires_ms);
    }
    while (revision < message->revision &&
            !atomic_compare_exchange_weak_explicit(&retained->revision, &revision,
                    message->revision, memory_order_relaxed, memory_order_relaxed))
        ;
    stripe_unlock(retained, place.stripe);
    if (newer)
        unref(retained, replaced);
    return entry;
}

uint64_t retained_revision(const struct retained *retained)
{
    return atomic_load_explicit(&retained->revision, memory_order_relaxed);
}

uint64_t retained_count(const struct retained *retained)
{
    return atomic_load_explicit(&retained->count, memory_order_relaxed);
}

uint64_t retained_own_count(const struct retained *retained)
{
    return atomic_load_explicit(&retained->own, memory_order_relaxed);
}

/* ---- Reading ---- */

/* One call's work. */
struct slice {
    const struct retained_query *query;
    struct message **out;
    size_t given;
    size_t examined;
    struct retained_entry *last;    /* of those looked at in this stripe */
    struct retained_entry *removed; /* because they have expired */
};

static bool slice_full(const struct slice *slice)
{
    return slice->given == RETAINED_SLICE_MAX || slice->examined == RETAINED_EXAMINED_MAX;
}

static bool expired(const struct slice *slice, const struct retained_entry *entry)
{
    return entry->expires_ms <= slice->query->now_ms;
}

static void give(struct slice *slice, const struct retained_entry *entry)
{
    if (expired(slice, entry) || entry->message->revision > slice->query->revision_max)
        return;
    message_ref(entry->message);
    slice->out[slice->given++] = entry->message;
}

/* A filter without wildcards is a topic. */
static void read_topic(struct retained *retained, struct slice *slice)
{
    struct place place = place_of(retained, slice->query->filter);
    struct retained_stripe *stripe = stripe_lock(retained, place.stripe);
    const struct retained_entry *entry =
            retained_stripe_find(stripe, place.hash, slice->query->filter);

    if (entry)
        give(slice, entry);
    stripe_unlock(retained, place.stripe);
}

/* The entry to look at after this one. */
static struct retained_entry *follow(struct retained_stripe *stripe, struct retained_entry *entry,
        enum topic_step step, const struct topic_bound *bound)
{
    struct retained_entry *next = step == TOPIC_ENDS ? NULL : entry->next[0];

    /* Often the next one is far enough, and a search would cost much more. */
    if (step == TOPIC_SKIPS && next && topic_compare(message_topic(next->message), bound) < 0)
        next = retained_stripe_seek(stripe, bound);
    return next;
}

/* Reads on in a stripe until it ends (true) or the slice is full (false). */
static bool scan(struct retained *retained, struct retained_stripe *stripe, struct slice *slice,
        const struct topic_bound *from)
{
    struct retained_entry *entry = retained_stripe_seek(stripe, from);

    while (entry && !slice_full(slice)) {
        struct topic_bound bound;
        enum topic_step step =
                topic_step(slice->query->filter, message_topic(entry->message), &bound);
        struct retained_entry *next = follow(stripe, entry, step, &bound);

        if (step == TOPIC_MATCHES)
            give(slice, entry);
        if (expired(slice, entry))
            take_out(retained, stripe, entry, &slice->removed);
        slice->examined++;
        slice->last = entry;
        entry = next;
    }
    return !entry;
}

static void read_stripe(
        struct retained *retained, struct slice *slice, struct retained_cursor *cursor)
{
    struct topic_bound from = cursor->last ? topic_after(message_topic(cursor->last))
                                           : topic_first(slice->query->filter);
    struct message *before = cursor->last;
    struct retained_stripe *stripe = stripe_lock(retained, cursor->stripe);
    bool ended = scan(retained, stripe, slice, &from);

    tell_expired(slice->query->storage, slice->removed);
    cursor->last = ended ? NULL : slice->last->message;
    if (cursor->last)
        message_ref(cursor->last);
    stripe_unlock(retained, cursor->stripe);
    unref(retained, before);
    free_entries(retained, slice->removed);
    slice->removed = NULL;
    if (ended)
        cursor->stripe++;
}

size_t retained_read(struct retained *retained, const struct retained_query *query,
        struct retained_cursor *cursor, struct message **out)
{
    struct slice slice = { .query = query, .out = out };
    /* With two plain levels at its start, all that matches lies in one stripe. */
    bool one_stripe = !has_wildcard(topic_start(query->filter));

    if (!cursor->done && !has_wildcard(query->filter)) {
        read_topic(retained, &slice);
        cursor->done = true;
    }
    if (!cursor->begun && one_stripe)
        cursor->stripe = (uint16_t)stripe_of(retained, query->filter);
    cursor->begun = true;
    while (!cursor->done && !slice_full(&slice)) {
        unsigned stripe = cursor->stripe;

        read_stripe(retained, &slice, cursor);
        cursor->done =
                cursor->stripe > stripe && (one_stripe || cursor->stripe == RETAINED_STRIPES);
    }
    return slice.given;
}

void retained_cursor_reset(struct retained *retained, struct retained_cursor *cursor)
{
    unref(retained, cursor->last);
    *cursor = (struct retained_cursor){ 0 };
}

/* ---- Expiry ---- */

size_t retained_sweep(struct retained *retained, unsigned stripe, int64_t now_ms, size_t limit,
        const struct storage *storage)
{
    struct retained_stripe *swept = stripe_lock(retained, stripe);
    struct retained_entry *removed = NULL;

    if (swept->expiry_ms <= now_ms)
        removed = retained_stripe_sweep(swept, &retained->setup.memory, now_ms, limit);
    tell_expired(storage, removed);
    stripe_unlock(retained, stripe);
    return free_entries(retained, removed);
}

int64_t retained_expiry_ms(struct retained *retained, unsigned stripe)
{
    int64_t expiry_ms = stripe_lock(retained, stripe)->expiry_ms;

    stripe_unlock(retained, stripe);
    return expiry_ms;
}
