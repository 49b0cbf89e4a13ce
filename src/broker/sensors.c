/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sensors.h"

#include "broker/config/predefined.h"
#include "broker/herald.h"
#include "broker/reception.h"
#include "broker/traffic.h"
#include "broker/untold.h"
#include "mqttsn/encapsulation.h"
#include "mqttsn2/envelope.h"
#include "mqttsn2/ping.h"
#include "net/datagrams.h"

#include <errno.h>

enum {
    WILLS_TOLD_EVERY_MS = 10000,
    SECOND_MS = 1000,
    HEAD_SIZE_MAX = MQTTSN_HEADER_SIZE_MAX + 1 + SENSOR_NODE_MAX,
};

struct sensors {
    struct shard *shard;
    struct gateway gateway;
    struct gateway_predefined_topic *topics; /* of the settings; their names lie in `lines` */
    size_t topic_count;
    uint8_t *lines;
    size_t lines_size;
    struct timer_wheel wheel;
    struct list woken;
    struct datagrams datagrams;
    struct reception *reception;
    bool ended;
    struct untold wills; /* lost before their clients came back */
};

struct gateway *sensors_gateway(struct shard *shard)
{
    return &shard->sensors->gateway;
}

struct timer_wheel *sensors_wheel(struct shard *shard)
{
    return &shard->sensors->wheel;
}

struct datagrams *sensors_datagrams(struct shard *shard)
{
    return &shard->sensors->datagrams;
}

struct reception *sensors_reception(const struct shard *shard)
{
    return shard->sensors->reception;
}

struct shard *sensors_shard(const struct gateway *gateway)
{
    return container_of(gateway, const struct sensors, gateway)->shard;
}

void sensors_tell_will_lost(struct shard *shard)
{
    uint32_t count = untold_count(&shard->sensors->wills, shard->now_ms, WILLS_TOLD_EVERY_MS);

    counter_add(&shard->sn[SN_LOST_WILLS], 1);
    if (count > 0)
        journal_tell(&shard->journal, EVENT_WARN, "wills.lost", field_number("wills", count),
                field_number("max", GATEWAY_WILLS_MAX));
}

/* ---- Settings ---- */

static size_t count_lines(struct bytes lines)
{
    struct predefined_line line;
    size_t count = 0;

    while (predefined_next(&lines, &line) != PREDEFINED_END)
        count++;
    return count;
}

static void forget_predefined(struct shard *shard)
{
    struct sensors *sensors = shard->sensors;

    memory_give(&shard->memory, sensors->topics, sensors->topic_count * sizeof(*sensors->topics));
    memory_give(&shard->memory, sensors->lines, sensors->lines_size);
    sensors->topics = NULL;
    sensors->lines = NULL;
    sensors->topic_count = sensors->lines_size = 0;
    sensors->gateway.settings.predefined = (struct gateway_predefined){ 0 };
}

/* Told once for all shards, and not when the server starts. */
static void tell_predefined(struct shard *shard, const struct gateway_predefined *next)
{
    const struct gateway_settings *running = &shard->sensors->gateway.settings;
    size_t added = gateway_predefined_missing(next, &running->predefined);
    size_t removed = gateway_predefined_missing(&running->predefined, next);

    if (shard->number == 0 && running->topics_max > 0 && added + removed > 0)
        journal_tell(&shard->journal, EVENT_INFO, "predefined.changed",
                field_number("added", (int64_t)added), field_number("removed", (int64_t)removed));
}

/* The configuration will be gone before the sensors are, so the lines are copied. */
static bool take_predefined(struct shard *shard, struct bytes from)
{
    struct sensors *sensors = shard->sensors;
    size_t size = count_lines(from) * sizeof(struct gateway_predefined_topic);
    struct gateway_predefined_topic *topics = NULL;
    uint8_t *copy = NULL;
    struct bytes lines;
    struct predefined_line line;
    size_t count = 0;

    if (size > 0) {
        topics = memory_take_zeroed(&shard->memory, size);
        copy = memory_take(&shard->memory, from.size);
    }
    if (size > 0 && (!topics || !copy)) {
        memory_give(&shard->memory, topics, size);
        memory_give(&shard->memory, copy, from.size);
        return false;
    }
    if (size > 0)
        memcpy(copy, from.data, from.size);
    lines = bytes_of(copy, size > 0 ? from.size : 0);
    while (predefined_next(&lines, &line) == PREDEFINED_LINE)
        topics[count++] = (struct gateway_predefined_topic){ line.id, line.client_id, line.topic };
    tell_predefined(shard, &(struct gateway_predefined){ topics, count });
    forget_predefined(shard);
    if (size == 0)
        return true;
    sensors->topics = topics;
    sensors->topic_count = size / sizeof(*topics);
    sensors->lines = copy;
    sensors->lines_size = from.size;
    sensors->gateway.settings.predefined = (struct gateway_predefined){ topics, count };
    return true;
}

bool sensors_configure(struct shard *shard, const struct config *config)
{
    struct sensors *sensors = shard->sensors;
    const struct config_sn *sn = &config->sn;

    if (!take_predefined(shard, bytes_of_text(sn->predefined)))
        return false;
    reception_configure(shard, sn->gateway_id);
    sensors->gateway.settings.retry_ms = sn->retry_s * (uint32_t)SECOND_MS;
    sensors->gateway.settings.retry_max_ms = sn->retry_max_s * (uint32_t)SECOND_MS;
    sensors->gateway.settings.retries_max = sn->retries;
    sensors->gateway.settings.topics_max = sn->topics_max;
    sensors->gateway.settings.message_size_max = sn->message_size_max;
    herald_begin_anew(shard);
    return true;
}

/* ---- Sending ---- */

const struct door *sensors_find_door(const struct shard *shard, const struct sensor_place *place)
{
    for (size_t i = 0; i < shard->door_count; i++) {
        const struct door *door = shard->doors[i];

        if (door->entrance->number == place->entrance && door->socket == place->socket &&
                !door->is_group)
            return door;
    }
    return NULL;
}

void sensors_send(struct shard *shard, const struct sensor_place *place, struct bytes datagram)
{
    const struct door *door = sensors_find_door(shard, place);
    uint8_t head[HEAD_SIZE_MAX];
    struct writer frame = { .data = head, .size = sizeof(head) };
    struct iovec pieces[2];
    size_t count = 0;

    if (!door || address_family(&place->address) == ADDRESS_ANY)
        return;
    if (place->wrap == SENSOR_WRAP_1_2)
        mqttsn_encapsulation_head_encode(
                &frame, &(struct mqttsn_encapsulation){ .node_id = place->node_id });
    else if (place->wrap == SENSOR_WRAP_2_0)
        mqttsn2_forwarder_head_encode(
                &frame, &(struct mqttsn2_forwarder){ .node = place->node_id, .inner = datagram });
    if (place->wrap != SENSOR_BARE)
        pieces[count++] = stream_piece(writer_written(&frame));
    pieces[count++] = stream_piece(datagram);
    datagrams_send(&shard->sensors->datagrams, door->listener.fd, &place->address, pieces, count);
}

void sensors_flush(struct shard *shard)
{
    if (shard->sensors)
        datagrams_flush(&shard->sensors->datagrams);
}

/* ---- Parting ---- */

void sensors_free_if_alone(struct sensor *sensor, const struct memory *memory)
{
    if (sensor->closed && sensor->parted && !sensor->is_heard)
        sensor_free(sensor, memory);
}

static struct sensor *parting_sensor(struct errand *errand)
{
    return container_of(errand, struct sensor, parting);
}

/* Back at home: nobody can name it any more. */
static enum errand_state finish_parting(struct errand *errand, struct shard *shard)
{
    struct sensor *sensor = parting_sensor(errand);

    (void)shard;
    sensor->parted = true;
    return ERRAND_DONE;
}

static void free_parted(struct errand *errand)
{
    struct sensor *sensor = parting_sensor(errand);

    /* The errand is the sensor's: it is looked at last here. */
    sensors_free_if_alone(sensor, &sensor_home(sensor)->memory);
}

/* At its ear: no datagram is carried to it from now on. Those on their way are before this. */
static enum errand_state forget(struct errand *errand, struct shard *shard)
{
    struct sensor *sensor = parting_sensor(errand);

    reception_forget(shard, sensor);
    return ERRAND_DONE;
}

static void send_back(struct errand *errand)
{
    struct sensor *sensor = parting_sensor(errand);

    sensor->parting.run = finish_parting;
    sensor->parting.done = free_parted;
    shard_ask(sensor_home(sensor), &sensor->parting);
}

void sensors_part(struct sensor *sensor)
{
    if (sensor->parts)
        return;
    timer_stop(&sensor->timer);
    sensor->parts = true;
    if (sensor_ear(sensor) == sensor_home(sensor)) {
        forget(&sensor->parting, sensor_ear(sensor));
        sensor->parted = true;
        return;
    }
    sensor->parting = (struct errand){ .run = forget, .done = send_back };
    shard_ask(sensor_ear(sensor), &sensor->parting);
}

/* A wrong key shows by nothing else: what is said by it cannot be read, and is passed over. */
static void tell_unfinished(struct shard *shard, struct sensor *sensor)
{
    struct secured *secured = sensor->secured;
    struct sensor_place place;
    char address[ADDRESS_TEXT_SIZE];

    if (!secured || !secured->dtls || secured->end != -EAGAIN || !dtls_is_unfinished(secured->dtls))
        return;
    place = sensor_place(sensor);
    journal_tell(&shard->journal, EVENT_INFO, "connection.failed",
            field_text("peer", address_format(&place.address, address)),
            field_number("port", shard->listeners[place.entrance].port),
            field_text("text", dtls_unfinished_text(secured->dtls)));
}

void sensors_close(struct sensor *sensor)
{
    struct shard *home = sensor_home(sensor);
    struct shard *shard = home ? home : sensor_ear(sensor);
    struct sensors *sensors = shard->sensors;

    gateway_client_end(&sensor->client, shard->now_ms);
    tell_unfinished(shard, sensor);
    if (sensor->secured)
        secured_close(sensor->secured, &shard->memory);
    sensor->closed = true;
    reception_forget_voice(shard, sensor);
    if (sensors->ended) {
        if (!sensor->parts)
            timer_stop(&sensor->timer);
        sensor->parted = true;
    } else {
        sensors_part(sensor);
    }
    sensors_free_if_alone(sensor, &shard->memory);
}

/* ---- What a sensor has heard ---- */

void sensors_note_phase(struct sensor *sensor)
{
    bool is_awake = gateway_client_phase(&sensor->client) == GATEWAY_AWAKE;
    struct gateway_underway *underway = sensor->client.underway;

    if (!underway)
        return;
    if (is_awake && !list_linked(&underway->woken))
        list_append(&sensor_home(sensor)->sensors->woken, &underway->woken);
    else if (!is_awake)
        list_remove(&underway->woken);
}

void sensors_stir(struct shard *shard, struct sensor *sensor)
{
    struct link *link = sensor->link;

    sensor_arm(sensor);
    if (link)
        traffic_stir(shard, link);
}

/* ---- Between shards ---- */

void sensors_send_off(struct link *link, unsigned home)
{
    struct sensor *sensor = sensor_of(link->stream);

    if (!sensor)
        return;
    timer_stop(&sensor->timer);
    sensor->travels = true;
    sensor->home_number = (uint8_t)home;
}

void sensors_take_in(struct shard *shard, struct link *link)
{
    struct sensor *sensor = sensor_of(link->stream);

    if (!sensor)
        return;
    sensor->travels = false;
    if (sensor_ear(sensor) == shard) /* It could not go. */
        sensor->home_number = (uint8_t)shard->number;
    sensor->link = link;
    gateway_client_move(&sensor->client, &shard->sensors->gateway);
    sensor_arm(sensor);
}

/* ---- Time ---- */

void sensors_tick(struct shard *shard)
{
    struct timer *timer;

    herald_tick(shard);
    gateway_tick(&shard->sensors->gateway, shard->now_ms);
    while ((timer = timer_take_due(&shard->sensors->wheel, shard->now_ms))) {
        struct sensor *sensor = container_of(timer, struct sensor, timer);

        gateway_client_tick(&sensor->client, shard->now_ms);
        if (sensor->secured)
            secured_tick(sensor->secured, shard->now_ms);
        sensors_stir(shard, sensor);
    }
}

int64_t sensors_due_ms(const struct shard *shard)
{
    int64_t due_ms = timer_next_ms(&shard->sensors->wheel);
    int64_t herald_ms = herald_due_ms(shard);

    return herald_ms < due_ms ? herald_ms : due_ms;
}

/* Whether the server has nothing for it any more. */
static bool has_everything(const struct sensor *sensor)
{
    const struct link *link = sensor->link;

    return gateway_client_is_settled(&sensor->client) && link && link->connection &&
            !link->leftover && !link->more && connection_backlog(link->connection) == 0;
}

/* Messages that the server has for it; what it has handed over already is not counted. */
static uint64_t count_waiting(const struct sensor *sensor)
{
    const struct link *link = sensor->link;

    if (!link || !link->connection)
        return 0;
    return link->leftover || link->more ? MQTTSN2_REMAINING_SOME
                                        : connection_backlog(link->connection);
}

void sensors_settle(struct shard *shard)
{
    struct list woken;
    struct list *node;

    list_init(&woken);
    list_move_all(&woken, &shard->sensors->woken);
    while ((node = list_take_first(&woken))) {
        struct gateway_underway *underway = container_of(node, struct gateway_underway, woken);
        struct sensor *sensor = container_of(underway->client, struct sensor, client);

        list_append(&shard->sensors->woken, node);
        if (has_everything(sensor) || gateway_client_is_sated(&sensor->client)) {
            gateway_client_drained(&sensor->client, count_waiting(sensor), shard->now_ms);
            sensor_arm(sensor);
        }
    }
}

/* ---- Begin and end ---- */

struct sensors *sensors_new(struct shard *shard, uint64_t seed)
{
    struct sensors *sensors = memory_take_zeroed(&shard->memory, sizeof(*sensors));
    struct hash_key key = { { hash_mix(seed), hash_mix(~seed) } };

    if (!sensors)
        return NULL;
    sensors->reception = reception_new(&shard->memory, key);
    if (!sensors->reception) {
        memory_give(&shard->memory, sensors, sizeof(*sensors));
        return NULL;
    }
    sensors->shard = shard;
    sensors->gateway = (struct gateway){
        .memory = shard->memory,
        .send = sensor_send,
        .change_will = sensor_change_will,
        .client_id = sensor_client_id,
        .session_expiry_s = sensor_session_expiry_s,
        .will_lost = sensor_will_lost,
        .last_id = (uint16_t)hash_mix(seed + 1),
    };
    gateway_init(&sensors->gateway, key);
    sensors->datagrams.memory = &shard->memory;
    timer_wheel_init(&sensors->wheel, shard->now_ms);
    list_init(&sensors->woken);
    return sensors;
}

static void drop_partings(
        struct shard *shard, enum errand_state (*run)(struct errand *errand, struct shard *shard))
{
    struct errand *errand;

    while ((errand = errands_take(&shard->errands, run))) {
        struct sensor *sensor = parting_sensor(errand);

        sensor->parted = true;
        sensors_free_if_alone(sensor, &shard->memory);
    }
}

void sensors_end(struct shard *shard)
{
    if (!shard->sensors)
        return;
    shard->sensors->ended = true;
    reception_end(shard);
    drop_partings(shard, forget);
    drop_partings(shard, finish_parting);
}

void sensors_free(struct shard *shard)
{
    struct sensors *sensors = shard->sensors;

    if (!sensors)
        return;
    forget_predefined(shard);
    gateway_deinit(&sensors->gateway);
    reception_free(shard);
    datagrams_deinit(&sensors->datagrams);
    memory_give(&shard->memory, sensors, sizeof(*sensors));
    shard->sensors = NULL;
}
