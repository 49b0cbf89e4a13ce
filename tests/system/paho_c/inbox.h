/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the call-backs of Paho's threads leave what came: messages in their order, and whether
 * the request that is under way has succeeded.
 */
#ifndef PAHO_C_INBOX_H
#define PAHO_C_INBOX_H

#include <pthread.h>

#include "client.h"

enum { INBOX_MESSAGES_MAX = 1000 };

struct inbox {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool answered;
    bool succeeded;
    size_t taken;
    size_t arrived;
    struct message messages[INBOX_MESSAGES_MAX];
};

void inbox_init(struct inbox *inbox);
void inbox_deinit(struct inbox *inbox);

/* Copies a message in; its `topic` may lack the NUL behind it, topic_size is 0 if it does not. */
void inbox_add(struct inbox *inbox, const struct message *message, size_t topic_size);

/* The next message, within the time; true when there was one, for message_free(). */
bool inbox_take(struct inbox *inbox, struct message *message, int timeout_ms);

/* Tells how the request under way ended. */
void inbox_answer(struct inbox *inbox, bool succeeded);

/* Waits for that answer, which must be a good one. */
void inbox_await_success(struct inbox *inbox);

#endif
