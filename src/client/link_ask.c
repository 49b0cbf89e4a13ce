/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include "mqtt/reason.h"

#include <search.h>
#include <stdlib.h>

enum { RENEWED_TOGETHER_MAX = 64 };

/* A SUBSCRIBE or UNSUBSCRIBE until it is answered. */
struct ask {
    struct list link;
    bool unsubscribes;
    bool renews; /* nobody has asked for it but the link itself */
    uint16_t id; /* while it flies */
    uint64_t tag;
    struct waiter *waiter;
    size_t count;
    struct nj_subscription *subscriptions; /* of UNSUBSCRIBE the filters alone */
    struct nj_bytes *filters;              /* the same again, as UNSUBSCRIBE wants them */
    struct nj_bytes properties;
    uint8_t *refusals; /* a code for each filter, for what the server is not even asked */
};

/* What the server has granted. */
struct subscription {
    struct list link;
    struct nj_subscription wanted;
    struct nj_bytes properties;
    uint64_t tag;
    uint8_t data[];
};

static struct ask *ask_of(struct list *link)
{
    return container_of(link, struct ask, link);
}

static struct subscription *subscription_of(struct list *link)
{
    return container_of(link, struct subscription, link);
}

/* The order of filters in the tree, whose nodes are what subscriptions say of them. */
static int compare(const void *one, const void *other)
{
    const struct nj_bytes *a = one, *b = other;

    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->data, b->data, a->size); /* no filter is empty */
}

static struct subscription *find(const struct nj_link *link, struct nj_bytes filter)
{
    struct nj_bytes *const *node = tfind(&filter, &link->subscriptions, compare);

    return node ? container_of(*node, struct subscription, wanted.filter) : NULL;
}

/* ---- Asking ---- */

static struct nj_bytes filter_of(const struct link_question *question, size_t i)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): one of the two is there */
    return question->filters ? question->filters[i] : question->subscriptions[i].filter;
}

/* Bytes of its properties, and of its filters with so many beside each. */
static size_t size_of(const struct link_question *question, size_t each)
{
    size_t size = question->properties.size;

    for (size_t i = 0; i < question->count; i++)
        size += each + filter_of(question, i).size;
    return size;
}

/* In one block, with all its bytes. NULL: no memory. */
static struct ask *ask_new(const struct link_question *question)
{
    size_t each = sizeof(struct nj_subscription) + sizeof(struct nj_bytes) + 1;
    size_t size = sizeof(struct ask) + size_of(question, each);
    struct ask *ask;
    uint8_t *to;

    ask = calloc(1, size);
    if (!ask)
        return NULL;
    ask->unsubscribes = question->filters;
    ask->tag = question->tag;
    ask->waiter = question->waiter;
    ask->count = question->count;
    ask->subscriptions = (void *)(ask + 1);
    ask->filters = (void *)(ask->subscriptions + ask->count);
    to = (void *)(ask->filters + ask->count);
    ask->properties = link_bytes_copy(&to, question->properties);
    for (size_t i = 0; i < ask->count; i++) {
        if (!ask->unsubscribes)
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): as above */
            ask->subscriptions[i] = question->subscriptions[i];
        ask->filters[i] = link_bytes_copy(&to, filter_of(question, i));
        ask->subscriptions[i].filter = ask->filters[i];
    }
    ask->refusals = to;
    memset(ask->refusals, MQTT_PACKET_TOO_LARGE, ask->count);
    return ask;
}

/* What can be said against a question at once. */
static enum nj_error check(const struct nj_link *link, const struct link_question *question)
{
    enum nj_error error = question->filters
            ? nj_engine_check_unsubscribe(
                      &link->engine, question->filters, question->count, question->properties)
            : nj_engine_check_subscribe(&link->engine, question->subscriptions, question->count,
                      question->properties);

    if (error != NJ_OK)
        return error;
    if (!question->filters && question->count > NJ_SUBSCRIPTIONS_MAX - link->subscription_count)
        return NJ_FULL;
    return 16 + size_of(question, 3) > link->options.packet_size_max ? NJ_TOO_LARGE : NJ_OK;
}

static const char *failure_of(bool unsubscribes)
{
    return unsubscribes ? "cannot unsubscribe" : "cannot subscribe";
}

enum nj_error link_ask(struct nj_link *link, const struct link_question *question)
{
    enum nj_error error = link->broken;
    struct ask *ask = NULL;

    if (error != NJ_OK)
        return error;
    error = check(link, question);
    if (error == NJ_OK) {
        ask = ask_new(question);
        error = ask ? NJ_OK : NJ_NO_MEMORY;
    }
    if (error != NJ_OK)
        return link_failed(link, error, failure_of(question->filters));
    list_append(&link->asks, &ask->link);
    link_poke(link);
    return NJ_OK;
}

/* Tells the end of one to whoever asked. */
static void tell(struct nj_link *link, const struct ask *ask, enum nj_error error, uint8_t reason,
        struct nj_bytes codes, struct nj_bytes properties)
{
    const struct nj_callbacks *callbacks = &link->options.callbacks;

    link_stir(link);
    if (ask->waiter) {
        *ask->waiter = (struct waiter){ true, error, reason };
    } else if (callbacks->answered && (!ask->renews || error != NJ_OK)) {
        link_call(link);
        callbacks->answered(link, link->options.context, ask->tag, codes, properties);
        link_called(link);
    }
}

/* The end of one that the engine does not take: it is more than the server does. */
static void give_up(struct nj_link *link, struct ask *ask, enum nj_error error)
{
    link_failed(link, error, failure_of(ask->unsubscribes));
    list_remove(&ask->link);
    tell(link, ask, error, 0, nj_bytes_of(ask->refusals, ask->count), nj_text(NULL));
    free(ask);
}

static enum nj_error ask_engine(struct nj_link *link, struct ask *ask)
{
    if (ask->unsubscribes)
        return nj_engine_unsubscribe(
                &link->engine, ask->filters, ask->count, ask->properties, &ask->id, link->now_ms);
    return nj_engine_subscribe(
            &link->engine, ask->subscriptions, ask->count, ask->properties, &ask->id, link->now_ms);
}

bool link_ask_feed(struct nj_link *link)
{
    link->asks_late = false;
    while (!list_empty(&link->asks)) {
        struct ask *ask = ask_of(link->asks.next);
        enum nj_error error = ask_engine(link, ask);

        if (error == NJ_LATER || error == NJ_NOT_CONNECTED) {
            link->asks_late = true;
            return false;
        }
        if (error != NJ_OK) {
            give_up(link, ask, error);
            continue;
        }
        list_remove(&ask->link);
        list_append(&link->asks_flying, &ask->link);
    }
    return true;
}

/* ---- The answer ---- */

static void forget(struct nj_link *link, struct subscription *subscription)
{
    tdelete(&subscription->wanted.filter, &link->subscriptions, compare);
    link->subscription_count--;
    list_remove(&subscription->link);
    free(subscription);
}

/* Remembers one that was granted. Without memory it is not subscribed again after a loss, of which
 * the failure tells. */
static void remember(struct nj_link *link, const struct ask *ask, size_t i)
{
    const struct nj_subscription *wanted = &ask->subscriptions[i];
    struct subscription *new = malloc(sizeof(*new) + wanted->filter.size + ask->properties.size);
    uint8_t *to;

    if (new) {
        to = new->data;
        new->wanted = *wanted;
        new->tag = ask->tag;
        new->wanted.filter = link_bytes_copy(&to, wanted->filter);
        new->properties = link_bytes_copy(&to, ask->properties);
    }
    if (!new || !tsearch(&new->wanted.filter, &link->subscriptions, compare)) {
        free(new);
        link_failed(link, NJ_NO_MEMORY, "cannot remember a subscription");
        return;
    }
    link->subscription_count++;
    list_append(&link->subscription_list, &new->link);
}

static uint8_t code_at(const struct nj_event *event, size_t i)
{
    return i < event->codes.size ? ((const uint8_t *)event->codes.data)[i] : 0;
}

/* Returns the first code that is a refusal; 0: there is none. */
static uint8_t take_codes(struct nj_link *link, const struct ask *ask, const struct nj_event *event)
{
    uint8_t refusal = 0;

    for (size_t i = 0; i < ask->count; i++) {
        struct subscription *old = find(link, ask->filters[i]);
        uint8_t code = code_at(event, i);
        bool refused = code >= 0x80;

        if (refused && refusal == 0)
            refusal = code;
        if (old && (!refused || ask->renews))
            forget(link, old);
        if (!refused && !ask->unsubscribes)
            remember(link, ask, i);
    }
    return refusal;
}

static void take_answer(struct nj_link *link, const struct ask *ask, const struct nj_event *event)
{
    uint8_t refusal = take_codes(link, ask, event);

    if (refusal)
        link_refused(link, NJ_REFUSED, refusal, failure_of(ask->unsubscribes));
    tell(link, ask, refusal ? NJ_REFUSED : NJ_OK, refusal, event->codes, event->properties);
}

void link_ask_answered(struct nj_link *link, const struct nj_event *event)
{
    struct list *at = link->asks_flying.next;
    struct ask *ask;

    while (at != &link->asks_flying && ask_of(at)->id != event->id)
        at = at->next;
    if (at == &link->asks_flying)
        return;
    ask = ask_of(at);
    list_remove(at);
    link->asks_late = false;
    take_answer(link, ask, event);
    free(ask);
}

/* ---- Connections come and go ---- */

/* Puts all of `first` before what is in `list`. */
static void put_before(struct list *list, struct list *first)
{
    list_move_all(first, list);
    list_move_all(list, first);
}

void link_ask_lost(struct nj_link *link)
{
    put_before(&link->asks, &link->asks_flying);
    link->asks_late = false;
}

static bool go_together(const struct subscription *a, const struct subscription *b)
{
    return a->tag == b->tag &&
            bytes_equal(bytes_of(a->properties.data, a->properties.size),
                    bytes_of(b->properties.data, b->properties.size));
}

void link_ask_renew(struct nj_link *link)
{
    struct nj_subscription together[RENEWED_TOGETHER_MAX];
    struct list renewed;
    struct list *at = link->subscription_list.next;

    list_init(&renewed);
    while (at != &link->subscription_list) {
        const struct subscription *first = subscription_of(at);
        struct link_question question = {
            .subscriptions = together, .properties = first->properties, .tag = first->tag
        };
        struct ask *ask;

        for (; at != &link->subscription_list && question.count < RENEWED_TOGETHER_MAX &&
                go_together(first, subscription_of(at));
                at = at->next)
            together[question.count++] = subscription_of(at)->wanted;
        ask = ask_new(&question);
        if (!ask) {
            link_failed(link, NJ_NO_MEMORY, "cannot subscribe again");
            break;
        }
        ask->renews = true;
        list_append(&renewed, &ask->link);
    }
    put_before(&link->asks, &renewed);
}

void link_ask_forget(struct nj_link *link, const struct waiter *waiter)
{
    struct list *lists[] = { &link->asks, &link->asks_flying };

    for (size_t i = 0; i < 2; i++) {
        for (struct list *at = lists[i]->next; at != lists[i]; at = at->next) {
            if (ask_of(at)->waiter == waiter)
                ask_of(at)->waiter = NULL;
        }
    }
}

void link_ask_deinit(struct nj_link *link)
{
    struct list *at;

    link_ask_lost(link);
    while ((at = list_take_first(&link->asks)))
        free(ask_of(at));
    while (!list_empty(&link->subscription_list))
        forget(link, subscription_of(link->subscription_list.next));
}

/* ---- For programs ---- */

static enum nj_error ask_locked(struct nj_link *link, const struct link_question *question)
{
    if (!link)
        return NJ_NO_MEMORY;
    link_lock(link);
    return link_unlock_with(link, link_ask(link, question));
}

enum nj_error nj_link_subscribe(struct nj_link *link, const struct nj_subscription subscriptions[],
        size_t count, struct nj_bytes properties, uint64_t tag)
{
    const struct link_question question = { subscriptions, NULL, count, properties, tag, NULL };

    return ask_locked(link, &question);
}

enum nj_error nj_link_unsubscribe(struct nj_link *link, const struct nj_bytes filters[],
        size_t count, struct nj_bytes properties, uint64_t tag)
{
    const struct link_question question = { NULL, filters, count, properties, tag, NULL };

    return ask_locked(link, &question);
}
