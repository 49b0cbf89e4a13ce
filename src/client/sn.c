/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sn_state.h"

#include "base/random.h"
#include "mqtt/utf8.h"
#include "mqttsn/connack.h"
#include "mqttsn/connect.h"
#include "mqttsn/disconnect.h"
#include "mqttsn/encapsulation.h"
#include "mqttsn/pingreq.h"
#include "mqttsn/pingresp.h"
#include "mqttsn/topic.h"

#include <assert.h>

/* What stands for a 0 in the setup. (Source: MQTT-SN 1.2 §7.2, [SN-7.2-1]) */
enum {
    RETRY_MS = 10000,
    RETRIES = 3,
    WAIT_MS = 300000,
    SEARCH_MS = 5000,
    GATEWAY_INFO_MS = 5000,
    MISSED_MAX = 3,
};

enum {
    CONNECT_FIXED_SIZE = 4, /* bytes of the body before the client id */
    WILL_FIXED_SIZE = 1,
    PING_PERMILLE =
            750, /* of the keep alive: when there is a PINGREQ, so that it may be repeated */
    PING_AGAIN_PERMILLE = 250,
};

void nj_sn_init(struct nj_sn *sn, const struct nj_sn_setup *setup)
{
    assert(setup->out_size >= NJ_SN_OUT_MIN);
    assert(setup->known_count < SN_NO_NAME);
    *sn = (struct nj_sn){ .setup = *setup,
        .name = SN_NO_NAME,
        .random = setup->seed,
        .request_ms = INT64_MAX,
        .search_ms = INT64_MAX,
        .info_ms = INT64_MAX };
    if (setup->retry_ms == 0)
        sn->setup.retry_ms = RETRY_MS;
    if (setup->retries == 0)
        sn->setup.retries = RETRIES;
    if (setup->wait_ms == 0)
        sn->setup.wait_ms = WAIT_MS;
    if (setup->search_ms == 0)
        sn->setup.search_ms = SEARCH_MS;
    if (setup->gateway_info_ms == 0)
        sn->setup.gateway_info_ms = GATEWAY_INFO_MS;
    if (setup->missed_max == 0)
        sn->setup.missed_max = MISSED_MAX;
}

uint32_t sn_random_ms(struct nj_sn *sn, uint32_t most_ms)
{
    struct random random = { sn->random };
    uint32_t drawn = (uint32_t)(random_next(&random) % ((uint64_t)most_ms + 1));

    sn->random = random.state;
    return drawn;
}

enum nj_error nj_sn_use_gateway(struct nj_sn *sn, struct nj_bytes address)
{
    if (address.size > NJ_SN_ADDRESS_MAX)
        return NJ_INVALID;
    if (sn->state != SN_IDLE) /* [SN-6.1-3] */
        return NJ_LATER;
    if (address.size > 0)
        memcpy(sn->gateway, address.data, address.size);
    sn->gateway_size = (uint8_t)address.size;
    return NJ_OK;
}

/* ---- The beginning of a connection ---- */

static bool connect_valid(const struct nj_sn_connect_options *options)
{
    struct bytes client_id = sn_bytes_in(options->client_id);

    return mqtt_utf8_valid(client_id) && (client_id.size > 0 || options->clean_session) &&
            options->will_qos <= 2 &&
            (options->will_topic.size == 0 ||
                    mqttsn_topic_name_valid(sn_bytes_in(options->will_topic)));
}

/* Whether each message of the beginning fits, behind what is kept. */
static bool connect_fits(struct nj_sn *sn, const struct nj_sn_connect_options *options)
{
    size_t room = sn_room(sn).size;

    return mqttsn_message_size(CONNECT_FIXED_SIZE + options->client_id.size) <= room &&
            mqttsn_message_size(WILL_FIXED_SIZE + options->will_topic.size) <= room &&
            mqttsn_message_size(options->will_message.size) <= room;
}

/* What belongs to one connection is over; what is kept may go on in another. */
static void end_connection(struct nj_sn *sn)
{
    if (sn->kept && sn->kept_qos <= 0)
        sn_drop_kept(sn);
    sn_end_request(sn);
    sn->state = SN_IDLE;
    sn->pending = 0;
    sn->pings = 0;
}

static void begin_connection(struct nj_sn *sn, bool has_will, bool clean_session, int64_t now_ms)
{
    const struct mqttsn_connect connect = { .clean_session = clean_session,
        .has_will = has_will,
        .keepalive_s = sn->options.keep_alive_s,
        .client_id = sn_bytes_in(sn->options.client_id) };
    struct writer out;

    end_connection(sn);
    sn->due = SN_DUE_NONE;
    sn->datagram = nj_bytes_of(NULL, 0);
    sn->note.size = 0;
    sn->has_will = has_will;
    sn_known_forget_ids(sn); /* A gateway that was started anew may give them to other names. */
    out = sn_room(sn);
    mqttsn_connect_encode(&out, &connect);
    sn->state = SN_CONNECTING;
    sn_put(sn, MQTTSN_CONNECT, &out, now_ms);
}

static void drop_session(struct nj_sn *sn)
{
    sn_drop_kept(sn);
    for (uint16_t i = 0; i < sn->setup.held_count; i++)
        sn->setup.held[i] = 0;
    sn->late_over = sn->late_last = sn->late_rises = 0;
}

enum nj_error nj_sn_connect(
        struct nj_sn *sn, const struct nj_sn_connect_options *options, int64_t now_ms)
{
    if (!connect_valid(options))
        return NJ_INVALID;
    if (!connect_fits(sn, options))
        return NJ_TOO_LARGE;
    if (options->clean_session)
        drop_session(sn);
    sn->options = *options;
    begin_connection(sn, options->will_topic.size > 0, options->clean_session, now_ms);
    return NJ_OK;
}

enum nj_error nj_sn_resume(struct nj_sn *sn, int64_t now_ms)
{
    if (sn->state != SN_ACTIVE && sn->state != SN_ASLEEP && sn->state != SN_AWAKE)
        return NJ_NOT_CONNECTED;
    if (sn->options.client_id.size == 0)
        return NJ_INVALID;
    if (sn->state != SN_AWAKE && sn->request != 0)
        return NJ_LATER;
    begin_connection(sn, false, false, now_ms);
    return NJ_OK;
}

static bool take_connack(struct nj_sn *sn, struct bytes body, struct nj_sn_event *event)
{
    struct mqttsn_connack connack;

    if (mqttsn_connack_decode(&connack, body) != MQTT_SUCCESS)
        return false;
    sn_end_request(sn);
    sn->state = connack.code == MQTTSN_ACCEPTED ? SN_ACTIVE : SN_IDLE;
    event->kind = connack.code == MQTTSN_ACCEPTED ? NJ_SN_EVENT_CONNECTED : NJ_SN_EVENT_REFUSED;
    event->code = (uint8_t)connack.code;
    event->has_kept = sn->kept;
    return true;
}

/* CONNACK, WILLTOPICREQ, WILLMSGREQ. */
static bool take_connecting(struct nj_sn *sn, const struct mqttsn_message *message,
        struct nj_sn_event *event, int64_t now_ms)
{
    if (message->type == MQTTSN_CONNACK)
        return take_connack(sn, message->body, event);
    if (!sn->has_will || mqttsn_pingresp_decode(message->body) != MQTT_SUCCESS)
        return false;
    if (message->type == MQTTSN_WILLTOPICREQ)
        sn_put_willtopic(sn, now_ms);
    else
        sn_put_willmsg(sn, now_ms);
    return false;
}

/* ---- Sleep, and the end ---- */

static enum nj_error put_disconnect(
        struct nj_sn *sn, bool sleeps, uint16_t duration_s, int64_t now_ms)
{
    const struct mqttsn_disconnect disconnect = { .has_duration = sleeps,
        .duration_s = duration_s };
    struct writer out = sn_room(sn);

    if (sn->state != SN_ACTIVE && sn->state != SN_ASLEEP)
        return sn->state == SN_AWAKE ? NJ_LATER : NJ_NOT_CONNECTED;
    if (sn->request != 0 || sn->kept || sn->due != SN_DUE_NONE)
        return NJ_LATER;
    mqttsn_disconnect_encode(&out, &disconnect);
    sn->sleeps = sleeps;
    sn_put(sn, MQTTSN_DISCONNECT, &out, now_ms);
    return NJ_OK;
}

enum nj_error nj_sn_sleep(struct nj_sn *sn, uint16_t duration_s, int64_t now_ms)
{
    if (duration_s == 0 || (sn->state != SN_IDLE && sn->options.client_id.size == 0))
        return NJ_INVALID;
    return put_disconnect(sn, true, duration_s, now_ms);
}

enum nj_error nj_sn_disconnect(struct nj_sn *sn, int64_t now_ms)
{
    return put_disconnect(sn, false, 0, now_ms);
}

enum nj_error nj_sn_wake(struct nj_sn *sn, int64_t now_ms)
{
    struct writer out = sn_room(sn);

    if (sn->state == SN_AWAKE || sn->request != 0 || sn->due != SN_DUE_NONE)
        return NJ_LATER;
    if (sn->state != SN_ASLEEP)
        return NJ_NOT_CONNECTED;
    mqttsn_pingreq_encode(
            &out, &(struct mqttsn_pingreq){ .client_id = sn_bytes_in(sn->options.client_id) });
    if (out.failed)
        return NJ_TOO_LARGE;
    sn->state = SN_AWAKE;
    sn_put(sn, MQTTSN_PINGREQ, &out, now_ms);
    return NJ_OK;
}

void nj_sn_give_up(struct nj_sn *sn)
{
    sn_drop_kept(sn);
    sn_end_request(sn);
    if (sn->due == SN_DUE_DONE)
        sn->due = SN_DUE_NONE;
    if (sn->state == SN_CONNECTING)
        sn->state = SN_IDLE;
    if (sn->state == SN_AWAKE)
        sn->state = SN_ASLEEP;
}

static bool take_disconnect(struct nj_sn *sn, struct bytes body, struct nj_sn_event *event)
{
    struct mqttsn_disconnect disconnect;

    if (mqttsn_disconnect_decode(&disconnect, body, MQTT_FROM_SERVER) != MQTT_SUCCESS)
        return false;
    if (sn->request == MQTTSN_DISCONNECT && sn->sleeps) {
        sn_end_request(sn);
        sn->state = SN_ASLEEP;
        event->kind = NJ_SN_EVENT_ASLEEP;
        return true;
    }
    /* To one who sleeps nothing is said: it is a late copy of the answer that let it sleep. */
    if (sn->state == SN_ASLEEP && sn->request == 0)
        return false;
    event->by_gateway = sn->request != MQTTSN_DISCONNECT;
    end_connection(sn);
    event->kind = NJ_SN_EVENT_ENDED;
    event->has_kept = sn->kept;
    return true;
}

/* ---- Pings ---- */

static bool take_pingreq(struct nj_sn *sn, struct bytes body)
{
    struct mqttsn_pingreq ping;
    struct writer out = sn_note(sn);

    if (mqttsn_pingreq_decode(&ping, body, MQTT_FROM_SERVER) != MQTT_SUCCESS)
        return false;
    mqttsn_pingresp_encode(&out, MQTTSN_PINGRESP);
    sn_noted(sn, &out, false);
    return false;
}

static bool take_pingresp(struct nj_sn *sn, struct bytes body, struct nj_sn_event *event)
{
    if (mqttsn_pingresp_decode(body) != MQTT_SUCCESS || sn->state != SN_AWAKE)
        return false;
    sn_end_request(sn);
    sn->state = SN_ASLEEP;
    event->kind = NJ_SN_EVENT_ASLEEP;
    return true;
}

/*
 * When the gateway is to be asked for a sign of life; INT64_MAX: not at all. A request that is
 * repeated asks for one as well. A gateway that gives none is asked also where we have sent much.
 */
static int64_t ping_due_ms(const struct nj_sn *sn)
{
    int64_t keep_alive_ms = (int64_t)sn->options.keep_alive_s * 1000;
    int64_t again_ms = keep_alive_ms * PING_AGAIN_PERMILLE / 1000;
    bool is_asking = sn->request != 0 && !sn->congested;

    if (sn->state != SN_ACTIVE || keep_alive_ms == 0 || is_asking)
        return INT64_MAX;
    if (sn->pings > 0)
        return sn->ping_ms + (again_ms < sn->setup.retry_ms ? again_ms : sn->setup.retry_ms);
    return (sn->sent_ms < sn->heard_ms ? sn->sent_ms : sn->heard_ms) +
            keep_alive_ms * PING_PERMILLE / 1000;
}

/* ---- Input ---- */

/* States as a set. */
enum states {
    CONNECTING = 1 << SN_CONNECTING,
    ACTIVE = 1 << SN_ACTIVE,
    ASLEEP = 1 << SN_ASLEEP,
    AWAKE = 1 << SN_AWAKE,
    LISTENING = ACTIVE | ASLEEP | AWAKE,
};

/* The states in which each type means something; of those that are not named, in none. */
static const uint8_t states_of_types[] = {
    [MQTTSN_CONNACK] = CONNECTING,
    [MQTTSN_WILLTOPICREQ] = CONNECTING,
    [MQTTSN_WILLMSGREQ] = CONNECTING,
    [MQTTSN_REGISTER] = LISTENING,
    [MQTTSN_REGACK] = ACTIVE,
    [MQTTSN_PUBLISH] = LISTENING,
    [MQTTSN_PUBACK] = ACTIVE,
    [MQTTSN_PUBCOMP] = ACTIVE,
    [MQTTSN_PUBREC] = ACTIVE,
    [MQTTSN_PUBREL] = LISTENING,
    [MQTTSN_SUBACK] = ACTIVE,
    [MQTTSN_UNSUBACK] = ACTIVE,
    [MQTTSN_PINGREQ] = LISTENING,
    [MQTTSN_PINGRESP] = ACTIVE | AWAKE,
    [MQTTSN_DISCONNECT] = LISTENING,
    [MQTTSN_WILLTOPICRESP] = ACTIVE,
    [MQTTSN_WILLMSGRESP] = ACTIVE,
};

static bool is_broadcast(enum mqttsn_type type)
{
    return type == MQTTSN_ADVERTISE || type == MQTTSN_SEARCHGW || type == MQTTSN_GWINFO;
}

static bool take_by_type(struct nj_sn *sn, const struct mqttsn_message *message,
        struct nj_sn_event *event, int64_t now_ms)
{
    if (sn->state == SN_CONNECTING)
        return take_connecting(sn, message, event, now_ms);
    if (message->type == MQTTSN_PUBLISH || message->type == MQTTSN_PUBREL ||
            message->type == MQTTSN_REGISTER)
        return sn_take_message(sn, message, event);
    if (message->type == MQTTSN_PINGREQ)
        return take_pingreq(sn, message->body);
    if (message->type == MQTTSN_PINGRESP)
        return take_pingresp(sn, message->body, event);
    if (message->type == MQTTSN_DISCONNECT)
        return take_disconnect(sn, message->body, event);
    return sn_take_answer(sn, message, event, now_ms);
}

static bool take(struct nj_sn *sn, struct bytes datagram, struct nj_sn_event *event, int64_t now_ms)
{
    struct mqttsn_message message;

    if (!mqttsn_message_read(&message, datagram, MQTT_FROM_SERVER))
        return false;
    if (is_broadcast(message.type))
        return sn_take_broadcast(sn, &message, event, now_ms);
    if (!bytes_equal(sn_bytes_in(sn->sender), bytes_of(sn->gateway, sn->gateway_size)))
        return false; /* [SN-6.11-3] */
    if (!(states_of_types[message.type] >> sn->state & 1))
        return false;
    sn->heard_ms = now_ms;
    sn->pings = 0;
    if (sn->state == SN_AWAKE) { /* There may be more to come. [SN-6.14-8] */
        sn->tries = 0;
        sn->request_ms = now_ms + sn->setup.retry_ms;
    }
    return take_by_type(sn, &message, event, now_ms);
}

void nj_sn_receive(struct nj_sn *sn, struct nj_bytes sender, struct nj_bytes datagram)
{
    sn->sender = sender;
    sn->datagram = datagram;
}

/* What time has brought, or the sending. */
static bool tell_due(struct nj_sn *sn, struct nj_sn_event *event, int64_t now_ms)
{
    static const enum nj_sn_event_kind kinds[] = {
        [SN_DUE_DONE] = NJ_SN_EVENT_DONE,
        [SN_DUE_LOST] = NJ_SN_EVENT_LOST,
        [SN_DUE_ASLEEP] = NJ_SN_EVENT_ASLEEP,
    };

    if (sn->due == SN_DUE_NONE)
        return sn_gateway_gone(sn, event, now_ms);
    event->kind = kinds[sn->due];
    event->unanswered = sn->due == SN_DUE_ASLEEP;
    event->has_kept = sn->kept;
    sn->due = SN_DUE_NONE;
    return true;
}

bool nj_sn_next(struct nj_sn *sn, struct nj_sn_event *event, int64_t now_ms)
{
    struct bytes datagram = sn_bytes_in(sn->datagram);

    *event = (struct nj_sn_event){ .kind = NJ_SN_EVENT_DONE };
    if (sn->pending != 0 && !sn_has_note(sn))
        sn_answer_message(sn);
    if (tell_due(sn, event, now_ms))
        return true;
    if (sn->state == SN_ACTIVE && sn->kept && sn->request == 0)
        sn_send_kept(sn, now_ms);
    sn->datagram = nj_bytes_of(NULL, 0);
    return datagram.size > 0 && sn->pending == 0 && !sn_has_note(sn) &&
            take(sn, datagram, event, now_ms);
}

/* ---- Output ---- */

bool nj_sn_output(const struct nj_sn *sn, struct nj_sn_datagram *out)
{
    bool is_kept = sn->request == MQTTSN_PUBLISH;

    out->to = nj_bytes_of(sn->gateway, sn->gateway_size);
    out->broadcast = false;
    out->radius = 0;
    if (sn_has_note(sn)) {
        out->data = nj_bytes_of(sn->note.data, sn->note.size);
        out->broadcast = sn->note.broadcast;
        out->radius = sn->note.broadcast ? sn->radius : 0;
        return true;
    }
    out->data = is_kept ? nj_bytes_of(sn->setup.out, sn->kept_size)
                        : nj_bytes_of(sn->setup.out + sn->kept_size, sn->out_used - sn->kept_size);
    return sn->to_send;
}

void nj_sn_sent(struct nj_sn *sn)
{
    if (sn_has_note(sn)) {
        sn->note.size = 0;
        return;
    }
    sn->to_send = false;
    if (sn->request == MQTTSN_PUBLISH && sn->kept_qos <= 0) {
        sn_drop_kept(sn);
        sn_end_request(sn);
        sn->due = SN_DUE_DONE;
    }
}

/* ---- Time ---- */

int64_t nj_sn_due_ms(const struct nj_sn *sn)
{
    int64_t due_ms = sn_gateways_due_ms(sn);
    int64_t ping_ms = ping_due_ms(sn);

    if (sn->request_ms < due_ms)
        due_ms = sn->request_ms;
    return ping_ms < due_ms ? ping_ms : due_ms;
}

/* The gateway does not answer. */
static void lose(struct nj_sn *sn)
{
    end_connection(sn);
    sn->due = SN_DUE_LOST;
}

static void ping(struct nj_sn *sn, int64_t now_ms)
{
    struct writer out = sn_note(sn);

    if (sn_has_note(sn))
        return;
    if (sn->pings > sn->setup.retries) {
        lose(sn);
        return;
    }
    mqttsn_pingreq_encode(&out, &(struct mqttsn_pingreq){ .client_id = BYTES("") });
    sn_noted(sn, &out, false);
    sn->pings++;
    sn->ping_ms = sn->sent_ms = now_ms;
}

void nj_sn_tick(struct nj_sn *sn, int64_t now_ms)
{
    if (sn->request_ms <= now_ms && !sn_repeat(sn, now_ms)) {
        if (sn->state == SN_AWAKE) {
            sn_end_request(sn);
            sn->state = SN_ASLEEP;
            sn->due = SN_DUE_ASLEEP;
        } else {
            lose(sn);
        }
    }
    if (ping_due_ms(sn) <= now_ms)
        ping(sn, now_ms);
    sn_gateways_tick(sn, now_ms);
}

/* ---- Forwarders, and words ---- */

size_t nj_sn_wrap(void *memory, size_t size, struct nj_bytes node_id, uint8_t radius)
{
    struct writer out = { .data = memory, .size = size };

    mqttsn_encapsulation_head_encode(&out,
            &(struct mqttsn_encapsulation){ .radius = radius, .node_id = sn_bytes_in(node_id) });
    return out.failed ? 0 : out.used;
}

bool nj_sn_unwrap(struct nj_bytes *datagram, struct nj_bytes node_id)
{
    struct mqttsn_encapsulation frame;

    if (mqttsn_encapsulation_decode(&frame, sn_bytes_in(*datagram)) != MQTT_SUCCESS ||
            !bytes_equal(frame.node_id, sn_bytes_in(node_id)))
        return false;
    *datagram = sn_bytes_out(frame.inner);
    return true;
}

const char *nj_sn_code_text(unsigned code)
{
    static const char *const texts[] = {
        [NJ_SN_ACCEPTED] = "Accepted",
        [NJ_SN_CONGESTION] = "The gateway has too much to do now",
        [NJ_SN_INVALID_TOPIC_ID] = "The gateway does not know that topic id",
        [NJ_SN_NOT_SUPPORTED] = "The gateway does not allow it",
    };

    return code < sizeof(texts) / sizeof(texts[0]) ? texts[code]
                                                   : "The gateway refuses, with a code that "
                                                     "MQTT-SN does not know";
}
