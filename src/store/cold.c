/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cold.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Tables of the archive; before them come those of entries. */
enum {
    TABLE_STATE = STORE_TABLES_MAX,    /* "state" */
    TABLE_ITEMS = COLD_MESSAGES_FIRST, /* queue and id: a message's place */
    TABLE_BODIES,                      /* id: the body of a message with more than one place */
    TABLE_SHARES,                      /* id: how many places that are */
    TABLE_NOTES,                       /* queue and id */
    TABLE_QUEUES,                      /* queue: what waits in it */
    TABLE_DROPS,                       /* queue: what is before that position was dropped */
    TABLES,
};
static_assert((int)TABLE_SHARES == (int)COLD_MESSAGES_LAST, "pages.c goes by it");
static_assert((int)TABLES <= (int)ARCHIVE_TABLES, "the archive has a table for each");

enum {
    ITEM_HEAD_SIZE = 7,
    ITEM_SHARED = 1, /* the body is in TABLE_BODIES */
    STATE_SIZE = 4 + 4 * 8,
    QUEUE_SIZE = 5 * 8,
    CHANGE_WEIGHT = 1024, /* of any change, besides its bytes: it may touch a page of its own */
    NEAR_WEIGHT = 128,    /* of one beside the last one */
    QUEUES_ROOM_MIN = 64,
};

/* ---- Numbers ---- */

static void put_number(uint8_t **out, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        *(*out)++ = (uint8_t)(number >> 8 * i);
}

static uint64_t take_number(const uint8_t **in, unsigned size)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number |= (uint64_t) * (*in)++ << 8 * i;
    return number;
}

/* ---- Keys of the store's own tables: in order of queue and id ---- */

struct place_key {
    uint8_t bytes[16];
    size_t size;
};

static void put_big_endian(uint8_t *out, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(number >> 8 * (7 - i));
}

static uint64_t big_endian(const uint8_t *in)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < 8; i++)
        number = number << 8 | in[i];
    return number;
}

static struct place_key key_of_number(uint64_t number)
{
    struct place_key key = { .size = 8 };

    put_big_endian(key.bytes, number);
    return key;
}

static struct place_key key_of_place(uint64_t queue, uint64_t id)
{
    struct place_key key = { .size = 16 };

    put_big_endian(key.bytes, queue);
    put_big_endian(key.bytes + 8, id);
    return key;
}

static struct bytes bytes_of_key(const struct place_key *key)
{
    return bytes_of(key->bytes, key->size);
}

/* ---- Keys of entries ---- */

/* A key that is too long for the archive: its start, and a sum of all of it that who writes keys
 * cannot foresee. The whole of it is in front of the value. */
struct entry_key {
    uint8_t bytes[ARCHIVE_KEY_MAX];
    size_t size;
};
static_assert((int)COLD_KEY_MAX + 16 == (int)ARCHIVE_KEY_MAX, "a long key is told by its size");

enum { LONG_KEY_HEAD = 4 };

static void make_entry_key(const struct cold *cold, struct bytes key, struct entry_key *out)
{
    const uint64_t seed = cold->state.seed;

    out->size = key.size < COLD_KEY_MAX ? key.size : COLD_KEY_MAX;
    memcpy(out->bytes, key.data, out->size);
    for (uint64_t half = 0; key.size > COLD_KEY_MAX && half < 2; half++, out->size += 8) {
        const struct hash_key hash_key = { { seed ^ half, hash_mix(seed ^ ~half) } };

        put_big_endian(out->bytes + out->size, hash_bytes(&hash_key, key));
    }
}

/* The key and the value of what lies at that place. */
static bool split_entry(
        struct bytes place, struct bytes content, struct bytes *key, struct bytes *value)
{
    const uint8_t *rest = content.data;
    uint64_t size;

    if (place.size <= COLD_KEY_MAX) {
        *key = place;
        *value = content;
        return true;
    }
    if (content.size < LONG_KEY_HEAD)
        return false;
    size = take_number(&rest, LONG_KEY_HEAD);
    content = bytes_from(content, LONG_KEY_HEAD);
    if (size > content.size)
        return false;
    *key = bytes_first(content, (size_t)size);
    *value = bytes_from(content, (size_t)size);
    return true;
}

/* The first place after that one. False: there is none. */
static bool step_on(uint8_t *place, size_t *size)
{
    if (*size < ARCHIVE_KEY_MAX) {
        place[(*size)++] = 0;
        return true;
    }
    while (*size > 0 && place[*size - 1] == UINT8_MAX)
        --*size;
    if (*size == 0)
        return false;
    place[*size - 1]++;
    return true;
}

/* ---- The archive, with what is written in its transaction ---- */

static int put(struct cold *cold, unsigned table, struct bytes key, struct bytes value)
{
    cold->weight += CHANGE_WEIGHT + key.size + value.size;
    return cold->archive->put(cold->archive->context, cold->view, table, key, value);
}

static int put_room(struct cold *cold, unsigned table, struct bytes key, size_t size, uint8_t **out)
{
    cold->weight += CHANGE_WEIGHT + key.size + size;
    return cold->archive->put_room(cold->archive->context, cold->view, table, key, size, out);
}

/* What is not there is no error. Returns 1 when it was there. */
static int take_out(struct cold *cold, unsigned table, struct bytes key)
{
    int result = cold->archive->remove(cold->archive->context, cold->view, table, key);

    if (result == -ENOENT)
        return 0;
    cold->weight += CHANGE_WEIGHT;
    return result < 0 ? result : 1;
}

static int get(struct cold *cold, unsigned table, struct bytes key, struct bytes *value)
{
    return cold->archive->get(cold->archive->context, cold->view, table, key, value);
}

/* What was changed last lies in a queue; where the one before did, it lies beside that. */
static void weigh_queue(struct cold *cold, uint64_t queue)
{
    if (cold->last_queue == queue)
        cold->weight -= CHANGE_WEIGHT - NEAR_WEIGHT;
    cold->last_queue = queue;
}

/* ---- The state of the whole ---- */

static int write_state(struct cold *cold)
{
    uint8_t value[STATE_SIZE];
    uint8_t *out = value;

    put_number(&out, ARCHIVE_VERSION, 4);
    put_number(&out, cold->state.seed, 8);
    put_number(&out, cold->state.checkpointed, 8);
    put_number(&out, cold->state.messages, 8);
    put_number(&out, cold->state.drops, 8);
    return put(cold, TABLE_STATE, BYTES("state"), bytes_of(value, sizeof(value)));
}

static int read_state(struct cold_state *out, struct bytes value)
{
    const uint8_t *rest = value.data;

    if (value.size < 4)
        return -EBADMSG;
    if (take_number(&rest, 4) != ARCHIVE_VERSION)
        return -EPROTO;
    if (value.size != STATE_SIZE)
        return -EBADMSG;
    out->seed = take_number(&rest, 8);
    out->checkpointed = take_number(&rest, 8);
    out->messages = take_number(&rest, 8);
    out->drops = take_number(&rest, 8);
    return 0;
}

int cold_open(struct cold *cold, const struct archive *archive, uint64_t seed, size_t changes_max)
{
    struct archive_view *view;
    struct bytes value;
    int result = archive->look(archive->context, &view);

    *cold = (struct cold){ .archive = archive,
        .state.seed = seed,
        .changes_max = changes_max > 0 ? changes_max : COLD_CHANGES_MAX };
    if (result < 0)
        return result;
    result = archive->get(archive->context, view, TABLE_STATE, BYTES("state"), &value);
    if (result == 0)
        result = read_state(&cold->state, value);
    archive->abandon(archive->context, view);
    return result == -ENOENT ? 0 : result;
}

void cold_close(struct cold *cold)
{
    if (cold->view)
        cold_abandon(cold);
    free(cold->queues);
    pairs_reset(&cold->places);
}

/* ---- Queues ---- */

static bool read_queue(struct cold_queue *out, uint64_t queue, struct bytes value)
{
    const uint8_t *rest = value.data;

    if (value.size != QUEUE_SIZE)
        return false;
    out->queue = queue;
    out->count = take_number(&rest, 8);
    out->bytes = take_number(&rest, 8);
    out->first = take_number(&rest, 8);
    out->last = take_number(&rest, 8);
    out->noted = take_number(&rest, 8);
    return true;
}

static int write_queue(struct cold *cold, const struct cold_queue *queue)
{
    struct place_key key = key_of_number(queue->queue);
    uint8_t value[QUEUE_SIZE];
    uint8_t *out = value;
    int result;

    if (queue->count == 0) {
        result = take_out(cold, TABLE_QUEUES, bytes_of_key(&key));
        return result < 0 ? result : 0;
    }
    put_number(&out, queue->count, 8);
    put_number(&out, queue->bytes, 8);
    put_number(&out, queue->first, 8);
    put_number(&out, queue->last, 8);
    put_number(&out, queue->noted, 8);
    return put(cold, TABLE_QUEUES, bytes_of_key(&key), bytes_of(value, sizeof(value)));
}

static struct cold_queue *add_queue(struct cold *cold, uint64_t queue)
{
    if (cold->queue_count == cold->queue_room) {
        size_t room = cold->queue_room > 0 ? cold->queue_room * 2 : QUEUES_ROOM_MIN;
        struct cold_queue *queues = realloc(cold->queues, room * sizeof(*queues));

        if (!queues)
            return NULL;
        cold->queues = queues;
        cold->queue_room = room;
    }
    if (!pairs_reserve(&cold->places, 1))
        return NULL;
    pairs_add(&cold->places, queue, 0)->value = ++cold->queue_count;
    cold->queues[cold->queue_count - 1] = (struct cold_queue){ .queue = queue };
    return &cold->queues[cold->queue_count - 1];
}

/* What waits in a queue, to be changed: it is written when the transaction ends. */
static int open_queue(struct cold *cold, uint64_t queue, struct cold_queue **out)
{
    const struct pair *place = pairs_find(&cold->places, queue, 0);
    struct place_key key = key_of_number(queue);
    struct bytes value;
    int result;

    if (place) {
        *out = &cold->queues[place->value - 1];
        return 0;
    }
    *out = add_queue(cold, queue);
    if (!*out)
        return -ENOMEM;
    result = get(cold, TABLE_QUEUES, bytes_of_key(&key), &value);
    if (result == 0 && !read_queue(*out, queue, value))
        return -EBADMSG;
    return result == -ENOENT ? 0 : result;
}

/* ---- Transactions ---- */

static void forget_changes(struct cold *cold)
{
    cold->view = NULL;
    cold->weight = 0;
    cold->last_queue = 0;
    cold->queue_count = 0;
    pairs_reset(&cold->places);
}

int cold_begin(struct cold *cold)
{
    assert(!cold->view);
    cold->before = cold->state;
    return cold->archive->begin(cold->archive->context, &cold->view);
}

bool cold_is_full(const struct cold *cold)
{
    return cold->weight > cold->changes_max * CHANGE_WEIGHT;
}

/* What is removed in one go. */
static size_t at_once(const struct cold *cold, size_t count_max)
{
    return count_max < cold->changes_max ? count_max : cold->changes_max;
}

void cold_abandon(struct cold *cold)
{
    cold->archive->abandon(cold->archive->context, cold->view);
    cold->state = cold->before;
    forget_changes(cold);
}

int cold_complete(struct cold *cold, uint64_t checkpointed)
{
    int result = 0;

    cold->state.checkpointed = checkpointed;
    for (size_t i = 0; result == 0 && i < cold->queue_count; i++)
        result = write_queue(cold, &cold->queues[i]);
    return result == 0 ? write_state(cold) : result;
}

int cold_commit(struct cold *cold, uint64_t checkpointed)
{
    int result = cold_complete(cold, checkpointed);

    if (result < 0) {
        cold_abandon(cold);
        return result;
    }
    result = cold->archive->commit(cold->archive->context, cold->view);
    if (result < 0)
        cold->state = cold->before;
    forget_changes(cold);
    return result;
}

/* ---- Entries ---- */

int cold_set(struct cold *cold, unsigned table, struct bytes key, struct bytes value)
{
    struct entry_key place;
    uint8_t *out;
    int result;

    make_entry_key(cold, key, &place);
    if (key.size <= COLD_KEY_MAX)
        return put(cold, table, key, value);
    result = put_room(cold, table, bytes_of(place.bytes, place.size),
            LONG_KEY_HEAD + key.size + value.size, &out);
    if (result < 0)
        return result;
    put_number(&out, key.size, LONG_KEY_HEAD);
    memcpy(out, key.data, key.size);
    if (value.size > 0)
        memcpy(out + key.size, value.data, value.size);
    return 0;
}

int cold_remove(struct cold *cold, unsigned table, struct bytes key)
{
    struct entry_key place;
    int result;

    make_entry_key(cold, key, &place);
    result = take_out(cold, table, bytes_of(place.bytes, place.size));
    return result < 0 ? result : 0;
}

/* Removes the first entry from that place on that begins so; the place is stepped on past one that
 * does not. Returns 0; -ENOENT: there is none any more; or -errno. */
static int remove_next(struct cold *cold, unsigned table, struct bytes prefix,
        struct entry_key *from, size_t start)
{
    const struct archive *archive = cold->archive;
    struct bytes begin = bytes_first(prefix, start);
    struct bytes place;
    struct bytes content;
    struct bytes key;
    int result = archive->seek(archive->context, cold->view, table,
            bytes_of(from->bytes, from->size), &place, &content);

    if (result < 0)
        return result;
    if (!bytes_start_with(place, begin))
        return -ENOENT;
    if (!split_entry(place, content, &key, &content))
        return -EBADMSG;
    from->size = place.size;
    memcpy(from->bytes, place.data, place.size);
    if (bytes_start_with(key, prefix)) {
        result = take_out(cold, table, bytes_of(from->bytes, from->size));
        return result < 0 ? result : 0;
    }
    return step_on(from->bytes, &from->size) ? 0 : -ENOENT;
}

int cold_remove_all(struct cold *cold, unsigned table, struct bytes prefix)
{
    size_t start = prefix.size < COLD_KEY_MAX ? prefix.size : COLD_KEY_MAX;
    struct entry_key from = { .size = start };
    int result = 0;

    memcpy(from.bytes, prefix.data, start);
    for (size_t i = 0; result == 0 && i < at_once(cold, COLD_REMOVED_MAX); i++)
        result = remove_next(cold, table, prefix, &from, start);
    if (result == -ENOENT)
        return 0;
    return result < 0 ? result : 1;
}

/* ---- Messages ---- */

struct item {
    bool shared;
    size_t body_size;
    struct bytes tag;
    struct bytes body; /* of one that is not shared */
};

static bool read_item(struct item *out, struct bytes value)
{
    const uint8_t *rest = value.data;
    size_t tag_size;

    if (value.size < ITEM_HEAD_SIZE)
        return false;
    out->shared = take_number(&rest, 1) & ITEM_SHARED;
    out->body_size = (size_t)take_number(&rest, 4);
    tag_size = (size_t)take_number(&rest, 2);
    value = bytes_from(value, ITEM_HEAD_SIZE);
    if (value.size != tag_size + (out->shared ? 0 : out->body_size))
        return false;
    out->tag = bytes_first(value, tag_size);
    out->body = bytes_from(value, tag_size);
    return true;
}

static int put_item(struct cold *cold, uint64_t id, const struct record_place *place,
        struct bytes body, bool shared)
{
    struct place_key key = key_of_place(place->queue, id);
    size_t inside = shared ? 0 : body.size;
    uint8_t *out;
    int result = put_room(
            cold, TABLE_ITEMS, bytes_of_key(&key), ITEM_HEAD_SIZE + place->tag.size + inside, &out);

    if (result < 0)
        return result;
    weigh_queue(cold, place->queue);
    put_number(&out, shared ? ITEM_SHARED : 0, 1);
    put_number(&out, body.size, 4);
    put_number(&out, place->tag.size, 2);
    if (place->tag.size > 0)
        memcpy(out, place->tag.data, place->tag.size);
    if (inside > 0)
        memcpy(out + place->tag.size, body.data, inside);
    return 0;
}

static int count_item(struct cold *cold, uint64_t queue, uint64_t id, size_t bytes)
{
    struct cold_queue *waiting;
    int result = open_queue(cold, queue, &waiting);

    if (result < 0)
        return result;
    if (waiting->count == 0)
        *waiting = (struct cold_queue){ .queue = queue, .first = id };
    waiting->count++;
    waiting->bytes += bytes;
    waiting->last = id;
    return 0;
}

static int put_shares(struct cold *cold, uint64_t id, uint64_t count)
{
    struct place_key key = key_of_number(id);
    uint8_t value[4];
    uint8_t *out = value;

    put_number(&out, count, sizeof(value));
    return put(cold, TABLE_SHARES, bytes_of_key(&key), bytes_of(value, sizeof(value)));
}

int cold_message(struct cold *cold, uint64_t id, const struct record_place places[], size_t count,
        struct bytes body)
{
    struct place_key key = key_of_number(id);
    bool shared = count > 1;
    int result = 0;

    if (shared)
        result = put(cold, TABLE_BODIES, bytes_of_key(&key), body);
    if (result == 0 && shared)
        result = put_shares(cold, id, count);
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = put_item(cold, id, &places[i], body, shared);
        if (result == 0)
            result = count_item(cold, places[i].queue, id, places[i].tag.size + body.size);
    }
    cold->state.messages++;
    return result;
}

/* One place less; after the last one the body goes. */
static int unshare(struct cold *cold, uint64_t id)
{
    struct place_key key = key_of_number(id);
    struct bytes value;
    const uint8_t *rest;
    uint64_t count;
    int result = get(cold, TABLE_SHARES, bytes_of_key(&key), &value);

    if (result < 0)
        return result == -ENOENT ? -EBADMSG : result;
    if (value.size != 4)
        return -EBADMSG;
    rest = value.data;
    count = take_number(&rest, 4);
    if (count > 1)
        return put_shares(cold, id, count - 1);
    cold->state.messages--;
    result = take_out(cold, TABLE_SHARES, bytes_of_key(&key));
    return result < 0 ? result : take_out(cold, TABLE_BODIES, bytes_of_key(&key));
}

/* Takes a message's place away, and tells its bytes. Returns 1, or 0 when it was not there. */
static int remove_item(struct cold *cold, uint64_t queue, uint64_t id, size_t *bytes)
{
    struct place_key key = key_of_place(queue, id);
    struct bytes value;
    struct item item;
    int result = get(cold, TABLE_ITEMS, bytes_of_key(&key), &value);

    if (result < 0)
        return result == -ENOENT ? 0 : result;
    if (!read_item(&item, value))
        return -EBADMSG;
    *bytes = item.tag.size + item.body_size;
    result = take_out(cold, TABLE_ITEMS, bytes_of_key(&key));
    if (result < 0)
        return result;
    weigh_queue(cold, queue);
    if (!item.shared)
        cold->state.messages--;
    result = item.shared ? unshare(cold, id) : 0;
    return result < 0 ? result : 1;
}

/* Messages of the queue with less than that id are dropped, and maybe still there. */
static int dropped_before(
        const struct archive *archive, struct archive_view *view, uint64_t queue, uint64_t *out)
{
    struct place_key key = key_of_number(queue);
    struct bytes value;
    int result = archive->get(archive->context, view, TABLE_DROPS, bytes_of_key(&key), &value);

    *out = 0;
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    if (value.size != 8)
        return -EBADMSG;
    *out = big_endian(value.data);
    return 0;
}

static int is_dropped(struct cold *cold, uint64_t queue, uint64_t id)
{
    uint64_t before = 0;
    int result = 0;

    if (cold->state.drops > 0)
        result = dropped_before(cold->archive, cold->view, queue, &before);
    return result < 0 ? result : id < before;
}

int cold_done(struct cold *cold, uint64_t queue, uint64_t id)
{
    struct place_key key = key_of_place(queue, id);
    struct cold_queue *waiting;
    size_t bytes = 0;
    int result = is_dropped(cold, queue, id);

    if (result != 0)
        return result < 0 ? result : 0;
    result = remove_item(cold, queue, id, &bytes);
    if (result <= 0)
        return result;
    result = open_queue(cold, queue, &waiting);
    if (result == 0 && waiting->count == 0)
        return -EBADMSG;
    if (result == 0 && waiting->noted > 0) {
        result = take_out(cold, TABLE_NOTES, bytes_of_key(&key));
        waiting->noted -= result > 0;
    }
    if (result < 0)
        return result;
    waiting->count--;
    waiting->bytes -= bytes;
    if (waiting->first == id)
        waiting->first++;
    return 0;
}

int cold_note(struct cold *cold, uint64_t queue, uint64_t id, struct bytes note)
{
    struct place_key key = key_of_place(queue, id);
    struct cold_queue *waiting;
    struct bytes value;
    int result = is_dropped(cold, queue, id);

    if (result != 0)
        return result < 0 ? result : 0;
    result = get(cold, TABLE_ITEMS, bytes_of_key(&key), &value);
    if (result == 0)
        result = open_queue(cold, queue, &waiting);
    if (result != 0)
        return result == -ENOENT ? 0 : result;
    if (note.size == 0) {
        result = take_out(cold, TABLE_NOTES, bytes_of_key(&key));
        waiting->noted -= result > 0;
        return result < 0 ? result : 0;
    }
    result = get(cold, TABLE_NOTES, bytes_of_key(&key), &value);
    if (result < 0 && result != -ENOENT)
        return result;
    waiting->noted += result == -ENOENT;
    return put(cold, TABLE_NOTES, bytes_of_key(&key), note);
}

/* ---- Dropping ---- */

/* Takes out at most so many messages of a queue whose ids are less. Returns 1 when none is left. */
static int remove_before(struct cold *cold, uint64_t queue, uint64_t before, size_t count_max)
{
    const struct archive *archive = cold->archive;
    struct place_key from = key_of_number(queue);
    struct place_key key;
    struct bytes place;
    struct bytes value;
    size_t bytes;
    int result;

    for (size_t i = 0; i < count_max; i++) {
        result = archive->seek(
                archive->context, cold->view, TABLE_ITEMS, bytes_of_key(&from), &place, &value);
        if (result < 0)
            return result == -ENOENT ? 1 : result;
        if (place.size != sizeof(key.bytes))
            return -EBADMSG;
        if (big_endian(place.data) != queue || big_endian(place.data + 8) >= before)
            return 1;
        key = key_of_place(queue, big_endian(place.data + 8));
        result = remove_item(cold, queue, big_endian(key.bytes + 8), &bytes);
        if (result >= 0)
            result = take_out(cold, TABLE_NOTES, bytes_of_key(&key));
        if (result < 0)
            return result;
    }
    return 0;
}

int cold_drop(struct cold *cold, uint64_t queue, uint64_t position)
{
    struct place_key key = key_of_number(queue);
    struct cold_queue *waiting;
    struct bytes value;
    uint8_t before[8];
    int result = open_queue(cold, queue, &waiting);

    if (result < 0)
        return result;
    *waiting = (struct cold_queue){ .queue = queue };
    result = get(cold, TABLE_DROPS, bytes_of_key(&key), &value);
    if (result == -ENOENT) {
        result = remove_before(cold, queue, position, at_once(cold, COLD_DROPPED_AT_ONCE));
        if (result != 0)
            return result < 0 ? result : 0;
        cold->state.drops++;
    }
    if (result < 0)
        return result;
    put_big_endian(before, position);
    return put(cold, TABLE_DROPS, bytes_of_key(&key), bytes_of(before, sizeof(before)));
}

int cold_sweep(struct cold *cold)
{
    const struct archive *archive = cold->archive;
    struct place_key key;
    struct bytes place;
    struct bytes value;
    int result = archive->seek(
            archive->context, cold->view, TABLE_DROPS, (struct bytes){ 0 }, &place, &value);

    if (result < 0)
        return result == -ENOENT ? -EBADMSG : result;
    if (place.size != 8 || value.size != 8 || cold->state.drops == 0)
        return -EBADMSG;
    key = key_of_number(big_endian(place.data));
    result = remove_before(
            cold, big_endian(place.data), big_endian(value.data), at_once(cold, COLD_REMOVED_MAX));
    if (result <= 0)
        return result;
    cold->state.drops--;
    result = take_out(cold, TABLE_DROPS, bytes_of_key(&key));
    return result < 0 ? result : 0;
}

/* ---- Looking ---- */

int cold_look(const struct archive *archive, struct archive_view **out)
{
    return archive->look(archive->context, out);
}

/* What lies at a place of TABLE_ITEMS, with all that belongs to it. */
static int fill_item(const struct archive *archive, struct archive_view *view, uint64_t queue,
        uint64_t id, struct bytes value, struct cold_item *out)
{
    struct place_key place = key_of_place(queue, id);
    struct place_key body = key_of_number(id);
    struct item item;
    int result = 0;

    if (!read_item(&item, value))
        return -EBADMSG;
    *out = (struct cold_item){ .queue = queue, .id = id, .tag = item.tag, .body = item.body };
    if (item.shared)
        result =
                archive->get(archive->context, view, TABLE_BODIES, bytes_of_key(&body), &out->body);
    if (result < 0 || out->body.size != item.body_size)
        return result == -ENOENT || result == 0 ? -EBADMSG : result;
    result = archive->get(archive->context, view, TABLE_NOTES, bytes_of_key(&place), &out->note);
    return result == -ENOENT ? 0 : result;
}

int cold_find(const struct archive *archive, struct archive_view *view, uint64_t queue, uint64_t id,
        struct cold_item *out)
{
    struct place_key key = key_of_place(queue, id);
    struct bytes value;
    uint64_t before;
    int result = dropped_before(archive, view, queue, &before);

    if (result < 0)
        return result;
    if (id < before)
        return -ENOENT;
    result = archive->get(archive->context, view, TABLE_ITEMS, bytes_of_key(&key), &value);
    return result < 0 ? result : fill_item(archive, view, queue, id, value, out);
}

/* The first place of a table from there on that is not dropped. */
static int next_place(const struct archive *archive, struct archive_view *view, unsigned table,
        uint64_t *queue, uint64_t *id, struct bytes *value)
{
    struct place_key from = key_of_place(*queue, *id);
    struct bytes place;
    uint64_t before;
    int result;

    for (;;) {
        result = archive->seek(archive->context, view, table, bytes_of_key(&from), &place, value);
        if (result < 0)
            return result;
        if (place.size != sizeof(from.bytes))
            return -EBADMSG;
        *queue = big_endian(place.data);
        *id = big_endian(place.data + 8);
        result = dropped_before(archive, view, *queue, &before);
        if (result < 0 || *id >= before)
            return result;
        from = key_of_place(*queue, before);
    }
}

int cold_next_of_all(const struct archive *archive, struct archive_view *view, uint64_t queue,
        uint64_t from, struct cold_item *out)
{
    struct bytes value;
    int result = next_place(archive, view, TABLE_ITEMS, &queue, &from, &value);

    return result < 0 ? result : fill_item(archive, view, queue, from, value, out);
}

int cold_next(const struct archive *archive, struct archive_view *view, uint64_t queue,
        uint64_t from, struct cold_item *out)
{
    uint64_t found = queue;
    struct bytes value;
    int result = next_place(archive, view, TABLE_ITEMS, &found, &from, &value);

    if (result < 0)
        return result;
    return found != queue ? -ENOENT : fill_item(archive, view, queue, from, value, out);
}

int cold_next_noted(const struct archive *archive, struct archive_view *view, uint64_t queue,
        uint64_t from, struct cold_item *out)
{
    struct bytes note;
    int result = next_place(archive, view, TABLE_NOTES, &queue, &from, &note);

    if (result < 0)
        return result;
    result = cold_find(archive, view, queue, from, out);
    return result == -ENOENT ? -EBADMSG : result;
}

int cold_next_queue(const struct archive *archive, struct archive_view *view, uint64_t from,
        struct cold_queue *out)
{
    struct place_key key = key_of_number(from);
    struct bytes place;
    struct bytes value;
    int result =
            archive->seek(archive->context, view, TABLE_QUEUES, bytes_of_key(&key), &place, &value);

    if (result < 0)
        return result;
    return place.size == 8 && read_queue(out, big_endian(place.data), value) ? 0 : -EBADMSG;
}

int cold_next_entry(const struct archive *archive, struct archive_view *view, unsigned table,
        struct cold_entry *entry)
{
    struct bytes place;
    int result;

    if (entry->place_size > 0 && !step_on(entry->place, &entry->place_size))
        return -ENOENT;
    result = archive->seek(archive->context, view, table, bytes_of(entry->place, entry->place_size),
            &place, &entry->value);
    if (result < 0)
        return result;
    if (place.size > sizeof(entry->place) ||
            !split_entry(place, entry->value, &entry->key, &entry->value))
        return -EBADMSG;
    memcpy(entry->place, place.data, place.size);
    entry->place_size = place.size;
    return 0;
}
