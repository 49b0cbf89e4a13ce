/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include "loop/clock.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

/* ---- Waiting ---- */

/* A call that waits, as long as it does. */
struct patience {
    int64_t end_ms;
    uint32_t downs; /* when it began */
};

void link_stir(struct nj_link *link)
{
    link->stirred = true;
    if (link->threaded)
        pthread_cond_broadcast(&link->changed);
}

int64_t link_end_of(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : clock_now_ms() + timeout_ms;
}

/* Lets the link run for a moment, by this thread or by its own. False when the time is over. */
static bool go_on(struct nj_link *link, int64_t end_ms)
{
    int64_t left = end_ms == INT64_MAX ? INT_MAX : end_ms - clock_now_ms();
    struct timespec until;

    if (left <= 0)
        return false;
    if (!link->threaded) {
        link_turn(link, end_ms == INT64_MAX ? -1 : left < INT_MAX ? (int)left : INT_MAX);
    } else if (end_ms == INT64_MAX) {
        pthread_cond_wait(&link->changed, &link->mutex);
    } else {
        until.tv_sec = end_ms / 1000;
        until.tv_nsec = end_ms % 1000 * 1000000;
        pthread_cond_clockwait(&link->changed, &link->mutex, CLOCK_MONOTONIC, &until);
    }
    return true;
}

/* A server that says no will say it again: that ends the wait. */
static bool was_refused(const struct nj_link *link, const struct patience *patience)
{
    return link->downs != patience->downs && link->error == NJ_REFUSED && link->phase == LINK_RESTS;
}

/* The same for a call that waits; false also when the wait is hopeless. */
static bool wait_on(struct nj_link *link, const struct patience *patience)
{
    return link->broken == NJ_OK && !was_refused(link, patience) && go_on(link, patience->end_ms);
}

/* The time is over: what it lacked was the connection, or something else. */
static enum nj_error time_is_over(struct nj_link *link, const char *what)
{
    if (link->phase != LINK_UP && link->error != NJ_OK)
        return link->error; /* the sentence is there */
    return link_failed(link, NJ_TIMED_OUT, what);
}

/* Why a wait has ended without what it was for. */
static enum nj_error verdict(
        struct nj_link *link, const struct patience *patience, const char *what)
{
    if (link->broken != NJ_OK)
        return link->broken;
    return was_refused(link, patience) ? NJ_REFUSED : time_is_over(link, what);
}

/* Until `done`, or what makes it hopeless. */
static enum nj_error wait_until(
        struct nj_link *link, const bool *done, const struct patience *patience, const char *what)
{
    link->waiters++;
    while (!*done && wait_on(link, patience))
        continue;
    link->waiters--;
    return *done ? NJ_OK : verdict(link, patience, what);
}

/* ---- Messages that were received ---- */

void link_release_given(struct nj_link *link)
{
    free(link->given);
    link->given = NULL;
    if (link->hold != HOLD_GIVEN)
        return;
    link->hold = HOLD_NONE;
    link_poke(link);
}

/* Begins a call that waits: locks, and lets go of what nj_receive() gave before. On an error it is
 * not locked. */
static enum nj_error enter(struct nj_link *link, int timeout_ms, struct patience *patience)
{
    if (!link)
        return NJ_NO_MEMORY;
    if (link_is_inside(link))
        return NJ_IN_CALLBACK;
    link_lock(link);
    *patience = (struct patience){ link_end_of(timeout_ms), link->downs };
    link_release_given(link);
    return NJ_OK;
}

/* What a call waits for: it is called with the lock held. */
typedef enum nj_error (*wish_function)(
        struct nj_link *link, const struct patience *patience, const void *context);

/* A call that waits for something else than a message: one that is in the way is put aside. */
static enum nj_error wait_for(
        struct nj_link *link, int timeout_ms, wish_function wish, const void *context)
{
    struct patience patience;
    enum nj_error error = enter(link, timeout_ms, &patience);

    if (error != NJ_OK)
        return error;
    if (link->hold == HOLD_OFFERED && link_keep_incoming(link, &link->held_message)) {
        link->hold = HOLD_NONE;
        link_poke(link);
    }
    return link_unlock_with(link, wish(link, &patience, context));
}

static bool take_inbox(struct nj_link *link, struct nj_message *message)
{
    struct list *first = list_take_first(&link->inbox);

    if (!first)
        return false;
    link->inbox_count--;
    link->given = container_of(first, struct incoming, link);
    *message = link->given->message;
    return true;
}

static bool take_held(struct nj_link *link, struct nj_message *message)
{
    if (link->hold != HOLD_OFFERED)
        return false;
    link->hold = HOLD_GIVEN;
    *message = link->held_message;
    return true;
}

enum nj_error nj_receive(struct nj_link *link, struct nj_message *message, int timeout_ms)
{
    struct patience patience;
    enum nj_error error = enter(link, timeout_ms, &patience);
    bool taken;

    if (error != NJ_OK)
        return error;
    if (link->options.callbacks.message) {
        error = link_failed(link, NJ_INVALID, "cannot receive where a callback takes the messages");
        return link_unlock_with(link, error);
    }
    do
        taken = take_inbox(link, message) || take_held(link, message);
    while (!taken && wait_on(link, &patience));
    if (!taken)
        error = verdict(link, &patience, "cannot receive");
    return link_unlock_with(link, error);
}

/* ---- Sending, subscribing ---- */

static enum nj_error get_connected(
        struct nj_link *link, const struct patience *patience, const void *context)
{
    (void)context;
    while (link->phase != LINK_UP && wait_on(link, patience))
        continue;
    return link->phase == LINK_UP ? NJ_OK : verdict(link, patience, "cannot connect");
}

enum nj_error nj_connect(struct nj_link *link, int timeout_ms)
{
    return wait_for(link, timeout_ms, get_connected, NULL);
}

static enum nj_error send_message(
        struct nj_link *link, const struct patience *patience, const void *message)
{
    struct waiter waiter = { 0 };
    struct outgoing *outgoing = NULL;
    enum nj_error error = link_send(link, message, 0, &waiter, &outgoing);

    if (error != NJ_OK)
        return error;
    error = wait_until(link, &waiter.done, patience, "cannot publish");
    if (!waiter.done) {
        outgoing->waiter = NULL;
        outgoing->quiet = true;
        return error;
    }
    if (waiter.error == NJ_OK)
        return NJ_OK;
    return link_refused(link, waiter.error, waiter.reason, "the message was not taken");
}

enum nj_error nj_send(struct nj_link *link, const struct nj_message *message, int timeout_ms)
{
    return wait_for(link, timeout_ms, send_message, message);
}

enum nj_error nj_publish(
        struct nj_link *link, const char *topic, const char *payload, uint8_t qos, int timeout_ms)
{
    const struct nj_message message = {
        .topic = nj_text(topic), .payload = nj_text(payload), .qos = qos
    };

    return nj_send(link, &message, timeout_ms);
}

/* Asks, and waits for the answer. */
static enum nj_error ask(struct nj_link *link, const struct patience *patience, const void *context)
{
    struct link_question question = *(const struct link_question *)context;
    struct waiter waiter = { 0 };
    enum nj_error error;

    question.waiter = &waiter;
    error = link_ask(link, &question);
    if (error != NJ_OK)
        return error;
    error = wait_until(link, &waiter.done, patience,
            question.filters ? "cannot unsubscribe" : "cannot subscribe");
    if (waiter.done)
        return waiter.error;
    link_ask_forget(link, &waiter);
    return error;
}

enum nj_error nj_subscribe(struct nj_link *link, const char *filter, uint8_t qos, int timeout_ms)
{
    const struct nj_subscription subscription = { .filter = nj_text(filter), .qos = qos };
    const struct link_question question = { .subscriptions = &subscription, .count = 1 };

    return wait_for(link, timeout_ms, ask, &question);
}

enum nj_error nj_unsubscribe(struct nj_link *link, const char *filter, int timeout_ms)
{
    const struct nj_bytes bytes = nj_text(filter);
    const struct link_question question = { .filters = &bytes, .count = 1 };

    return wait_for(link, timeout_ms, ask, &question);
}

/* ---- Requests ---- */

struct answer {
    struct waiter waiter;
    struct incoming *response;
};

static void take_answer(
        struct nj_link *link, void *context, enum nj_error error, const struct nj_message *response)
{
    struct answer *answer = context;

    link_lock(link);
    answer->response = response ? link_incoming_new(response) : NULL;
    if (response && !answer->response)
        error = NJ_NO_MEMORY;
    answer->waiter = (struct waiter){ true, error, 0 };
    link_stir(link);
    link_unlock(link);
}

struct exchange {
    const struct nj_message *request;
    struct nj_message *response;
};

/* The link ends the request itself when its time is over, so this waits for that alone. */
static enum nj_error exchange(
        struct nj_link *link, const struct patience *patience, const void *context)
{
    const struct exchange *exchange = context;
    struct answer answer = { { 0 }, NULL };
    enum nj_error error = get_connected(link, patience, NULL);

    if (error != NJ_OK)
        return error;
    error = link_request(link, exchange->request, patience->end_ms, take_answer, &answer);
    if (error != NJ_OK)
        return error;
    link->waiters++;
    while (!answer.waiter.done)
        go_on(link, INT64_MAX);
    link->waiters--;
    if (answer.waiter.error != NJ_OK)
        return answer.waiter.error;
    link->given = answer.response;
    *exchange->response = answer.response->message;
    return NJ_OK;
}

enum nj_error nj_request(struct nj_link *link, const struct nj_message *request,
        struct nj_message *response, int timeout_ms)
{
    const struct exchange wanted = { request, response };

    return wait_for(link, timeout_ms, exchange, &wanted);
}

/* ---- The end ---- */

static enum nj_error part(
        struct nj_link *link, const struct patience *patience, const void *context)
{
    enum nj_error error = NJ_OK;

    (void)context;
    link->waiters++;
    while ((link->queue.count > 0 || !list_empty(&link->asks)) && wait_on(link, patience))
        continue;
    if (link->broken == NJ_OK && link->queue.count > 0)
        error = verdict(link, patience, "not all messages were acknowledged");
    link_part(link, 0, link->options.disconnect_properties);
    while (link->broken == NJ_OK && go_on(link, patience->end_ms))
        continue;
    if (!link->threaded) { /* as far as that goes at once: one says goodbye, one writes it */
        link_turn(link, 0);
        link_turn(link, 0);
    }
    link->waiters--;
    if (link->broken != NJ_CLOSED && link->broken != NJ_OK)
        error = link->broken;
    else if (link->broken == NJ_OK && error == NJ_OK)
        error = link_failed(link, NJ_TIMED_OUT, "cannot say goodbye");
    return error;
}

enum nj_error nj_disconnect(struct nj_link *link, int timeout_ms)
{
    return wait_for(link, timeout_ms, part, NULL);
}
