/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/will.h"

#include "broker/core/keep.h"
#include "broker/core/rights.h"
#include "broker/core/route.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

struct will *will_new(struct core *core, const struct mqtt_will *from, struct bytes topic,
        const struct author *author, struct target publisher)
{
    const struct message_parts parts = { .topic = topic,
        .properties = &from->properties,
        .payload = from->payload,
        .qos = from->qos,
        .retain = from->retain,
        .expires_ms = INT64_MAX,
        .author = author };
    struct will *will = memory_take(&core->memory, sizeof(*will));

    if (!will)
        return NULL;
    *will = (struct will){ .message = core_message_new(core, &parts),
        .publisher = publisher,
        .delay_s = from->properties.will_delay_s,
        .expiry_s = from->properties.message_expiry_s,
        .expires = mqtt_properties_have(&from->properties, MQTT_MESSAGE_EXPIRY_INTERVAL),
        .due_ms = INT64_MAX };
    list_init(&will->link);
    if (!will->message) {
        memory_give(&core->memory, will, sizeof(*will));
        return NULL;
    }
    return will;
}

static void will_free(struct core *core, struct will *will)
{
    keep_will_gone(core, will);
    if (will->message)
        core_unref(core, will->message);
    memory_give(&core->memory, will, sizeof(*will));
}

void will_discard(struct core *core, struct session *session)
{
    if (session->will)
        will_free(core, session->will);
    session->will = NULL;
}

void will_due(struct core *core, struct session *session)
{
    struct will *will = session->will;

    if (!will)
        return;
    session->will = NULL;
    if (!rights_to_publish(core, session, will->message)) {
        journal_tell(&core->journal, EVENT_WARN, "will.refused",
                field_bytes("topic", message_topic(will->message)),
                field_text("limit", "access rights"));
        will_free(core, will);
        return;
    }
    list_append(&core->due_wills, &will->link);
    journal_tell(&core->journal, EVENT_INFO, "will.published",
            field_bytes("id", session_id(session)),
            field_bytes("topic", message_topic(will->message)));
}

/* Its client is gone: only the log can be told that it did not get to all whom it was for. */
static void tell_refused(struct core *core, const struct will *will, const struct routed *routed)
{
    const char *limit = routed->no_memory ? "memory" : "retained_max";

    if (routed->not_stored)
        limit = durable_lack(core);
    journal_tell(&core->journal, EVENT_WARN, "will.refused",
            field_bytes("topic", message_topic(will->message)), field_text("limit", limit));
}

void wills_publish(struct core *core)
{
    while (!list_empty(&core->due_wills) && core_has_room(core)) {
        struct will *will = container_of(list_take_first(&core->due_wills), struct will, link);
        struct routed routed;

        if (will->expires) {
            will->message->expiry_s = will->expiry_s;
            will->message->expires_ms = core->now_ms + (int64_t)will->expiry_s * 1000;
        }
        message_ref(will->message); /* One is taken, one stays with the will. */
        routed = route_message(core, will->message, &will->publisher, NULL);
        if (routed.no_memory || routed.not_stored || routed.retained_full)
            tell_refused(core, will, &routed);
        will_free(core, will);
    }
}

void wills_free(struct core *core)
{
    struct list *link;

    while ((link = list_take_first(&core->due_wills)))
        will_free(core, container_of(link, struct will, link));
}
