/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/hashers.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <sys/resource.h>

enum { LOW_PRIORITY = 10 }; /* of -20..19: shards get their share of a busy processor first */

static struct list *take(struct hash_queue *queue)
{
    queue->count--;
    return list_take_first(&queue->checks);
}

/* The next check; NULL when the thread is to end. */
static struct hash_check *await_check(struct hashers *hashers)
{
    struct list *link = NULL;

    pthread_mutex_lock(&hashers->lock);
    while (!hashers->stopping && hashers->waiting.count + hashers->suspects.count == 0)
        pthread_cond_wait(&hashers->news, &hashers->lock);
    if (!hashers->stopping)
        link = take(hashers->waiting.count > 0 ? &hashers->waiting : &hashers->suspects);
    pthread_mutex_unlock(&hashers->lock);
    return link ? container_of(link, struct hash_check, question.link) : NULL;
}

static void *run(void *context)
{
    struct hashers *hashers = context;
    struct hash_check *check;

    /* On Linux 0 is this thread alone. If it may not, it goes on as it is. */
    setpriority(PRIO_PROCESS, 0, LOW_PRIORITY);
    while ((check = await_check(hashers))) {
        check->result = password_hash_matches(&check->hash, check->question.login.password);
        question_answer(&check->question);
    }
    return NULL;
}

void hashers_init(struct hashers *hashers)
{
    *hashers = (struct hashers){
        .waiting = { .max = HASH_QUEUE_MAX },
        .suspects = { .max = HASH_SUSPECTS_MAX },
    };
    list_init(&hashers->waiting.checks);
    list_init(&hashers->suspects.checks);
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

/* Nobody will check these any more. */
static void return_unchecked(struct list *checks)
{
    struct list *link;

    while ((link = list_take_first(checks))) {
        struct hash_check *check = container_of(link, struct hash_check, question.link);

        check->result = -ECANCELED;
        question_answer(&check->question);
    }
}

void hashers_stop(struct hashers *hashers)
{
    struct list unchecked;

    list_init(&unchecked);
    pthread_mutex_lock(&hashers->lock);
    hashers->stopping = true;
    pthread_cond_broadcast(&hashers->news);
    list_move_all(&unchecked, &hashers->waiting.checks);
    list_move_all(&unchecked, &hashers->suspects.checks);
    hashers->waiting.count = hashers->suspects.count = 0;
    pthread_mutex_unlock(&hashers->lock);
    for (unsigned i = 0; i < hashers->thread_count; i++)
        pthread_join(hashers->threads[i], NULL);
    hashers->thread_count = 0;
    return_unchecked(&unchecked);
}

void hashers_deinit(struct hashers *hashers)
{
    assert(hashers->waiting.count + hashers->suspects.count == 0);
    pthread_cond_destroy(&hashers->news);
    pthread_mutex_destroy(&hashers->lock);
}

bool hashers_ask(struct hashers *hashers, struct hash_check *check)
{
    struct hash_queue *queue = check->suspect ? &hashers->suspects : &hashers->waiting;
    bool room;
    bool stopping;

    pthread_mutex_lock(&hashers->lock);
    room = queue->count < queue->max;
    stopping = hashers->stopping;
    if (room && !stopping) {
        list_append(&queue->checks, &check->question.link);
        queue->count++;
        pthread_cond_signal(&hashers->news);
    }
    pthread_mutex_unlock(&hashers->lock);
    if (room && stopping) {
        check->result = -ECANCELED;
        question_answer(&check->question);
    }
    return room;
}
