/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_subscriptions.h"

#include "mqtt/topic.h"

#include <stdlib.h>

enum { FIRST_REFUSAL = 0x80 };

static struct nj_subscription subscription_of(
        const struct client_options *options, const char *filter)
{
    struct nj_subscription one = { .filter = nj_text(filter), .qos = (uint8_t)options->qos };

    if (options->version == 5) {
        one.retain_as_published = options->retain_as_published;
        one.retain_handling = (uint8_t)options->retain_handling;
    }
    return one;
}

static bool subscribe(
        struct client_session *session, const struct nj_subscription *subscriptions, size_t count)
{
    const struct client_options *options = session->options;
    struct nj_bytes properties = { 0 };
    enum nj_error error;

    if (options->version == 5)
        properties = client_properties_bytes(&options->properties[CLIENT_SUBSCRIBE_PROPERTIES]);
    error = nj_link_subscribe(session->link, subscriptions, count, properties, CLIENT_SUBSCRIBED);
    if (error != NJ_OK)
        client_session_complain(session, nj_error_text(error));
    return error == NJ_OK;
}

bool client_subscribe(struct client_session *session, size_t *answers)
{
    const struct client_list *topics = &session->options->topics;
    struct nj_subscription *subscriptions;
    bool done;

    if (topics->count == 0)
        return true;
    subscriptions = (struct nj_subscription *)calloc(topics->count, sizeof(*subscriptions));
    if (!subscriptions)
        return false;
    for (size_t i = 0; i < topics->count; i++)
        subscriptions[i] = subscription_of(session->options, topics->items[i]);
    done = subscribe(session, subscriptions, topics->count);
    *answers += done;
    free(subscriptions);
    return done;
}

bool client_subscribe_one(struct client_session *session, const char *filter)
{
    struct nj_subscription one = subscription_of(session->options, filter);

    return subscribe(session, &one, 1);
}

bool client_unsubscribe(struct client_session *session, size_t *answers)
{
    const struct client_options *options = session->options;
    struct nj_bytes properties = { 0 };

    if (options->version == 5)
        properties = client_properties_bytes(&options->properties[CLIENT_UNSUBSCRIBE_PROPERTIES]);
    for (size_t i = 0; i < options->unsubscribe.count; i++) {
        struct nj_bytes filter = nj_text(options->unsubscribe.items[i]);
        enum nj_error error =
                nj_link_unsubscribe(session->link, &filter, 1, properties, CLIENT_UNSUBSCRIBED);

        if (error != NJ_OK) {
            client_session_complain(session, nj_error_text(error));
            return false;
        }
        ++*answers;
    }
    return true;
}

bool client_some_granted(struct nj_bytes codes)
{
    const uint8_t *bytes = (const uint8_t *)codes.data;

    for (size_t i = 0; i < codes.size; i++)
        if (bytes[i] < FIRST_REFUSAL)
            return true;
    return false;
}

bool client_matches_one(const struct client_list *filters, struct nj_bytes topic)
{
    for (size_t i = 0; i < filters->count; i++)
        if (mqtt_topic_match(bytes_of_text(filters->items[i]), bytes_of(topic.data, topic.size)))
            return true;
    return false;
}
