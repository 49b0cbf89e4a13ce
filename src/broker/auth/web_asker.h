/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that asks web services about logins, many at a time, so that no shard waits for one.
 * Answers come back to the desks of those who asked, in any order, each within the time that its
 * service is given. What was answered a moment ago is not asked again (web_cache.h).
 */
#ifndef BROKER_AUTH_WEB_ASKER_H
#define BROKER_AUTH_WEB_ASKER_H

#include "broker/auth/desk.h"
#include "broker/auth/web_cache.h"
#include "broker/auth/web_service.h"

enum {
    WEB_CONNECTIONS_MAX = 64, /* to services; more questions wait for one */
    WEB_ANSWER_MAX = 65536,   /* bytes of an answer */
};

/* One question. */
struct web_question {
    struct question question;
    struct web_service *service; /* held */
    char *request;               /* JSON */

    /* The answer. */
    long status;       /* of HTTP; 0: there is none */
    const char *fault; /* why there is none: a lasting text */
    uint8_t *body;
    size_t body_size;

    /* The thread's own. */
    void *transfer; /* libcurl's */
    void *headers;
    uint8_t key[WEB_CACHE_KEY_SIZE];
};

struct web_asker {
    pthread_mutex_t lock; /* of the next four */
    struct list waiting;
    size_t open; /* questions that wait or are under way */
    bool stopping;
    bool running;
    pthread_t thread; /* the starter's own */
    void *multi;      /* libcurl's: all transfers */

    /* The thread's own. */
    struct list asked; /* under way */
    struct web_cache cache;
};

/* No thread runs yet. */
void web_asker_init(struct web_asker *asker);

/**
 * Starts the thread where it does not run yet; from the thread that made it only.
 *
 * Returns 0, or -errno.
 */
int web_asker_start(struct web_asker *asker);

/* Ends the thread. All that waits or is under way goes back without an answer, and so does what is
 * asked later. */
void web_asker_stop(struct web_asker *asker);

/* After web_asker_stop(). */
void web_asker_deinit(struct web_asker *asker);

/* A question to that service; NULL when memory is short. Its request is NULL where the login's
 * password is no text, and when memory is short for it. */
struct web_question *web_question_new(const struct memory *memory, struct web_service *service,
        const struct login *login, struct desk *desk, unsigned asker);

/* Takes the question, which comes back to its desk. False when as many as its service may have wait
 * already. */
bool web_asker_ask(struct web_asker *asker, struct web_question *question);

#endif
