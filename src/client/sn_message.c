/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sn_state.h"

#include "mqttsn/late.h"
#include "mqttsn/publish.h"
#include "mqttsn/pubrec.h"
#include "mqttsn/refusal.h"
#include "mqttsn/regack.h"
#include "mqttsn/register.h"

/* ---- Answers ---- */

static void put_ids(struct nj_sn *sn, enum mqttsn_type type, uint16_t topic_id, uint16_t msg_id,
        enum mqttsn_return_code code)
{
    struct writer out = sn_note(sn);

    mqttsn_regack_encode(&out, &(struct mqttsn_regack){ topic_id, msg_id, code }, type);
    sn_noted(sn, &out, false);
}

static void put_id(struct nj_sn *sn, enum mqttsn_type type, uint16_t msg_id)
{
    struct writer out = sn_note(sn);

    mqttsn_pubrec_encode(&out, type, msg_id);
    sn_noted(sn, &out, false);
}

void sn_answer_message(struct nj_sn *sn)
{
    if (sn->pending == MQTTSN_PUBACK)
        put_ids(sn, MQTTSN_PUBACK, sn->pending_topic, sn->pending_id, MQTTSN_ACCEPTED);
    else
        put_id(sn, MQTTSN_PUBREC, sn->pending_id);
    sn->pending = 0;
}

static void refuse(struct nj_sn *sn, const struct mqttsn_message *message, enum mqtt_reason reason)
{
    struct writer out = sn_note(sn);

    if (mqttsn_refuse(&out, message, reason))
        sn_noted(sn, &out, false);
}

/* ---- Ids of QoS 2 ---- */

/* What is to be done with a message of QoS 2. */
enum hold { HOLD_NEW, HOLD_COPY, HOLD_FULL };

/* The place that has the id; of 0 a free one. NULL: there is none. */
static uint16_t *find_held(const struct nj_sn *sn, uint16_t id)
{
    for (uint16_t i = 0; i < sn->setup.held_count; i++)
        if (sn->setup.held[i] == id)
            return &sn->setup.held[i];
    return NULL;
}

static struct mqttsn_late late_of(const struct nj_sn *sn)
{
    return (struct mqttsn_late){ sn->late_over, sn->late_last, sn->late_rises };
}

static void set_late(struct nj_sn *sn, const struct mqttsn_late *late)
{
    sn->late_over = late->over;
    sn->late_last = late->last;
    sn->late_rises = late->rises;
}

static enum hold hold(struct nj_sn *sn, uint16_t id)
{
    struct mqttsn_late late = late_of(sn);
    uint16_t *place;

    if (find_held(sn, id) || mqttsn_late_is_copy(&late, id))
        return HOLD_COPY;
    place = find_held(sn, 0);
    if (!place)
        return HOLD_FULL;
    *place = id;
    mqttsn_late_begin(&late, id);
    set_late(sn, &late);
    return HOLD_NEW;
}

static void take_pubrel(struct nj_sn *sn, struct bytes body)
{
    struct mqttsn_late late = late_of(sn);
    struct mqttsn_pubrec release;
    uint16_t *held;

    if (mqttsn_pubrec_decode(&release, body) != MQTT_SUCCESS || release.msg_id == 0)
        return;
    held = find_held(sn, release.msg_id);
    if (held) {
        *held = 0;
        mqttsn_late_end(&late, release.msg_id);
        set_late(sn, &late);
    }
    put_id(sn, MQTTSN_PUBCOMP, release.msg_id);
}

/* ---- PUBLISH ---- */

static const struct nj_sn_topic *find_predefined(const struct nj_sn *sn, uint16_t id)
{
    for (uint16_t i = 0; i < sn->setup.predefined_count; i++)
        if (sn->setup.predefined[i].id == id)
            return &sn->setup.predefined[i];
    return NULL;
}

/* Makes what the caller reads of a topic. False: it is not known. */
static bool read_topic(struct nj_sn *sn, const struct mqttsn_topic *topic, struct nj_sn_topic *out)
{
    const struct nj_sn_topic *predefined;
    uint16_t place;

    out->id = topic->id;
    switch (topic->type) {
    case MQTTSN_TOPIC_NORMAL:
        place = sn_known_find_id(sn, topic->id);
        if (place == SN_NO_NAME)
            return false;
        sn->setup.known[place].used = ++sn->uses;
        out->kind = NJ_SN_NAME;
        out->name = sn_bytes_out(sn_known_name(sn, place));
        return true;
    case MQTTSN_TOPIC_PREDEFINED:
        predefined = find_predefined(sn, topic->id);
        if (!predefined)
            return false;
        out->kind = NJ_SN_PREDEFINED;
        out->name = predefined->name;
        return true;
    case MQTTSN_TOPIC_SHORT:
        out->kind = NJ_SN_SHORT;
        out->name = sn_bytes_out(topic->name);
        return true;
    }
    return false;
}

static bool take_publish(
        struct nj_sn *sn, const struct mqttsn_message *message, struct nj_sn_event *event)
{
    struct mqttsn_publish publish;
    enum mqtt_reason reason = mqttsn_publish_decode(&publish, message->body, MQTT_FROM_SERVER);
    enum hold held = HOLD_NEW;

    if (reason == MQTT_SUCCESS && !read_topic(sn, &publish.topic, &event->topic))
        reason = MQTT_TOPIC_ALIAS_INVALID; /* [SN-6.10-5], [SN-6.7-2] */
    if (reason == MQTT_SUCCESS && publish.qos == 2)
        held = hold(sn, publish.msg_id);
    if (held == HOLD_FULL)
        reason = MQTT_QUOTA_EXCEEDED;
    if (reason != MQTT_SUCCESS) {
        refuse(sn, message, reason);
        return false;
    }
    if (publish.qos > 0)
        sn->pending = publish.qos == 1 ? MQTTSN_PUBACK : MQTTSN_PUBREC;
    sn->pending_id = publish.msg_id;
    sn->pending_topic = publish.topic.id;
    event->kind = NJ_SN_EVENT_MESSAGE;
    event->payload = sn_bytes_out(publish.data);
    event->qos = (uint8_t)publish.qos;
    event->retain = publish.retain;
    event->dup = publish.dup;
    return held == HOLD_NEW;
}

void nj_sn_leave(struct nj_sn *sn)
{
    uint16_t *held = sn->pending == MQTTSN_PUBREC ? find_held(sn, sn->pending_id) : NULL;

    if (held)
        *held = 0;
    sn->pending = 0;
}

/* ---- REGISTER ---- */

static void take_register(struct nj_sn *sn, const struct mqttsn_message *message)
{
    struct mqttsn_register registration;
    enum mqtt_reason reason =
            mqttsn_register_decode(&registration, message->body, MQTT_FROM_SERVER);
    uint16_t place = SN_NO_NAME;

    if (reason == MQTT_SUCCESS)
        place = sn_known_add(sn, registration.topic_name);
    if (reason == MQTT_SUCCESS && place == SN_NO_NAME)
        reason = MQTT_TOPIC_NAME_INVALID; /* There never will be room for it. */
    if (reason != MQTT_SUCCESS) {
        refuse(sn, message, reason);
        return;
    }
    sn_known_set_id(sn, place, registration.topic_id);
    put_ids(sn, MQTTSN_REGACK, registration.topic_id, registration.msg_id, MQTTSN_ACCEPTED);
}

bool sn_take_message(
        struct nj_sn *sn, const struct mqttsn_message *message, struct nj_sn_event *event)
{
    if (message->type == MQTTSN_PUBLISH)
        return take_publish(sn, message, event);
    if (message->type == MQTTSN_PUBREL)
        take_pubrel(sn, message->body);
    else
        take_register(sn, message);
    return false;
}
