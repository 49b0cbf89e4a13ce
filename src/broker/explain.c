/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/explain.h"

#include "base/list.h"
#include "broker/core/mount.h"
#include "broker/core/reserved.h"
#include "broker/core/roster.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <stdio.h>

bool explain_action(const char *word, enum access_action *out)
{
    static const struct {
        const char *word;
        enum access_action action;
    } rows[] = {
        { "read", ACCESS_RECEIVE },
        { "write", ACCESS_PUBLISH },
        { "subscribe", ACCESS_SUBSCRIBE },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(word, rows[i].word) == 0) {
            *out = rows[i].action;
            return true;
        }
    }
    return false;
}

/* What the listener's clients call it; a shared filter without its group. False: they cannot. */
static bool name_inside(const struct listener_settings *listener,
        const struct explain_question *question, struct bytes *out)
{
    struct bytes share_name;

    *out = question->topic;
    if (question->action == ACCESS_SUBSCRIBE)
        mqtt_share_split(question->topic, &share_name, out);
    return unmount_topic(listener, out);
}

/* What no rule can allow; NULL: nothing speaks against it. */
static const char *obstacle(const struct core_settings *settings,
        const struct listener_settings *listener, const struct explain_question *question)
{
    bool subscribes = question->action == ACCESS_SUBSCRIBE;
    struct bytes topic = question->topic;
    struct bytes inside;

    if (!mqtt_utf8_valid(topic))
        return "it is not valid UTF-8";
    if (subscribes && mqtt_topic_filter_check(topic, MQTT_5_0) != MQTT_SUCCESS)
        return "it is no topic filter";
    if (!subscribes && !mqtt_topic_name_valid(topic))
        return "it is no topic name";
    if (!name_inside(listener, question, &inside))
        return "it lies outside of the listener's mount_point";
    if (question->action == ACCESS_PUBLISH && (topic_reserved(topic) || topic_reserved(inside)))
        return "topics beginning with $ are the server's own";
    if (question->action == ACCESS_RECEIVE)
        return NULL;
    if (settings->strict_text && !mqtt_utf8_strict(topic))
        return "strict_text";
    return settings_topic_limit(settings, topic);
}

static void explain(struct explanation *out, const struct judgement *judgement)
{
    out->allowed = judgement->allowed;
    judgement_text(judgement, out->because);
}

static bool is_hindered(struct explanation *out, const struct core_settings *settings,
        const struct listener_settings *listener, const struct explain_question *question)
{
    const char *text = obstacle(settings, listener, question);

    if (text) {
        out->allowed = false;
        snprintf(out->because, sizeof(out->because), "%s", text);
    }
    return text != NULL;
}

void explain_by_name(struct explanation *out, const struct rules *rules,
        const struct core_settings *settings, const struct listener_settings *listener,
        const struct explain_question *question)
{
    const struct judged judged = { .user = question->user, .client_id = question->client_id };
    struct judgement judgement;

    if (is_hindered(out, settings, listener, question))
        return;
    judgement = judgement_of(rules, &judged, question->action, question->topic);
    explain(out, &judgement);
}

/* ---- On a running server ---- */

/* A client is asked for on its home shard. */
struct hearing {
    struct awaited_errand awaited;
    const struct explain_question *question;
    bool found;
    uint16_t listener; /* its index */
    struct explanation explanation;
};

static enum errand_state hear(struct errand *errand, struct shard *shard)
{
    struct hearing *hearing = container_of(
            container_of(errand, struct awaited_errand, errand), struct hearing, awaited);
    const struct explain_question *question = hearing->question;
    const struct identity *identity;
    struct client_view view;
    struct judgement judgement;
    uint32_t slot;

    if (!roster_find(shard->core, question->client_id, &slot) ||
            !roster_client(shard->core, slot, &view) || !view.identity)
        return ERRAND_DONE;
    identity = view.identity;
    if (!bytes_equal(identity_user(identity), question->user) ||
            (question->port > 0 && shard->listeners[identity->listener].port != question->port))
        return ERRAND_DONE;
    hearing->found = true;
    hearing->listener = identity->listener;
    if (!is_hindered(&hearing->explanation, &shard->config->core,
                &shard->listeners[identity->listener], question)) {
        judgement = authority_judge(&shard->authority, identity, question->client_id,
                question->action, question->topic);
        explain(&hearing->explanation, &judgement);
    }
    return ERRAND_DONE;
}

static json_t *row_of(const struct config_listener *listener, const struct explanation *explanation,
        bool of_client)
{
    return json_pack("{s:i, s:s, s:b, s:s, s:b}", "listener", (int)listener->settings.port,
            "address", listener->address, "allowed", explanation->allowed, "because",
            explanation->because, "by_name_alone", !of_client);
}

json_t *explain_running(struct shard_group *group, const struct config *config,
        const struct explain_question *question)
{
    struct hearing hearing = { .question = question };
    json_t *rows = json_array();
    int result = awaited_errand_init(&hearing.awaited, hear);

    if (rows && result == 0) {
        shard_ask(
                &group->shards[hub_home(group->hub, question->client_id)], &hearing.awaited.errand);
        awaited_errand_wait(&hearing.awaited);
        awaited_errand_deinit(&hearing.awaited);
    }
    if (hearing.found)
        result = json_array_append_new(
                rows, row_of(&config->listeners[hearing.listener], &hearing.explanation, true));
    for (size_t i = 0; i < config->listener_count && !hearing.found && result == 0; i++) {
        const struct config_listener *listener = &config->listeners[i];
        struct explanation explanation;

        if (listener->closed || (question->port > 0 && listener->settings.port != question->port))
            continue;
        explain_by_name(&explanation, &group->rulebook->listeners[i], &config->core,
                &listener->settings, question);
        result = json_array_append_new(rows, row_of(listener, &explanation, false));
    }
    if (rows && result == 0)
        return rows;
    json_decref(rows);
    return NULL;
}

/* ---- On a file ---- */

bool explain_print(const struct config *config, const struct rulebook *book,
        const struct explain_question *question)
{
    bool allowed = true;
    bool any = false;

    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        struct explanation explanation;

        if (question->port > 0 && listener->settings.port != question->port)
            continue;
        any = true;
        explain_by_name(
                &explanation, &book->listeners[i], &config->core, &listener->settings, question);
        allowed &= explanation.allowed;
        printf("listener %u%s%s: %s: %s\n", listener->settings.port,
                listener->address[0] ? " " : "", listener->address,
                explanation.allowed ? "allowed" : "denied", explanation.because);
    }
    if (!any)
        printf("no listener has port %d\n", question->port);
    return any && allowed;
}
