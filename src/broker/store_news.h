/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log hears of the store's troubles: each change is told, but one that comes and goes only
 * so many times in a minute; the last one always is.
 */
#ifndef BROKER_STORE_NEWS_H
#define BROKER_STORE_NEWS_H

#include "base/event.h"
#include "broker/core/storage.h"

#include <stdatomic.h>

enum { STORE_NEWS_MAX = 10, STORE_NEWS_WINDOW_MS = 60000 };

/* Starts as { 0 }: the store is well. */
struct store_news {
    int trouble;      /* as it was told last: as store_condition() */
    int64_t begun_ms; /* when the first one of this minute was told */
    unsigned told;    /* in it */
    int64_t since_ms; /* since when there has been trouble, as far as was told */
    int64_t due_ms;   /* when a change that is one too many is to be told; 0: there is none */
};

/* How core calls what store_condition() says. */
enum storage_health store_health(int trouble);

/**
 * Notes what `ask` says now; several threads may, for each has changed something. Whoever notes
 * last has asked since, so that no older word stays, however long a thread stood still with it.
 *
 * Returns whether it is another one than was noted before.
 */
bool store_news_note(atomic_int *trouble, int (*ask)(void *context), void *context);

/* Looks at what store_condition() says now; `directory` is where the store is. */
void store_news_look(struct store_news *news, int trouble, const char *directory,
        const struct journal *journal, int64_t now_ms);

/* When to look again, whatever happens; INT64_MAX: not before something changes. */
int64_t store_news_due_ms(const struct store_news *news);

/* The longest commit of the last minute or two, where the store forgets it with each question. */
struct slowest_commit {
    int64_t before_ns; /* of the minute before this one */
    int64_t now_ns;
    int64_t minute; /* since the clock began */
};
int64_t slowest_commit_ns(struct slowest_commit *slowest, int64_t latest_ns, int64_t now_ms);

#endif
