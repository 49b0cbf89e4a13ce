/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/herald.h"

#include "broker/reception.h"
#include "broker/sensors.h"
#include "mqttsn/advertise.h"
#include "mqttsn/gwinfo.h"
#include "mqttsn/message.h"
#include "mqttsn/searchgw.h"
#include "mqttsn2/discovery.h"
#include "net/datagrams.h"
#include "net/multicast.h"

enum { WORDS_SIZE_MAX = 8, SECOND_MS = 1000 };

static uint8_t hops_of(const struct shard *shard, const struct door *door)
{
    return shard->config->listeners[door->entrance->number].sn_multicast_hops;
}

/* To that address, from the socket by which devices know the gateway. */
static void say(struct shard *shard, const struct door *door, const struct address *to,
        const struct writer *words)
{
    const struct sensor_place place = {
        .address = *to, .entrance = (uint8_t)door->entrance->number, .socket = door->socket
    };

    sensors_send(shard, &place, writer_written(words));
}

/* ---- ADVERTISE ---- */

static void advertise(struct shard *shard, struct door *door)
{
    const struct config_sn *sn = &shard->config->sn;
    uint8_t data[WORDS_SIZE_MAX];
    struct writer words = { .data = data, .size = sizeof(data) };

    if (sn->advertise_s == 0) {
        door->advertise_ms = INT64_MAX;
        return;
    }
    door->advertise_ms = shard->now_ms + INT64_C(1000) * sn->advertise_s;
    mqttsn_advertise_encode(&words,
            &(struct mqttsn_advertise){
                    .gateway_id = sn->gateway_id, .duration_s = sn->advertise_s });
    say(shard, door, &door->listener.address, &words);
}

void herald_begin_anew(struct shard *shard)
{
    for (size_t i = 0; i < shard->door_count; i++)
        shard->doors[i]->advertise_ms = 0;
}

void herald_tick(struct shard *shard)
{
    for (size_t i = 0; i < shard->door_count; i++) {
        struct door *door = shard->doors[i];

        if (door->is_group && door->advertise_ms <= shard->now_ms)
            advertise(shard, door);
    }
}

int64_t herald_due_ms(const struct shard *shard)
{
    int64_t due_ms = INT64_MAX;

    for (size_t i = 0; i < shard->door_count; i++) {
        const struct door *door = shard->doors[i];

        if (door->is_group && door->advertise_ms < due_ms)
            due_ms = door->advertise_ms;
    }
    return due_ms;
}

/* ---- GWINFO ---- */

/* As far as was asked, and no farther than is allowed; 0 asks for all that there are. */
static void tell_group(
        struct shard *shard, struct door *door, uint8_t radius, const struct writer *words)
{
    uint8_t hops = hops_of(shard, door);
    const struct sensor_place place = { .entrance = (uint8_t)door->entrance->number,
        .socket = door->socket };
    const struct door *speaker = sensors_find_door(shard, &place);
    enum address_family family = address_family(&door->listener.address);

    if (!speaker || shard->now_ms < door->told_until_ms)
        return;
    door->told_until_ms = shard->now_ms + HERALD_QUIET_MS;
    sensors_flush(shard);
    if (radius > 0 && radius < hops)
        multicast_reach(speaker->listener.fd, family, radius);
    say(shard, door, &door->listener.address, words);
    sensors_flush(shard);
    multicast_reach(speaker->listener.fd, family, hops);
}

/* Of 2.0. Only who asks is told: to others on the group GWINFO would be a DISCONNECT of 1.2. False:
 * it is no such question. */
static bool answer_draft(struct shard *shard, struct door *door, const struct datagram *asked)
{
    uint8_t data[WORDS_SIZE_MAX];
    struct writer words = { .data = data, .size = sizeof(data) };
    struct mqttsn2_packet packet;

    if (!shard->config->listeners[door->entrance->number].sn_draft ||
            mqttsn2_packet_read(&packet, asked->data, MQTT_FROM_CLIENT) != MQTT_SUCCESS ||
            packet.type != MQTTSN2_SEARCHGW)
        return false;
    mqttsn2_gwinfo_encode(
            &words, &(struct mqttsn_gwinfo){ .gateway_id = shard->config->sn.gateway_id });
    if (reception_may_answer(shard))
        say(shard, door, &asked->peer, &words);
    return true;
}

static void answer(struct shard *shard, struct door *door, const struct datagram *asked)
{
    uint8_t data[WORDS_SIZE_MAX];
    struct writer words = { .data = data, .size = sizeof(data) };
    struct mqttsn_message message;
    struct mqttsn_searchgw search;

    if (address_port(&asked->peer) == 0 || answer_draft(shard, door, asked) ||
            !mqttsn_message_read(&message, asked->data, MQTT_FROM_CLIENT) ||
            message.type != MQTTSN_SEARCHGW ||
            mqttsn_searchgw_decode(&search, message.body) != MQTT_SUCCESS ||
            !reception_may_answer(shard))
        return;
    mqttsn_gwinfo_encode(
            &words, &(struct mqttsn_gwinfo){ .gateway_id = shard->config->sn.gateway_id });
    say(shard, door, &asked->peer, &words);
    tell_group(shard, door, search.radius, &words);
}

/* What else comes there - our own words, other gateways', devices' answers to each other - is not
 * for a gateway. */
void herald_serve(struct shard *shard, struct door *door)
{
    struct datagram came[DATAGRAMS_READ_MAX];
    int count = datagrams_read(sensors_datagrams(shard), door->listener.fd, came);

    for (int i = 0; i < count; i++)
        answer(shard, door, &came[i]);
}
