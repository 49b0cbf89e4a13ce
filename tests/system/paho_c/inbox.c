/* SPDX-License-Identifier: Apache-2.0 */
#include "inbox.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void inbox_init(struct inbox *inbox)
{
    pthread_mutex_init(&inbox->mutex, NULL);
    pthread_cond_init(&inbox->changed, NULL);
}

void inbox_deinit(struct inbox *inbox)
{
    while (inbox->taken < inbox->arrived)
        message_free(&inbox->messages[inbox->taken++]);
    pthread_cond_destroy(&inbox->changed);
    pthread_mutex_destroy(&inbox->mutex);
}

static char *text_copy(const char *bytes, size_t size)
{
    char *text = malloc(size + 1);

    CHECK(text);
    memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

void inbox_add(struct inbox *inbox, const struct message *message, size_t topic_size)
{
    struct message copy = *message;

    copy.topic = text_copy(message->topic, topic_size > 0 ? topic_size : strlen(message->topic));
    copy.payload = text_copy(message->payload, message->size);
    copy.properties = MQTTProperties_copy(&message->properties);
    pthread_mutex_lock(&inbox->mutex);
    CHECK(inbox->arrived < INBOX_MESSAGES_MAX);
    inbox->messages[inbox->arrived++] = copy;
    pthread_cond_broadcast(&inbox->changed);
    pthread_mutex_unlock(&inbox->mutex);
}

static struct timespec deadline_in(int timeout_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

bool inbox_take(struct inbox *inbox, struct message *message, int timeout_ms)
{
    struct timespec deadline = deadline_in(timeout_ms);
    bool found;
    int error = 0;

    pthread_mutex_lock(&inbox->mutex);
    while (inbox->taken == inbox->arrived && error == 0)
        error = pthread_cond_timedwait(&inbox->changed, &inbox->mutex, &deadline);
    found = inbox->taken < inbox->arrived;
    if (found)
        *message = inbox->messages[inbox->taken++];
    pthread_mutex_unlock(&inbox->mutex);
    return found;
}

void inbox_answer(struct inbox *inbox, bool succeeded)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->answered = true;
    inbox->succeeded = succeeded;
    pthread_cond_broadcast(&inbox->changed);
    pthread_mutex_unlock(&inbox->mutex);
}

void inbox_await_success(struct inbox *inbox)
{
    struct timespec deadline = deadline_in(CLIENT_PATIENCE_MS);
    int error = 0;

    pthread_mutex_lock(&inbox->mutex);
    while (!inbox->answered && error == 0)
        error = pthread_cond_timedwait(&inbox->changed, &inbox->mutex, &deadline);
    CHECK(inbox->answered && inbox->succeeded);
    inbox->answered = false;
    pthread_mutex_unlock(&inbox->mutex);
}
