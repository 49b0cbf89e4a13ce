/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/hashers.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <sys/resource.h>

enum { LOW_PRIORITY = 10 }; /* of -20..19: shards get their share of a busy processor first */

/* ---- Checks ---- */

static size_t size_of(const struct hash_check *check)
{
    return sizeof(*check) + check->user_size + check->password_size;
}

struct hash_check *hash_check_new(
        const struct memory *memory, struct bytes user, struct bytes password)
{
    struct hash_check *check =
            memory_take_zeroed(memory, sizeof(*check) + user.size + password.size);

    if (!check)
        return NULL;
    list_init(&check->link);
    check->user_size = (uint16_t)user.size;
    check->password_size = (uint16_t)password.size;
    if (user.size > 0)
        memcpy(check->bytes, user.data, user.size);
    if (password.size > 0)
        memcpy(check->bytes + user.size, password.data, password.size);
    return check;
}

void hash_check_free(const struct memory *memory, struct hash_check *check)
{
    if (!check)
        return;
    OPENSSL_cleanse(check->bytes, (size_t)check->user_size + check->password_size);
    memory_give(memory, check, size_of(check));
}

/* ---- Threads ---- */

/* The next check; NULL when the thread is to end. */
static struct hash_check *await_check(struct hashers *hashers)
{
    struct list *link = NULL;

    pthread_mutex_lock(&hashers->lock);
    while (!hashers->stopping && list_empty(&hashers->waiting))
        pthread_cond_wait(&hashers->news, &hashers->lock);
    if (!hashers->stopping) {
        link = list_take_first(&hashers->waiting);
        hashers->waiting_count--;
    }
    pthread_mutex_unlock(&hashers->lock);
    return link ? container_of(link, struct hash_check, link) : NULL;
}

static void give_back(struct hash_check *check)
{
    struct hash_desk *desk = check->desk;

    pthread_mutex_lock(&desk->lock);
    list_append(&desk->done, &check->link);
    atomic_store(&desk->any_done, true);
    pthread_mutex_unlock(&desk->lock);
    desk->ring(desk->context);
}

static void *run(void *context)
{
    struct hashers *hashers = context;
    struct hash_check *check;

    /* On Linux 0 is this thread alone. If it may not, it goes on as it is. */
    setpriority(PRIO_PROCESS, 0, LOW_PRIORITY);
    while ((check = await_check(hashers))) {
        check->result = password_hash_matches(
                &check->hash, bytes_of(check->bytes + check->user_size, check->password_size));
        give_back(check);
    }
    return NULL;
}

void hashers_init(struct hashers *hashers)
{
    *hashers = (struct hashers){ 0 };
    list_init(&hashers->waiting);
    pthread_mutex_init(&hashers->lock, NULL); /* On Linux these two do not fail. */
    pthread_cond_init(&hashers->news, NULL);
}

int hashers_start(struct hashers *hashers, unsigned threads)
{
    int result = 0;

    assert(threads >= 1 && threads <= HASHERS_MAX);
    while (result == 0 && hashers->thread_count < threads) {
        result = -pthread_create(&hashers->threads[hashers->thread_count], NULL, run, hashers);
        hashers->thread_count += result == 0;
    }
    /* Fewer threads than wanted are slower, and enough. */
    return hashers->thread_count > 0 ? 0 : result;
}

void hashers_stop(struct hashers *hashers)
{
    pthread_mutex_lock(&hashers->lock);
    hashers->stopping = true;
    pthread_cond_broadcast(&hashers->news);
    pthread_mutex_unlock(&hashers->lock);
    for (unsigned i = 0; i < hashers->thread_count; i++)
        pthread_join(hashers->threads[i], NULL);
    hashers->thread_count = 0;
}

void hashers_deinit(struct hashers *hashers)
{
    assert(list_empty(&hashers->waiting));
    pthread_cond_destroy(&hashers->news);
    pthread_mutex_destroy(&hashers->lock);
}

/* ---- Desks ---- */

void hash_desk_init(
        struct hash_desk *desk, struct hashers *hashers, void (*ring)(void *context), void *context)
{
    *desk = (struct hash_desk){ .hashers = hashers, .ring = ring, .context = context };
    list_init(&desk->done);
    pthread_mutex_init(&desk->lock, NULL);
}

static void free_checks(
        struct list *checks, const struct hash_desk *desk, const struct memory *memory)
{
    struct list others;
    struct list *link;

    list_init(&others);
    while ((link = list_take_first(checks))) {
        struct hash_check *check = container_of(link, struct hash_check, link);

        if (check->desk == desk)
            hash_check_free(memory, check);
        else
            list_append(&others, link);
    }
    list_move_all(checks, &others);
}

void hash_desk_deinit(struct hash_desk *desk, const struct memory *memory)
{
    free_checks(&desk->hashers->waiting, desk, memory);
    free_checks(&desk->done, desk, memory);
    pthread_mutex_destroy(&desk->lock);
}

bool hash_desk_ask(struct hash_desk *desk, struct hash_check *check)
{
    struct hashers *hashers = desk->hashers;
    bool room;

    check->desk = desk;
    pthread_mutex_lock(&hashers->lock);
    room = hashers->waiting_count < HASH_QUEUE_MAX;
    if (room) {
        list_append(&hashers->waiting, &check->link);
        hashers->waiting_count++;
        pthread_cond_signal(&hashers->news);
    }
    pthread_mutex_unlock(&hashers->lock);
    return room;
}

struct hash_check *hash_desk_take(struct hash_desk *desk)
{
    struct list *link;

    if (!hash_desk_has(desk))
        return NULL;
    pthread_mutex_lock(&desk->lock);
    link = list_take_first(&desk->done);
    if (!link)
        atomic_store(&desk->any_done, false);
    pthread_mutex_unlock(&desk->lock);
    return link ? container_of(link, struct hash_check, link) : NULL;
}
