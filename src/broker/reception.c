/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/reception.h"

#include "base/map.h"
#include "broker/arrivals.h"
#include "broker/herald.h"
#include "broker/sensors.h"
#include "broker/traffic.h"
#include "broker/untold.h"
#include "gateway/stranger.h"
#include "mqttsn/encapsulation.h"
#include "mqttsn2/envelope.h"
#include "net/datagrams.h"
#include "net/dtls_cookie.h"

#include <errno.h>
#include <stdatomic.h>

enum {
    DROPS_TOLD_EVERY_MS = 10000,
    VOICE_EVERY_MS = 10000,
    SECOND_MS = 1000,
};

/* By which limit a datagram is thrown away. */
enum drop { DROP_CARRIED, DROP_ANSWERS, DROP_UNREAD, DROP_SHORT_MEMORY, DROPS };

/* Why one is that is not what its listener is for. */
enum misfit { MISFIT_CLEAR, MISFIT_DTLS, MISFIT_FORWARDED, MISFIT_DRAFT, MISFITS };

struct reception {
    struct map table; /* of sensors whose ear this shard is */
    struct hash_key key;
    uint8_t gateway_id;
    struct sensor *voices[CONFIG_LISTENERS_MAX];  /* the listeners' own connections; NULL: none */
    int64_t voice_again_ms[CONFIG_LISTENERS_MAX]; /* one that is refused does not try for each */
    _Atomic uint32_t carried; /* datagrams on their way here; relaxed, it orders nothing */
    int64_t answers_since_ms;
    unsigned answers;
    struct dtls_cookies cookies;
    struct untold drops[DROPS];
    struct untold misfits[MISFITS];
    struct untold unknown; /* messages by DTLS that belong to no association */
};

/* ---- Telling ---- */

static void tell_drop(struct shard *shard, enum drop drop)
{
    static const char *const names[] = {
        [DROP_CARRIED] = "carried_datagrams",
        [DROP_ANSWERS] = "answers_to_strangers",
        [DROP_UNREAD] = "unread_datagrams",
        [DROP_SHORT_MEMORY] = "memory",
    };
    uint32_t count = untold_count(
            &sensors_reception(shard)->drops[drop], shard->now_ms, DROPS_TOLD_EVERY_MS);

    counter_add(&shard->sn[SN_DROPPED_DATAGRAMS], 1);
    if (count > 0)
        journal_tell(&shard->journal, EVENT_WARN, "datagrams.dropped",
                field_text("limit", names[drop]), field_number("datagrams", count));
}

static void tell_misfit(struct shard *shard, const struct sensor_place *place, enum misfit misfit)
{
    static const char *const reasons[] = {
        [MISFIT_CLEAR] = "not_dtls",
        [MISFIT_DTLS] = "dtls",
        [MISFIT_FORWARDED] = "forwarded",
        [MISFIT_DRAFT] = "mqttsn_2_0",
    };
    uint32_t count = untold_count(
            &sensors_reception(shard)->misfits[misfit], shard->now_ms, DROPS_TOLD_EVERY_MS);
    char address[ADDRESS_TEXT_SIZE];

    counter_add(&shard->sn[SN_REFUSED_DATAGRAMS], 1);
    if (count > 0)
        journal_tell(&shard->journal, EVENT_WARN, "datagrams.refused",
                field_text("peer", address_format(&place->address, address)),
                field_number("port", shard->listeners[place->entrance].port),
                field_text("reason", reasons[misfit]), field_number("datagrams", count));
}

static void tell_unknown(struct shard *shard, const struct sensor_place *place)
{
    uint32_t count =
            untold_count(&sensors_reception(shard)->unknown, shard->now_ms, DROPS_TOLD_EVERY_MS);
    char address[ADDRESS_TEXT_SIZE];

    counter_add(&shard->sn[SN_UNKNOWN_DATAGRAMS], 1);
    if (count > 0)
        journal_tell(&shard->journal, EVENT_INFO, "association.unknown",
                field_text("peer", address_format(&place->address, address)),
                field_number("port", shard->listeners[place->entrance].port),
                field_number("datagrams", count));
}

/* ---- Between ear and home ---- */

static void receive(struct shard *shard, const struct sensor_place *place, struct bytes datagram);
static void hear(struct shard *shard, struct sensor *sensor, struct bytes datagram);
static void begin_anew(struct shard *shard, const struct sensor_place *place,
        struct secured *secured, struct bytes message);

/* A datagram that its ear carries to its home; or that its home has to give back to its ear, as
 * from a stranger, or as what begins anew. */
struct carrier {
    struct errand errand;
    struct shard *to;
    struct sensor *sensor;   /* NULL: it is a stranger's */
    struct secured *secured; /* that the stranger speaks by; it is the carrier's */
    struct sensor_place place;
    size_t size; /* of the datagram, which lies behind this; then the node id */
};

static uint8_t *carrier_data(struct carrier *carrier)
{
    return (uint8_t *)(carrier + 1);
}

static void carry(struct shard *from, const struct carrier *what, struct bytes datagram);

/* What has come for a sensor that is there no more. */
static void return_datagram(struct shard *shard, const struct sensor *sensor, struct bytes datagram)
{
    carry(shard, &(struct carrier){ .to = sensor_ear(sensor), .place = sensor_place(sensor) },
            datagram);
}

static enum errand_state arrive(struct errand *errand, struct shard *shard)
{
    struct carrier *carrier = container_of(errand, struct carrier, errand);
    struct bytes datagram = bytes_of(carrier_data(carrier), carrier->size);
    struct sensor *sensor = carrier->sensor;
    struct secured *secured = carrier->secured;

    atomic_fetch_sub_explicit(&sensors_reception(shard)->carried, 1, memory_order_relaxed);
    carrier->secured = NULL;
    if (secured)
        begin_anew(shard, &carrier->place, secured, datagram);
    else if (!sensor)
        receive(shard, &carrier->place, datagram);
    else if (sensor_home(sensor) == shard && !sensor->closed)
        hear(shard, sensor, datagram);
    else if (sensor_home(sensor) == shard) /* Its ear has been told before this comes there. */
        return_datagram(shard, sensor, datagram);
    return ERRAND_DONE;
}

static void free_carrier(struct errand *errand)
{
    struct carrier *carrier = container_of(errand, struct carrier, errand);

    secured_free(carrier->secured, &carrier->to->memory);
    memory_give(&carrier->to->memory, carrier,
            sizeof(*carrier) + carrier->size + carrier->place.node_id.size);
}

/* Makes one that carries the datagram. NULL when it must not be carried, which is told. */
static struct carrier *make_carrier(
        struct shard *from, const struct carrier *what, struct bytes datagram)
{
    size_t size = sizeof(struct carrier) + datagram.size + what->place.node_id.size;
    _Atomic uint32_t *carried = &sensors_reception(what->to)->carried;
    struct carrier *carrier = NULL;

    if (atomic_fetch_add_explicit(carried, 1, memory_order_relaxed) >= RECEPTION_CARRIED_MAX)
        tell_drop(from, DROP_CARRIED);
    else if (!(carrier = memory_take(&from->memory, size)))
        tell_drop(from, DROP_SHORT_MEMORY);
    if (!carrier)
        atomic_fetch_sub_explicit(carried, 1, memory_order_relaxed);
    return carrier;
}

/* Sends a datagram to another shard: for the sensor, or for a stranger at that place. It takes
 * what->secured. */
static void carry(struct shard *from, const struct carrier *what, struct bytes datagram)
{
    struct carrier *carrier = make_carrier(from, what, datagram);
    struct bytes node_id = what->place.node_id;

    if (!carrier) {
        secured_free(what->secured, &from->memory);
        return;
    }
    *carrier = *what;
    carrier->errand = (struct errand){ .run = arrive, .done = free_carrier };
    carrier->size = datagram.size;
    memcpy(carrier_data(carrier), datagram.data, datagram.size);
    if (node_id.size > 0)
        memcpy(carrier_data(carrier) + datagram.size, node_id.data, node_id.size);
    carrier->place.node_id = bytes_of(carrier_data(carrier) + datagram.size, node_id.size);
    shard_ask(what->to, &carrier->errand);
}

/* A message by which a client begins anew goes to its ear again, behind the parting, and takes its
 * DTLS along. The sensor may be gone afterwards. */
static void give_back(struct shard *shard, struct sensor *sensor, struct bytes message)
{
    struct carrier what = { .to = sensor_ear(sensor), .place = sensor_place(sensor) };
    uint8_t node_id[SENSOR_NODE_MAX];
    bool is_secured = sensor->secured != NULL;

    if (what.place.node_id.size > 0)
        memcpy(node_id, what.place.node_id.data, what.place.node_id.size);
    what.place.node_id.data = node_id;
    if (is_secured)
        what.secured = secured_hand_on(sensor->secured, &shard->memory);
    sensors_part(sensor);
    sensors_stir(shard, sensor);
    if (is_secured && !what.secured)
        tell_drop(shard, DROP_SHORT_MEMORY);
    else if (what.to != shard)
        carry(shard, &what, message);
    else if (is_secured)
        begin_anew(shard, &what.place, what.secured, message);
    else
        receive(shard, &what.place, message);
}

/* ---- By DTLS ---- */

static void welcome(struct shard *shard, struct sensor *sensor, struct bytes message);

/* A message of one that has not connected. What it says may be for another to pass on, who comes
 * for that: then it may have to make room itself. False: it has, and may be gone. */
static bool hear_new(struct shard *shard, struct sensor *sensor, struct bytes message)
{
    bool stays;

    sensor->is_heard = true;
    welcome(shard, sensor, message);
    sensor->is_heard = false;
    stays = !sensor->closed;
    sensors_free_if_alone(sensor, &shard->memory);
    return stays;
}

/* A message that has come by DTLS. False: it begins anew, or is at its end, and the sensor may be
 * gone. */
static bool hear_message(struct shard *shard, struct sensor *sensor, struct bytes message)
{
    if (gateway_client_phase(&sensor->client) == GATEWAY_NEW)
        return hear_new(shard, sensor, message);
    if (!gateway_client_is_over(&sensor->client) &&
            gateway_client_receive(&sensor->client, message, shard->now_ms))
        return true;
    give_back(shard, sensor, message);
    return false;
}

/* Opens a datagram; an empty one: what lies inside. False as above. */
static bool open_datagram(struct shard *shard, struct sensor *sensor, struct bytes datagram)
{
    uint8_t message[DTLS_MESSAGE_SIZE_MAX];
    size_t size;

    if (sensor->secured->dtls)
        dtls_receive(sensor->secured->dtls, datagram);
    while ((size = secured_read(sensor->secured, message, shard->now_ms)) > 0) {
        if (!hear_message(shard, sensor, bytes_of(message, size)))
            return false;
    }
    return true;
}

/* Its first turn: the hello is the first of those that wait. */
static void begin(struct shard *shard, struct sensor *sensor, struct bytes hello)
{
    secured_begin(sensor->secured, shard->credentials->listeners[sensor_place(sensor).entrance],
            &(struct dtls_options){ .port = sensor_port(sensor),
                    .hello = hello,
                    .mtu = shard->config->sn.dtls_mtu });
}

/* Opens what was kept. False as above. */
static bool open_unread(struct shard *shard, struct sensor *sensor)
{
    struct buffer kept = sensor->secured->unread;
    struct bytes rest = buffer_bytes(&kept);
    bool stays = true;

    sensor->secured->unread = (struct buffer){ 0 };
    if (!sensor->secured->dtls) {
        begin(shard, sensor, secured_next(&rest));
        stays = open_datagram(shard, sensor, (struct bytes){ 0 });
    }
    while (stays && rest.size > 0)
        stays = open_datagram(shard, sensor, secured_next(&rest));
    buffer_reset(&kept, &shard->memory);
    return stays;
}

void reception_take_turn(struct shard *shard, struct link *link)
{
    struct sensor *sensor = sensor_of(link->stream);

    if (sensor && sensor->secured && sensor->secured->unread.size > 0 && open_unread(shard, sensor))
        sensor_arm(sensor);
}

/* It cannot be kept. */
static void drop_unread(struct shard *shard, const struct secured *secured, struct bytes datagram)
{
    tell_drop(shard, secured_is_full(secured, datagram) ? DROP_UNREAD : DROP_SHORT_MEMORY);
}

/* At its home. */
static void hear_secured(struct shard *shard, struct sensor *sensor, struct bytes datagram)
{
    struct secured *secured = sensor->secured;
    bool waits = !sensor->link || sensor->link->newcomer || secured->unread.size > 0;
    struct sensor_place place = sensor_place(sensor);

    if (secured->gone && sensor_ear(sensor) == shard)
        receive(shard, &place, datagram);
    else if (secured->gone) /* It has begun anew, and its ear knows. */
        return_datagram(shard, sensor, datagram);
    else if (waits && !secured_keep(secured, &shard->memory, datagram))
        drop_unread(shard, secured, datagram);
    else if (waits || open_datagram(shard, sensor, datagram))
        sensors_stir(shard, sensor);
}

/* At its home. */
static void hear(struct shard *shard, struct sensor *sensor, struct bytes datagram)
{
    if (sensor->secured)
        hear_secured(shard, sensor, datagram);
    else if (!gateway_client_is_over(&sensor->client) &&
            gateway_client_receive(&sensor->client, datagram, shard->now_ms))
        sensors_stir(shard, sensor);
    else
        give_back(shard, sensor, datagram);
}

/* ---- Strangers ---- */

bool reception_may_answer(struct shard *shard)
{
    struct reception *reception = sensors_reception(shard);

    if (shard->now_ms >= reception->answers_since_ms + SECOND_MS) {
        reception->answers_since_ms = shard->now_ms;
        reception->answers = 0;
    }
    if (reception->answers < RECEPTION_ANSWERS_MAX) {
        reception->answers++;
        return true;
    }
    tell_drop(shard, DROP_ANSWERS);
    return false;
}

static void put_off(struct shard *shard, const struct sensor_place *place, struct bytes connect)
{
    uint8_t data[GATEWAY_ANSWER_SIZE_MAX];
    struct writer answer = { .data = data, .size = sizeof(data) };

    gateway_put_off(&answer, connect);
    if (reception_may_answer(shard))
        sensors_send(shard, place, writer_written(&answer));
}

static bool speaks_draft(const struct shard *shard, const struct sensor_place *place)
{
    return shard->config->listeners[place->entrance].sn_draft;
}

/* A client at that place, with a link that has heard nothing. It takes its DTLS. NULL where none
 * may come. */
static struct sensor *bring_secured(
        struct shard *shard, const struct sensor_place *place, struct secured *secured)
{
    struct reception *reception = sensors_reception(shard);
    struct entrance *entrance = &shard->group->entrances[place->entrance];
    uint8_t key[SENSOR_KEY_SIZE_MAX];
    struct bytes key_bytes = bytes_of(key, sensor_key(place, key));
    struct sensor *sensor = sensor_new(shard, key_bytes);
    struct link *link;

    if (!sensor) {
        secured_free(secured, &shard->memory);
        return NULL;
    }
    sensor->secured = secured;
    sensor->client.may_draft = speaks_draft(shard, place);
    if (!map_add(&reception->table, &shard->memory, hash_bytes(&reception->key, key_bytes),
                sensor)) {
        sensor_free(sensor, &shard->memory);
        return NULL;
    }
    link = arrivals_bring(
            shard, entrance, &sensor->stream, &place->address, secured ? LINK_DTLS_KIB : 0);
    if (!link)
        return NULL; /* The stream is closed, and so the sensor is gone. */
    sensor->link = link;
    return sensor;
}

static struct sensor *bring(struct shard *shard, const struct sensor_place *place)
{
    return bring_secured(shard, place, NULL);
}

static void let_join(struct shard *shard, const struct sensor_place *place, struct bytes datagram)
{
    struct sensor *sensor = bring(shard, place);

    if (!sensor) {
        put_off(shard, place, datagram);
        return;
    }
    gateway_client_receive(&sensor->client, datagram, shard->now_ms);
    sensors_stir(shard, sensor);
}

/* The listener's own connection says it, whose client takes the datagram by that; an id that the
 * server gives it is at home here. */
static void let_speak(struct shard *shard, uint8_t entrance, struct bytes datagram, bool is_draft)
{
    static const uint8_t connect[] = { 6, MQTTSN_CONNECT, 0x04, 0x01, 0, 0 };
    struct sensor **voice = &sensors_reception(shard)->voices[entrance];
    int64_t *again_ms = &sensors_reception(shard)->voice_again_ms[entrance];

    if (!*voice && shard->now_ms < *again_ms)
        return;
    if (!*voice) {
        *again_ms = shard->now_ms + VOICE_EVERY_MS;
        *voice = bring(shard, &(struct sensor_place){ .entrance = entrance });
        if (!*voice)
            return;
        gateway_client_receive(
                &(*voice)->client, bytes_of(connect, sizeof(connect)), shard->now_ms);
    }
    if (is_draft)
        gateway_client_speak(&(*voice)->client, datagram);
    else
        gateway_client_receive(&(*voice)->client, datagram, shard->now_ms);
    sensors_stir(shard, *voice);
}

static void receive_stranger(
        struct shard *shard, const struct sensor_place *place, struct bytes datagram)
{
    uint8_t data[GATEWAY_ANSWER_SIZE_MAX];
    struct writer answer = { .data = data, .size = sizeof(data) };

    switch (gateway_judge_stranger(
            &answer, datagram, sensors_reception(shard)->gateway_id, speaks_draft(shard, place))) {
    case GATEWAY_IGNORED:
        break;
    case GATEWAY_REFUSES_DRAFT:
        tell_misfit(shard, place, MISFIT_DRAFT);
        /* fall through */
    case GATEWAY_ANSWERED:
        if (reception_may_answer(shard))
            sensors_send(shard, place, writer_written(&answer));
        break;
    case GATEWAY_JOINS_LARGE:
        if (!reception_may_answer(shard))
            break;
        /* fall through */
    case GATEWAY_JOINS:
        let_join(shard, place, datagram);
        break;
    case GATEWAY_SPEAKS:
        let_speak(shard, place->entrance, datagram, false);
        break;
    case GATEWAY_SPEAKS_DRAFT:
        let_speak(shard, place->entrance, datagram, true);
        break;
    }
}

/* What a sensor that has not connected yet says by DTLS. Its address is its own: what answers it
 * needs no limit. */
static void welcome(struct shard *shard, struct sensor *sensor, struct bytes message)
{
    uint8_t data[GATEWAY_ANSWER_SIZE_MAX];
    struct writer answer = { .data = data, .size = sizeof(data) };
    struct sensor_place place = sensor_place(sensor);
    struct mqttsn_encapsulation frame;

    /* What is behind a forwarder would all have the forwarder's name. */
    if (mqttsn_encapsulation_decode(&frame, message) == MQTT_SUCCESS) {
        tell_misfit(shard, &place, MISFIT_FORWARDED);
        return;
    }
    switch (gateway_judge_stranger(
            &answer, message, sensors_reception(shard)->gateway_id, speaks_draft(shard, &place))) {
    case GATEWAY_IGNORED:
        break;
    case GATEWAY_REFUSES_DRAFT:
        tell_misfit(shard, &place, MISFIT_DRAFT);
        /* fall through */
    case GATEWAY_ANSWERED:
        dtls_send(sensor->secured->dtls, writer_written(&answer));
        break;
    case GATEWAY_JOINS_LARGE:
    case GATEWAY_JOINS:
        gateway_client_receive(&sensor->client, message, shard->now_ms);
        break;
    case GATEWAY_SPEAKS:
        let_speak(shard, place.entrance, message, false);
        break;
    case GATEWAY_SPEAKS_DRAFT:
        let_speak(shard, place.entrance, message, true);
        break;
    }
}

static struct sensor *find_sensor(struct shard *shard, const struct sensor_place *place)
{
    struct reception *reception = sensors_reception(shard);
    uint8_t key[SENSOR_KEY_SIZE_MAX];
    struct bytes key_bytes = bytes_of(key, sensor_key(place, key));

    return map_find(&reception->table, hash_bytes(&reception->key, key_bytes), key_bytes);
}

/* At its ear, where the sensor's DTLS has come to. */
static void begin_anew(struct shard *shard, const struct sensor_place *place,
        struct secured *secured, struct bytes message)
{
    struct sensor *sensor = NULL;
    struct dtls_port port;

    /* Somebody has shaken hands from there meanwhile. */
    if (find_sensor(shard, place))
        secured_free(secured, &shard->memory);
    else
        sensor = bring_secured(shard, place, secured);
    if (!sensor)
        return;
    port = sensor_port(sensor);
    dtls_redirect(secured->dtls, &port);
    if (hear_new(shard, sensor, message))
        sensors_stir(shard, sensor);
}

/*
 * A hello that belongs to no handshake that has begun. Without a good cookie it gets one, and
 * nothing is kept of it; with one the sender is at that address, and whoever was there before is
 * there no more.
 */
static void greet(struct shard *shard, const struct sensor_place *place,
        const struct dtls_hello *hello, uint64_t mark, struct bytes datagram)
{
    struct reception *reception = sensors_reception(shard);
    uint8_t key[SENSOR_KEY_SIZE_MAX];
    struct bytes who = bytes_of(key, sensor_key(place, key));
    uint8_t cookie[DTLS_COOKIE_SIZE];
    uint8_t data[DTLS_VERIFY_SIZE];
    struct writer answer = { .data = data, .size = sizeof(data) };
    struct sensor *before;
    struct secured *secured;

    if (hello->message_number == 0 ||
            !dtls_cookie_is_good(&reception->cookies, who, shard->now_ms, hello->cookie)) {
        if (dtls_cookie_make(&reception->cookies, who, shard->now_ms, cookie)) {
            dtls_verify_encode(&answer, hello, cookie);
            sensors_send(shard, place, writer_written(&answer));
        }
        return;
    }
    secured = secured_new(&shard->memory, mark, datagram);
    if (!secured) {
        drop_unread(shard, NULL, datagram);
        return;
    }
    before = find_sensor(shard, place);
    if (before)
        map_remove(&reception->table, &shard->memory, hash_bytes(&reception->key, who), before);
    before = bring_secured(shard, place, secured);
    if (before)
        sensors_stir(shard, before);
}

static void deliver(struct shard *shard, struct sensor *sensor, const struct sensor_place *place,
        struct bytes datagram)
{
    struct carrier what = { .sensor = sensor, .place = *place };

    if (sensor->home_number == shard->number) {
        hear(shard, sensor, datagram);
        return;
    }
    what.to = &shard->group->shards[sensor->home_number];
    carry(shard, &what, datagram);
}

/* At a listener of DTLS. */
static void receive_secured(
        struct shard *shard, const struct sensor_place *place, struct bytes datagram)
{
    struct sensor *sensor = find_sensor(shard, place);
    struct dtls_hello hello;
    bool is_hello = dtls_hello_decode(&hello, datagram);
    uint64_t mark = is_hello ? hash_bytes(&sensors_reception(shard)->key, hello.random) | 1 : 0;

    if (is_hello && !(sensor && sensor->secured && sensor->secured->mark == mark))
        greet(shard, place, &hello, mark, datagram);
    else if (sensor)
        deliver(shard, sensor, place, datagram);
    else if (!dtls_is_record(datagram))
        tell_misfit(shard, place, MISFIT_CLEAR);
    else if (dtls_is_message(datagram)) /* Others come late, or are the rest of a hello. */
        tell_unknown(shard, place);
}

static void receive_clear(
        struct shard *shard, const struct sensor_place *place, struct bytes datagram)
{
    struct sensor *sensor = find_sensor(shard, place);

    if (sensor)
        deliver(shard, sensor, place, datagram);
    else
        receive_stranger(shard, place, datagram);
}

/* By DTLS at a listener in the clear, which may have spoken it before a reload. */
static void receive_astray(
        struct shard *shard, const struct sensor_place *place, struct bytes datagram)
{
    struct sensor *sensor = find_sensor(shard, place);

    if (sensor && sensor->secured)
        deliver(shard, sensor, place, datagram);
    else
        tell_misfit(shard, place, MISFIT_DTLS);
}

static bool speaks_dtls(const struct shard *shard, const struct sensor_place *place)
{
    return shard->credentials->listeners[place->entrance] != NULL;
}

static void receive(struct shard *shard, const struct sensor_place *place, struct bytes datagram)
{
    if (speaks_dtls(shard, place))
        receive_secured(shard, place, datagram);
    else
        receive_clear(shard, place, datagram);
}

/* ---- The door ---- */

static void unwrap(struct shard *shard, struct sensor_place *place, struct bytes datagram)
{
    struct mqttsn_encapsulation frame;
    struct mqttsn2_packet packet;
    struct mqttsn2_forwarder envelope;

    if (speaks_dtls(shard, place)) {
        receive_secured(shard, place, datagram);
        return;
    }
    if (dtls_is_record(datagram)) {
        receive_astray(shard, place, datagram);
        return;
    }
    if (mqttsn_encapsulation_decode(&frame, datagram) == MQTT_SUCCESS) {
        place->wrap = SENSOR_WRAP_1_2;
        place->node_id = frame.node_id;
        datagram = frame.inner;
    } else if (speaks_draft(shard, place) &&
            mqttsn2_packet_read(&packet, datagram, MQTT_FROM_CLIENT) == MQTT_SUCCESS &&
            packet.type == MQTTSN2_FORWARDER &&
            mqttsn2_forwarder_decode(&envelope, packet.body) == MQTT_SUCCESS) {
        place->wrap = SENSOR_WRAP_2_0;
        place->node_id = envelope.node;
        datagram = envelope.inner;
    }
    receive_clear(shard, place, datagram);
}

static void take_in(struct shard *shard, const struct door *door, const struct datagram *datagram)
{
    struct sensor_place place = {
        .address = datagram->peer,
        .entrance = (uint8_t)door->entrance->number,
        .socket = door->socket,
    };

    /* Nothing can be sent to port 0. */
    if (address_port(&place.address) != 0)
        unwrap(shard, &place, datagram->data);
}

void reception_serve(struct shard *shard, struct door *door)
{
    struct datagrams *datagrams = sensors_datagrams(shard);
    struct datagram came[DATAGRAMS_READ_MAX];

    if (door->is_group) {
        herald_serve(shard, door);
        return;
    }
    for (unsigned reads = 0; reads < RECEPTION_READS_MAX; reads++) {
        int count = datagrams_read(datagrams, door->listener.fd, came);

        if (count == -ENOMEM)
            tell_drop(shard, DROP_SHORT_MEMORY);
        else if (count == -EAGAIN)
            return;
        for (int i = 0; i < count; i++)
            take_in(shard, door, &came[i]);
        if (count >= 0 && count < DATAGRAMS_READ_MAX)
            return;
    }
}

/* ---- Begin and end ---- */

static struct bytes key_of(const void *sensor)
{
    return sensor_key_bytes(sensor);
}

struct reception *reception_new(const struct memory *memory, struct hash_key key)
{
    struct reception *reception = memory_take_zeroed(memory, sizeof(*reception));

    if (!reception)
        return NULL;
    reception->key = key;
    map_init(&reception->table, key_of);
    return reception;
}

void reception_configure(struct shard *shard, uint8_t gateway_id)
{
    sensors_reception(shard)->gateway_id = gateway_id;
}

void reception_forget(struct shard *shard, struct sensor *sensor)
{
    struct reception *reception = sensors_reception(shard);

    map_remove(&reception->table, &shard->memory,
            hash_bytes(&reception->key, sensor_key_bytes(sensor)), sensor);
}

void reception_forget_voice(struct shard *shard, const struct sensor *sensor)
{
    struct reception *reception = sensors_reception(shard);

    for (size_t i = 0; i < CONFIG_LISTENERS_MAX; i++) {
        if (reception->voices[i] == sensor)
            reception->voices[i] = NULL;
    }
}

void reception_end(struct shard *shard)
{
    struct errand *errand;

    while ((errand = errands_take(&shard->errands, arrive)))
        free_carrier(errand);
}

void reception_free(struct shard *shard)
{
    struct reception *reception = sensors_reception(shard);

    map_deinit(&reception->table, &shard->memory);
    memory_give(&shard->memory, reception, sizeof(*reception));
}
