/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sn_state.h"

#include "base/reader.h"
#include "mqtt/utf8.h"
#include "mqttsn/connack.h"
#include "mqttsn/flags.h"
#include "mqttsn/publish.h"
#include "mqttsn/pubrec.h"
#include "mqttsn/regack.h"
#include "mqttsn/register.h"
#include "mqttsn/suback.h"
#include "mqttsn/subscribe.h"
#include "mqttsn/willmsg.h"
#include "mqttsn/willtopic.h"

#include <assert.h>

enum { REGISTER_FIXED_SIZE = 4 }; /* bytes of a REGISTER's body before the name */

/* ---- What is under way ---- */

/* The largest datagram that may be sent. */
static size_t datagram_max(const struct nj_sn *sn)
{
    return sn->setup.datagram_max > 0 ? sn->setup.datagram_max : MQTTSN_MESSAGE_SIZE_MAX;
}

struct writer sn_room(struct nj_sn *sn)
{
    size_t left = sn->setup.out_size - sn->kept_size;

    return (struct writer){
        .data = sn->setup.out + sn->kept_size,
        .size = left < datagram_max(sn) ? left : datagram_max(sn),
    };
}

void sn_put(struct nj_sn *sn, enum mqttsn_type type, const struct writer *out, int64_t now_ms)
{
    sn->out_used = sn->kept_size + out->used;
    sn->request = (uint8_t)type;
    sn->to_send = true;
    sn->congested = false;
    sn->tries = 0;
    sn->sent_ms = now_ms;
    sn->request_ms = now_ms + sn->setup.retry_ms;
}

void sn_end_request(struct nj_sn *sn)
{
    sn->request = 0;
    sn->to_send = sn->congested = false;
    sn->request_ms = INT64_MAX;
    sn->out_used = sn->kept_size;
    if (!sn->kept)
        sn->name = SN_NO_NAME;
}

void sn_drop_kept(struct nj_sn *sn)
{
    sn->kept = sn->kept_sent = sn->kept_taken = sn->registered = false;
    sn->kept_size = 0;
    sn->name = SN_NO_NAME;
}

static uint16_t new_id(struct nj_sn *sn)
{
    sn->next_id = sn->next_id < UINT16_MAX ? sn->next_id + 1 : 1;
    return sn->next_id;
}

/* The body of what is sent: the message that is kept, or the request behind it. */
static uint8_t *body_of(const struct nj_sn *sn)
{
    bool is_kept = sn->request == MQTTSN_PUBLISH;
    uint8_t *data = sn->setup.out + (is_kept ? 0 : sn->kept_size);
    struct mqttsn_header header = { .size = 0 };

    mqttsn_header_read(
            &header, bytes_of(data, is_kept ? sn->kept_size : sn->out_used - sn->kept_size));
    return data + header.size;
}

bool sn_repeat(struct nj_sn *sn, int64_t now_ms)
{
    bool says_so = sn->request == MQTTSN_PUBLISH || sn->request == MQTTSN_SUBSCRIBE;

    if (sn->tries >= sn->setup.retries)
        return false;
    if (says_so && !sn->congested)
        body_of(sn)[0] |= MQTTSN_FLAG_DUP;
    sn->tries++;
    sn->congested = false;
    sn->to_send = true;
    sn->sent_ms = now_ms;
    sn->request_ms = now_ms + sn->setup.retry_ms;
    return true;
}

/* Whether a request may begin. */
static enum nj_error may_begin(const struct nj_sn *sn)
{
    if (sn->request != 0 || sn->kept || sn->due != SN_DUE_NONE)
        return NJ_LATER;
    return sn->state == SN_ACTIVE ? NJ_OK : NJ_NOT_CONNECTED;
}

static enum nj_error begin(
        struct nj_sn *sn, enum mqttsn_type type, const struct writer *out, int64_t now_ms)
{
    if (out->failed)
        return NJ_TOO_LARGE;
    sn_put(sn, type, out, now_ms);
    return NJ_OK;
}

/* ---- Topics ---- */

/* What goes over the wire; the id of a name is 0 until it is known. */
static struct mqttsn_topic topic_in(const struct nj_sn_topic *topic)
{
    struct mqttsn_topic in = { .type = (enum mqttsn_topic_type)topic->kind, .id = topic->id };

    in.name = sn_bytes_in(topic->name);
    if (topic->kind == NJ_SN_SHORT && in.name.size == MQTTSN_TOPIC_SHORT_SIZE)
        in.id = mqttsn_topic_short_id(in.name);
    return in;
}

static_assert((int)NJ_SN_NAME == MQTTSN_TOPIC_NORMAL, "kinds have the numbers of types");
static_assert((int)NJ_SN_PREDEFINED == MQTTSN_TOPIC_PREDEFINED, "kinds have the numbers of types");
static_assert((int)NJ_SN_SHORT == MQTTSN_TOPIC_SHORT, "kinds have the numbers of types");

static bool topic_valid(const struct mqttsn_topic *topic, bool is_filter)
{
    switch (topic->type) {
    case MQTTSN_TOPIC_NORMAL:
        return is_filter ? mqttsn_topic_filter_valid(topic->name)
                         : mqttsn_topic_name_valid(topic->name);
    case MQTTSN_TOPIC_PREDEFINED:
        return mqttsn_topic_id_valid(topic->id);
    case MQTTSN_TOPIC_SHORT:
        return topic->name.size == MQTTSN_TOPIC_SHORT_SIZE && mqttsn_topic_name_valid(topic->name);
    }
    return false;
}

static bool has_wildcard(struct bytes filter)
{
    return memchr(filter.data, '#', filter.size) || memchr(filter.data, '+', filter.size) ||
            bytes_start_with(filter, BYTES("$share/"));
}

/* ---- REGISTER ---- */

static bool register_fits(const struct nj_sn *sn, size_t message_size, size_t name_size)
{
    size_t size = mqttsn_message_size(REGISTER_FIXED_SIZE + name_size);

    return size <= datagram_max(sn) && message_size + size <= sn->setup.out_size &&
            name_size <= sn->setup.name_size && sn->setup.known_count > 0;
}

/* Asks for the id of sn->name. */
static void put_register(struct nj_sn *sn, int64_t now_ms)
{
    struct writer out = sn_room(sn);

    sn->id = new_id(sn);
    mqttsn_register_encode(&out,
            &(struct mqttsn_register){
                    .msg_id = sn->id, .topic_name = sn_known_name(sn, sn->name) });
    sn_put(sn, MQTTSN_REGISTER, &out, now_ms);
}

enum nj_error nj_sn_register(struct nj_sn *sn, struct nj_bytes name, int64_t now_ms)
{
    enum nj_error error = may_begin(sn);

    if (!mqttsn_topic_name_valid(sn_bytes_in(name)))
        return NJ_INVALID;
    if (!register_fits(sn, 0, name.size))
        return NJ_TOO_LARGE;
    if (error != NJ_OK)
        return error;
    sn->name = sn_known_add(sn, sn_bytes_in(name));
    put_register(sn, now_ms);
    return NJ_OK;
}

/* ---- PUBLISH ---- */

/* Whether it will fit, with the REGISTER that may go before it. */
static bool publish_fits(const struct nj_sn *sn, const struct mqttsn_publish *publish)
{
    size_t size = mqttsn_publish_size(publish);

    if (publish->topic.type == MQTTSN_TOPIC_NORMAL &&
            !register_fits(sn, size, publish->topic.name.size))
        return false;
    return size <= datagram_max(sn) && size <= sn->setup.out_size;
}

static void put_publish(struct nj_sn *sn, int64_t now_ms)
{
    sn_put(sn, MQTTSN_PUBLISH, &(struct writer){ .used = 0 }, now_ms);
    if (sn->kept_qos <= 0)
        sn->request_ms = INT64_MAX; /* It is over once it is sent. */
    else if (sn->kept_sent)
        body_of(sn)[0] |= MQTTSN_FLAG_DUP;
    sn->kept_sent = true;
}

void sn_send_kept(struct nj_sn *sn, int64_t now_ms)
{
    struct writer out = sn_room(sn);

    if (sn->kept_taken) {
        mqttsn_pubrec_encode(&out, MQTTSN_PUBREL, sn->kept_id);
        sn_put(sn, MQTTSN_PUBREL, &out, now_ms);
        return;
    }
    if (sn->name != SN_NO_NAME && sn->setup.known[sn->name].id == 0) {
        put_register(sn, now_ms);
        return;
    }
    put_publish(sn, now_ms);
    if (sn->name != SN_NO_NAME) {
        uint8_t *topic_id = body_of(sn) + 1;
        uint16_t id = sn->setup.known[sn->name].id;

        topic_id[0] = (uint8_t)(id >> 8);
        topic_id[1] = (uint8_t)id;
    }
}

enum nj_error nj_sn_publish(struct nj_sn *sn, const struct nj_sn_topic *topic,
        struct nj_bytes payload, int qos, bool retain, int64_t now_ms)
{
    struct mqttsn_publish publish = {
        .topic = topic_in(topic), .data = sn_bytes_in(payload), .qos = (int8_t)qos, .retain = retain
    };
    bool is_unasked = qos == MQTTSN_QOS_MINUS_1;
    enum nj_error error = may_begin(sn);
    struct writer out;

    if (qos < MQTTSN_QOS_MINUS_1 || qos > 2 || !topic_valid(&publish.topic, false) ||
            (is_unasked && topic->kind == NJ_SN_NAME)) /* [SN-6.8-2] */
        return NJ_INVALID;
    if (!publish_fits(sn, &publish))
        return NJ_TOO_LARGE;
    if (error != NJ_OK && !(is_unasked && error == NJ_NOT_CONNECTED))
        return error;
    if (topic->kind == NJ_SN_NAME)
        sn->name = sn_known_add(sn, publish.topic.name);
    if (qos > 0)
        publish.msg_id = sn->kept_id = new_id(sn);
    out = sn_room(sn);
    mqttsn_publish_encode(&out, &publish);
    sn->kept = true;
    sn->kept_qos = (int8_t)qos;
    sn->kept_size = out.used;
    sn_send_kept(sn, now_ms);
    return NJ_OK;
}

/* ---- SUBSCRIBE and UNSUBSCRIBE ---- */

static enum nj_error ask(struct nj_sn *sn, const struct nj_sn_topic *topic, enum mqttsn_type type,
        uint8_t qos, int64_t now_ms)
{
    struct mqttsn_subscribe wish = { .topic = topic_in(topic), .qos = (int8_t)qos };
    enum nj_error error = may_begin(sn);
    bool is_name;
    struct writer out = sn_room(sn);

    if (qos > 2 || !topic_valid(&wish.topic, true))
        return NJ_INVALID;
    /* Its messages come by an id that stands for the name. */
    is_name =
            type == MQTTSN_SUBSCRIBE && topic->kind == NJ_SN_NAME && !has_wildcard(wish.topic.name);
    if (is_name && (wish.topic.name.size > sn->setup.name_size || sn->setup.known_count == 0))
        return NJ_TOO_LARGE;
    if (error != NJ_OK)
        return error;
    wish.msg_id = new_id(sn);
    mqttsn_subscribe_encode(&out, &wish, type);
    error = begin(sn, type, &out, now_ms);
    if (error != NJ_OK)
        return error;
    sn->id = wish.msg_id;
    if (is_name)
        sn->name = sn_known_add(sn, wish.topic.name);
    return NJ_OK;
}

enum nj_error nj_sn_subscribe(
        struct nj_sn *sn, const struct nj_sn_topic *topic, uint8_t qos, int64_t now_ms)
{
    return ask(sn, topic, MQTTSN_SUBSCRIBE, qos, now_ms);
}

enum nj_error nj_sn_unsubscribe(struct nj_sn *sn, const struct nj_sn_topic *topic, int64_t now_ms)
{
    return ask(sn, topic, MQTTSN_UNSUBSCRIBE, 0, now_ms);
}

/* ---- The will ---- */

void sn_put_willtopic(struct nj_sn *sn, int64_t now_ms)
{
    struct writer out = sn_room(sn);

    mqttsn_willtopic_encode(&out,
            &(struct mqttsn_willtopic){ .topic = sn_bytes_in(sn->options.will_topic),
                    .qos = (int8_t)sn->options.will_qos,
                    .retain = sn->options.will_retain },
            MQTTSN_WILLTOPIC);
    sn_put(sn, MQTTSN_WILLTOPIC, &out, now_ms);
}

void sn_put_willmsg(struct nj_sn *sn, int64_t now_ms)
{
    struct writer out = sn_room(sn);

    mqttsn_willmsg_encode(&out, &(struct mqttsn_willmsg){ sn_bytes_in(sn->options.will_message) },
            MQTTSN_WILLMSG);
    sn_put(sn, MQTTSN_WILLMSG, &out, now_ms);
}

enum nj_error nj_sn_change_will_topic(
        struct nj_sn *sn, struct nj_bytes topic, uint8_t qos, bool retain, int64_t now_ms)
{
    const struct mqttsn_willtopic will = {
        .topic = sn_bytes_in(topic), .qos = (int8_t)qos, .retain = retain
    };
    enum nj_error error = may_begin(sn);
    struct writer out = sn_room(sn);

    if (qos > 2 || (topic.size > 0 && !mqttsn_topic_name_valid(will.topic)))
        return NJ_INVALID;
    if (error != NJ_OK)
        return error;
    mqttsn_willtopic_encode(&out, &will, MQTTSN_WILLTOPICUPD);
    return begin(sn, MQTTSN_WILLTOPICUPD, &out, now_ms);
}

enum nj_error nj_sn_change_will_message(struct nj_sn *sn, struct nj_bytes message, int64_t now_ms)
{
    enum nj_error error = may_begin(sn);
    struct writer out = sn_room(sn);

    if (error != NJ_OK)
        return error;
    mqttsn_willmsg_encode(
            &out, &(struct mqttsn_willmsg){ sn_bytes_in(message) }, MQTTSN_WILLMSGUPD);
    return begin(sn, MQTTSN_WILLMSGUPD, &out, now_ms);
}

/* ---- Answers ---- */

/* The request is over, unless the gateway has only no room for it now. */
static bool finish(struct nj_sn *sn, enum nj_sn_event_kind kind, uint8_t code,
        struct nj_sn_event *event, int64_t now_ms)
{
    if (code == MQTTSN_CONGESTION && sn->tries < sn->setup.retries) {
        sn->congested = true;
        sn->to_send = false;
        sn->request_ms = now_ms + sn->setup.wait_ms;
        return false;
    }
    sn_drop_kept(sn);
    sn_end_request(sn);
    event->kind = kind;
    event->code = code;
    return true;
}

/* An id that is said to be granted can be one. */
static uint8_t code_of(const struct mqttsn_regack *answer)
{
    if (answer->code == MQTTSN_ACCEPTED && !mqttsn_topic_id_valid(answer->topic_id))
        return MQTTSN_NOT_SUPPORTED;
    return (uint8_t)answer->code;
}

static bool take_regack(
        struct nj_sn *sn, struct bytes body, struct nj_sn_event *event, int64_t now_ms)
{
    struct mqttsn_regack answer;

    if (mqttsn_regack_decode(&answer, body) != MQTT_SUCCESS || sn->request != MQTTSN_REGISTER ||
            answer.msg_id != sn->id)
        return false;
    if (code_of(&answer) != MQTTSN_ACCEPTED)
        return finish(sn, NJ_SN_EVENT_DONE, code_of(&answer), event, now_ms);
    sn_known_set_id(sn, sn->name, answer.topic_id);
    if (!sn->kept)
        return finish(sn, NJ_SN_EVENT_DONE, MQTTSN_ACCEPTED, event, now_ms);
    sn_send_kept(sn, now_ms);
    return false;
}

/* The gateway has forgotten an id. */
static void forget_id(struct nj_sn *sn, uint16_t topic_id)
{
    uint16_t place = sn_known_find_id(sn, topic_id);

    if (topic_id != 0 && place != SN_NO_NAME)
        sn->setup.known[place].id = 0;
}

static bool take_puback(
        struct nj_sn *sn, struct bytes body, struct nj_sn_event *event, int64_t now_ms)
{
    struct mqttsn_regack answer;

    if (mqttsn_regack_decode(&answer, body) != MQTT_SUCCESS)
        return false;
    if (sn->request != MQTTSN_PUBLISH || sn->kept_qos <= 0 || answer.msg_id != sn->kept_id) {
        /* Of QoS 0, which only an error answers. [SN-5.4.13-1] */
        if (answer.code == MQTTSN_INVALID_TOPIC_ID && answer.msg_id == 0)
            forget_id(sn, answer.topic_id);
        return false;
    }
    if (sn->kept_qos == 2 && answer.code == MQTTSN_ACCEPTED)
        return false; /* It answers nothing of QoS 2. */
    if (answer.code == MQTTSN_INVALID_TOPIC_ID && sn->name != SN_NO_NAME && !sn->registered) {
        sn->registered = true; /* [SN-6.6-2] */
        sn->setup.known[sn->name].id = 0;
        put_register(sn, now_ms);
        return false;
    }
    return finish(sn, NJ_SN_EVENT_DONE, (uint8_t)answer.code, event, now_ms);
}

static bool take_pubrec(struct nj_sn *sn, enum mqttsn_type type, struct bytes body,
        struct nj_sn_event *event, int64_t now_ms)
{
    struct mqttsn_pubrec answer;

    if (mqttsn_pubrec_decode(&answer, body) != MQTT_SUCCESS || !sn->kept || sn->kept_qos != 2 ||
            answer.msg_id != sn->kept_id)
        return false;
    if (type == MQTTSN_PUBCOMP && sn->request == MQTTSN_PUBREL)
        return finish(sn, NJ_SN_EVENT_DONE, MQTTSN_ACCEPTED, event, now_ms);
    if (type == MQTTSN_PUBREC && sn->request == MQTTSN_PUBREL)
        sn->to_send = true;
    if (type != MQTTSN_PUBREC || sn->request != MQTTSN_PUBLISH)
        return false;
    sn->kept_taken = true;
    sn->kept_size = 0;
    sn_send_kept(sn, now_ms);
    return false;
}

static bool take_suback(
        struct nj_sn *sn, struct bytes body, struct nj_sn_event *event, int64_t now_ms)
{
    struct mqttsn_suback answer;

    if (mqttsn_suback_decode(&answer, body) != MQTT_SUCCESS || sn->request != MQTTSN_SUBSCRIBE ||
            answer.msg_id != sn->id)
        return false;
    if (answer.code == MQTTSN_ACCEPTED && sn->name != SN_NO_NAME &&
            mqttsn_topic_id_valid(answer.topic_id))
        sn_known_set_id(sn, sn->name, answer.topic_id);
    event->qos = (uint8_t)answer.qos;
    return finish(sn, NJ_SN_EVENT_SUBSCRIBED, (uint8_t)answer.code, event, now_ms);
}

static bool take_unsuback(
        struct nj_sn *sn, struct bytes body, struct nj_sn_event *event, int64_t now_ms)
{
    struct mqttsn_pubrec answer;

    if (mqttsn_pubrec_decode(&answer, body) != MQTT_SUCCESS || sn->request != MQTTSN_UNSUBSCRIBE ||
            answer.msg_id != sn->id)
        return false;
    return finish(sn, NJ_SN_EVENT_DONE, MQTTSN_ACCEPTED, event, now_ms);
}

static bool take_willresp(struct nj_sn *sn, enum mqttsn_type request, struct bytes body,
        struct nj_sn_event *event, int64_t now_ms)
{
    struct mqttsn_connack answer;

    if (mqttsn_connack_decode(&answer, body) != MQTT_SUCCESS || sn->request != request)
        return false;
    return finish(sn, NJ_SN_EVENT_DONE, (uint8_t)answer.code, event, now_ms);
}

bool sn_take_answer(struct nj_sn *sn, const struct mqttsn_message *message,
        struct nj_sn_event *event, int64_t now_ms)
{
    /* One that was not sent since is not answered, but by an answer that comes late or is false;
     * one that waits has been answered. */
    if (sn->congested)
        return false;
    if (message->type == MQTTSN_REGACK)
        return take_regack(sn, message->body, event, now_ms);
    if (message->type == MQTTSN_PUBACK)
        return take_puback(sn, message->body, event, now_ms);
    if (message->type == MQTTSN_SUBACK)
        return take_suback(sn, message->body, event, now_ms);
    if (message->type == MQTTSN_UNSUBACK)
        return take_unsuback(sn, message->body, event, now_ms);
    if (message->type == MQTTSN_WILLTOPICRESP)
        return take_willresp(sn, MQTTSN_WILLTOPICUPD, message->body, event, now_ms);
    if (message->type == MQTTSN_WILLMSGRESP)
        return take_willresp(sn, MQTTSN_WILLMSGUPD, message->body, event, now_ms);
    return take_pubrec(sn, message->type, message->body, event, now_ms);
}
