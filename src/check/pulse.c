/* SPDX-License-Identifier: Apache-2.0 */
#include "check/pulse.h"

#include "loop/clock.h"

#include <time.h>

enum { BEAT_MS = 50, MS_PER_S = 1000, NS_PER_MS = 1000000 };

/* Each beat begins when the last one was seen to be over: no moment is in neither. */
static void *beat(void *context)
{
    struct pulse *pulse = context;

    pthread_mutex_lock(&pulse->lock);
    while (!pulse->stops) {
        int64_t due_ms = pulse->began_ms + BEAT_MS;
        const struct timespec due = { .tv_sec = due_ms / MS_PER_S,
            .tv_nsec = due_ms % MS_PER_S * NS_PER_MS };

        while (!pulse->stops && pthread_cond_timedwait(&pulse->begins, &pulse->lock, &due) == 0)
            continue;
        pulse->began_ms = clock_now_ms();
        pulse->stalls += pulse->began_ms - due_ms >= PULSE_STALL_MS;
        pulse->beats++;
        pthread_cond_broadcast(&pulse->begins);
    }
    pthread_mutex_unlock(&pulse->lock);
    return NULL;
}

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    int result = -pthread_condattr_init(&monotonic);

    if (result != 0)
        return result;
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    result = -pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return result;
}

static void deinit(struct pulse *pulse)
{
    pthread_cond_destroy(&pulse->begins);
    pthread_mutex_destroy(&pulse->lock);
}

int pulse_start(struct pulse *pulse)
{
    int result;

    *pulse = (struct pulse){ .began_ms = clock_now_ms() };
    result = init_condition(&pulse->begins);
    if (result != 0)
        return result;
    pthread_mutex_init(&pulse->lock, NULL);
    result = -pthread_create(&pulse->thread, NULL, beat, pulse);
    if (result != 0)
        deinit(pulse);
    return result;
}

void pulse_stop(struct pulse *pulse)
{
    pthread_mutex_lock(&pulse->lock);
    pulse->stops = true;
    pthread_cond_broadcast(&pulse->begins);
    pthread_mutex_unlock(&pulse->lock);
    pthread_join(pulse->thread, NULL);
    deinit(pulse);
}

uint64_t pulse_stalls(struct pulse *pulse)
{
    uint64_t stalls;

    pthread_mutex_lock(&pulse->lock);
    stalls = pulse->stalls;
    pthread_mutex_unlock(&pulse->lock);
    return stalls;
}

uint64_t pulse_stalls_till_now(struct pulse *pulse)
{
    uint64_t stalls;
    uint64_t beats;

    pthread_mutex_lock(&pulse->lock);
    beats = pulse->beats;
    while (pulse->beats == beats && !pulse->stops)
        pthread_cond_wait(&pulse->begins, &pulse->lock);
    stalls = pulse->stalls;
    pthread_mutex_unlock(&pulse->lock);
    return stalls;
}
