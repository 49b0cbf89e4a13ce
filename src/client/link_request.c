/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include <stdio.h>
#include <stdlib.h>

enum { CORRELATION_SIZE = 8, PROPERTIES_MAX = 65535, NO_SUBSCRIBERS = 0x10 };

struct link_request {
    struct list link;
    uint8_t correlation[CORRELATION_SIZE];
    int64_t due_ms;
    struct outgoing *outgoing; /* NULL: it was sent */
    nj_response response;
    void *context;
};

static struct link_request *request_of(struct list *link)
{
    return container_of(link, struct link_request, link);
}

/* Tells the end of one. */
static void finish(struct nj_link *link, struct link_request *request, enum nj_error error,
        const struct nj_message *response)
{
    list_remove(&request->link);
    link->request_count--;
    if (request->outgoing)
        request->outgoing->request = NULL;
    link_call(link);
    request->response(link, request->context, error, response);
    link_called(link);
    free(request);
}

void link_request_sent(
        struct nj_link *link, struct link_request *request, enum nj_error error, uint8_t reason)
{
    request->outgoing = NULL;
    if (error == NJ_OK && reason != NO_SUBSCRIBERS)
        return;
    if (error == NJ_OK)
        error = NJ_REFUSED;
    finish(link, request, link_refused(link, error, reason, "cannot request"), NULL);
}

void link_request_end_all(struct nj_link *link, enum nj_error error)
{
    struct list ended;
    struct list *at;

    list_init(&ended);
    list_move_all(&ended, &link->requests); /* a callback may begin another one */
    while ((at = ended.next) != &ended)
        finish(link, request_of(at), error, NULL);
}

int64_t link_request_due_ms(const struct nj_link *link)
{
    int64_t due = INT64_MAX;

    for (struct list *at = link->requests.next; at != &link->requests; at = at->next) {
        if (request_of(at)->due_ms < due)
            due = request_of(at)->due_ms;
    }
    return due;
}

static struct link_request *find_due(const struct nj_link *link)
{
    for (struct list *at = link->requests.next; at != &link->requests; at = at->next) {
        if (request_of(at)->due_ms <= link->now_ms)
            return request_of(at);
    }
    return NULL;
}

void link_request_tick(struct nj_link *link)
{
    struct link_request *request;

    if (link->response_waiter.done && link->response_waiter.error != NJ_OK) {
        link->response_topic[0] = '\0';
        link_request_end_all(link, link->response_waiter.error);
    }
    link->response_waiter.done = false;
    while ((request = find_due(link)))
        finish(link, request, NJ_TIMED_OUT, NULL);
}

bool link_request_takes(struct nj_link *link, const struct nj_message *message)
{
    struct nj_property_value value;

    if (link->response_topic[0] == '\0' ||
            !bytes_equal(bytes_of(message->topic.data, message->topic.size),
                    bytes_of_text(link->response_topic)))
        return false;
    if (!nj_find_property(message->properties, NJ_CORRELATION_DATA, &value) ||
            value.bytes.size != CORRELATION_SIZE)
        return true;
    for (struct list *at = link->requests.next; at != &link->requests; at = at->next) {
        struct link_request *request = request_of(at);

        if (memcmp(request->correlation, value.bytes.data, CORRELATION_SIZE) != 0)
            continue;
        finish(link, request, NJ_OK, message);
        break;
    }
    return true; /* what nobody waits for any more is for nobody else either */
}

/* ---- Beginning ---- */

/* The same for the same client, lest a session gathers subscriptions of programs that are gone. */
static bool name_response_topic(struct nj_link *link)
{
    uint64_t hash = link_check(0, bytes_of(link->client_id.data, link->client_id.size));
    int size = snprintf(link->response_topic, sizeof(link->response_topic), "%s%016llx",
            link->response_prefix ? link->response_prefix : "nightjar/response/",
            (unsigned long long)hash);

    return size < (int)sizeof(link->response_topic);
}

static enum nj_error subscribe_responses(struct nj_link *link)
{
    struct nj_subscription subscription = { .qos = 1, .retain_handling = 2 };
    const struct link_question question = {
        .subscriptions = &subscription, .count = 1, .waiter = &link->response_waiter
    };
    enum nj_error error;

    if (link->response_topic[0] != '\0')
        return NJ_OK;
    if (!name_response_topic(link)) {
        link->response_topic[0] = '\0';
        return NJ_TOO_LARGE;
    }
    subscription.filter = nj_text(link->response_topic);
    error = link_ask(link, &question);
    if (error != NJ_OK)
        link->response_topic[0] = '\0';
    return error;
}

static bool has(struct nj_bytes properties, enum nj_property property)
{
    struct nj_property_value value;

    return nj_find_property(properties, property, &value);
}

static struct link_request *request_new(
        struct nj_link *link, int64_t due_ms, nj_response response, void *context)
{
    struct link_request *request = malloc(sizeof(*request));
    uint64_t chance = link_draw();

    if (!request)
        return NULL;
    memcpy(request->correlation, &chance, CORRELATION_SIZE);
    request->due_ms = due_ms;
    request->outgoing = NULL;
    request->response = response;
    request->context = context;
    list_append(&link->requests, &request->link);
    link->request_count++;
    return request;
}

/* Sends a message with these two properties before its own. */
static enum nj_error send_with(struct nj_link *link, const struct nj_message *given,
        struct nj_bytes response_topic, struct nj_bytes correlation, uint64_t tag,
        struct outgoing **out)
{
    struct nj_message message = *given;
    size_t size = 6 + response_topic.size + correlation.size + message.properties.size;
    uint8_t *memory;
    struct nj_properties properties;
    enum nj_error error;

    if (message.properties.size > PROPERTIES_MAX)
        return NJ_INVALID;
    memory = malloc(size);
    if (!memory)
        return NJ_NO_MEMORY;
    properties = nj_properties_in(memory, size);
    if (response_topic.size > 0)
        nj_add_bytes(&properties, NJ_RESPONSE_TOPIC, response_topic);
    if (correlation.data)
        nj_add_bytes(&properties, NJ_CORRELATION_DATA, correlation);
    if (message.properties.size > 0)
        memcpy(memory + properties.used, message.properties.data, message.properties.size);
    properties.used += message.properties.size;
    message.properties = nj_properties_bytes(&properties);
    error = link_send(link, &message, tag, NULL, out);
    free(memory);
    return error;
}

static enum nj_error may_request(const struct nj_link *link, const struct nj_message *request)
{
    if (link->broken != NJ_OK)
        return link->broken;
    if (link->options.version != NJ_MQTT_5_0 || nj_engine_check(&link->engine, request) != NJ_OK ||
            has(request->properties, NJ_RESPONSE_TOPIC) ||
            has(request->properties, NJ_CORRELATION_DATA))
        return NJ_INVALID;
    if (link->phase != LINK_UP)
        return NJ_NOT_CONNECTED;
    return link->request_count < NJ_REQUESTS_MAX ? NJ_OK : NJ_FULL;
}

enum nj_error link_request(struct nj_link *link, const struct nj_message *message, int64_t due_ms,
        nj_response response, void *context)
{
    enum nj_error error = may_request(link, message);
    struct link_request *request;
    struct outgoing *outgoing = NULL;

    if (error == NJ_OK)
        error = subscribe_responses(link);
    if (error != NJ_OK)
        return link_failed(link, error, "cannot request");
    request = request_new(link, due_ms, response, context);
    if (!request)
        return link_failed(link, NJ_NO_MEMORY, "cannot request");
    error = send_with(link, message, nj_text(link->response_topic),
            nj_bytes_of(request->correlation, CORRELATION_SIZE), 0, &outgoing);
    if (error != NJ_OK) {
        list_remove(&request->link);
        link->request_count--;
        free(request);
        return error;
    }
    request->outgoing = outgoing;
    outgoing->request = request;
    return NJ_OK;
}

enum nj_error nj_link_request(struct nj_link *link, const struct nj_message *request,
        int timeout_ms, nj_response response, void *context)
{
    if (!link)
        return NJ_NO_MEMORY;
    link_lock(link);
    return link_unlock_with(
            link, link_request(link, request, link_end_of(timeout_ms), response, context));
}

enum nj_error nj_link_respond(struct nj_link *link, const struct nj_message *request,
        const struct nj_message *response, uint64_t tag)
{
    struct nj_property_value topic, correlation;
    struct nj_message message = *response;
    enum nj_error error;

    if (!link)
        return NJ_NO_MEMORY;
    if (!nj_find_property(request->properties, NJ_CORRELATION_DATA, &correlation))
        correlation.bytes = nj_bytes_of(NULL, 0);
    link_lock(link);
    if (nj_find_property(request->properties, NJ_RESPONSE_TOPIC, &topic)) {
        message.topic = topic.bytes;
        error = send_with(link, &message, nj_bytes_of(NULL, 0), correlation.bytes, tag, NULL);
    } else {
        error = link_failed(link, NJ_INVALID, "cannot respond to what asks for no response");
    }
    return link_unlock_with(link, error);
}
