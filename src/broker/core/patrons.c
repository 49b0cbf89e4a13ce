/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/patrons.h"

#include "base/map.h"

#include <assert.h>

struct patron {
    uint64_t user;
    uint32_t sessions;
};

/* One session of a patron. */
struct seat {
    uint64_t client;
    struct patron *patron;
};

struct patrons {
    struct memory memory;
    struct locks locks;
    void *lock; /* of the maps and what is in them */
    struct map users;
    struct map seats;
};

static struct bytes patron_key(const void *value)
{
    const struct patron *patron = value;

    return bytes_of(&patron->user, sizeof(patron->user));
}

static struct bytes seat_key(const void *value)
{
    const struct seat *seat = value;

    return bytes_of(&seat->client, sizeof(seat->client));
}

static void *find(const struct map *map, uint64_t hash)
{
    return map_find(map, hash, bytes_of(&hash, sizeof(hash)));
}

struct patrons *patrons_new(const struct memory *memory, const struct locks *locks)
{
    struct patrons *patrons = memory_take_zeroed(memory, sizeof(*patrons));

    if (!patrons)
        return NULL;
    patrons->memory = *memory;
    patrons->locks = *locks;
    map_init(&patrons->users, patron_key);
    map_init(&patrons->seats, seat_key);
    patrons->lock = lock_create(locks);
    if (patrons->lock)
        return patrons;
    patrons_free(patrons);
    return NULL;
}

static void free_all(const struct memory *memory, struct map *map, size_t size)
{
    void *value;
    uint32_t at = 0;

    while ((value = map_next(map, &at)))
        memory_give(memory, value, size);
    map_deinit(map, memory);
}

void patrons_free(struct patrons *patrons)
{
    if (!patrons)
        return;
    free_all(&patrons->memory, &patrons->users, sizeof(struct patron));
    free_all(&patrons->memory, &patrons->seats, sizeof(struct seat));
    lock_destroy(&patrons->locks, patrons->lock);
    memory_give(&patrons->memory, patrons, sizeof(*patrons));
}

/* One who has no session yet; NULL when memory is short. */
static struct patron *add_patron(struct patrons *patrons, uint64_t user)
{
    struct patron *patron = memory_take_zeroed(&patrons->memory, sizeof(*patron));

    if (!patron)
        return NULL;
    patron->user = user;
    if (map_add(&patrons->users, &patrons->memory, user, patron))
        return patron;
    memory_give(&patrons->memory, patron, sizeof(*patron));
    return NULL;
}

/* Of nobody yet; NULL when memory is short. */
static struct seat *add_seat(struct patrons *patrons, uint64_t client)
{
    struct seat *seat = memory_take_zeroed(&patrons->memory, sizeof(*seat));

    if (!seat)
        return NULL;
    seat->client = client;
    if (map_add(&patrons->seats, &patrons->memory, client, seat))
        return seat;
    memory_give(&patrons->memory, seat, sizeof(*seat));
    return NULL;
}

/* Forgets who has no session any more. NULL is fine. */
static void settle(struct patrons *patrons, struct patron *patron)
{
    if (!patron || patron->sessions > 0)
        return;
    map_remove(&patrons->users, &patrons->memory, patron->user, patron);
    memory_give(&patrons->memory, patron, sizeof(*patron));
}

/* Whose the seat is no more. NULL is fine. */
static void vacate(struct patrons *patrons, struct patron *patron)
{
    if (!patron)
        return;
    assert(patron->sessions > 0);
    patron->sessions--;
    settle(patrons, patron);
}

static enum patrons_entry enter(
        struct patrons *patrons, uint64_t client, uint64_t user, uint32_t max)
{
    struct seat *seat = find(&patrons->seats, client);
    struct patron *patron = find(&patrons->users, user);

    if (seat && seat->patron == patron)
        return PATRONS_ENTERED;
    if (patron && patron->sessions >= max)
        return PATRONS_FULL;
    if (!patron)
        patron = add_patron(patrons, user);
    if (!patron)
        return PATRONS_NO_MEMORY;
    if (!seat)
        seat = add_seat(patrons, client);
    if (!seat) {
        settle(patrons, patron);
        return PATRONS_NO_MEMORY;
    }
    patron->sessions++;
    vacate(patrons, seat->patron);
    seat->patron = patron;
    return PATRONS_ENTERED;
}

enum patrons_entry patrons_enter(
        struct patrons *patrons, uint64_t client, uint64_t user, uint32_t max)
{
    enum patrons_entry entry;

    lock_acquire(&patrons->locks, patrons->lock);
    entry = enter(patrons, client, user, max);
    lock_release(&patrons->locks, patrons->lock);
    return entry;
}

void patrons_leave(struct patrons *patrons, uint64_t client)
{
    struct seat *seat;

    lock_acquire(&patrons->locks, patrons->lock);
    seat = find(&patrons->seats, client);
    if (seat) {
        vacate(patrons, seat->patron);
        map_remove(&patrons->seats, &patrons->memory, client, seat);
        memory_give(&patrons->memory, seat, sizeof(*seat));
    }
    lock_release(&patrons->locks, patrons->lock);
}
