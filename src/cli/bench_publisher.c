/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_publisher.h"

#include "cli/bench_options.h"

#include "mqtt/puback.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static_assert(sizeof(struct bench_stamp) == BENCH_SIZE_MIN, "a stamp is what a payload must hold");

int bench_publisher_init(struct bench_publisher *publisher, uint32_t window)
{
    publisher->ids = calloc(window, sizeof(*publisher->ids));
    publisher->id_states = calloc(window, sizeof(*publisher->id_states));
    if (!publisher->ids || !publisher->id_states) {
        bench_publisher_deinit(publisher);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < window; i++)
        publisher->ids[i] = (uint16_t)(window - i);
    publisher->free_count = window;
    publisher->window = window;
    return 0;
}

void bench_publisher_deinit(struct bench_publisher *publisher)
{
    free(publisher->ids);
    free(publisher->id_states);
    publisher->ids = NULL;
    publisher->id_states = NULL;
}

/* Puts the packet id where the head has room for it: last, but for 5.0's length of properties. */
static void write_id(uint8_t *head_end, uint16_t id, enum mqtt_version version)
{
    uint8_t *at = head_end - (version == MQTT_5_0 ? 3 : 2);

    at[0] = (uint8_t)(id >> 8);
    at[1] = (uint8_t)id;
}

void bench_publisher_write(struct bench_publisher *publisher, struct writer *out,
        const struct bench_letterhead *letterhead, const struct bench_stamp *stamp)
{
    uint32_t begin = stamp->channel > 0 ? letterhead->head_ends[stamp->channel - 1] : 0;
    uint32_t size = letterhead->head_ends[stamp->channel] - begin;
    uint8_t *room = writer_room(out, size + letterhead->payload_size);

    assert(room);
    memcpy(room, letterhead->heads + begin, size);
    memcpy(room + size, stamp, sizeof(*stamp));
    memset(room + size + sizeof(*stamp), 0, letterhead->payload_size - sizeof(*stamp));
    if (letterhead->qos > 0) {
        uint16_t id;

        assert(publisher->free_count > 0);
        id = publisher->ids[--publisher->free_count];
        publisher->id_states[id - 1] = BENCH_ID_WAITS;
        write_id(room + size, id, letterhead->version);
    }
}

int bench_publisher_acknowledge(struct bench_publisher *publisher, struct writer *out,
        enum mqtt_type type, struct bytes body, const struct bench_letterhead *letterhead)
{
    enum bench_id_state fitting = type == MQTT_PUBCOMP ? BENCH_ID_RELEASED : BENCH_ID_WAITS;
    uint8_t qos = type == MQTT_PUBACK ? 1 : 2;
    struct mqtt_puback puback;
    uint32_t index;

    if (mqtt_puback_decode(&puback, type, body, letterhead->version, MQTT_FROM_SERVER) !=
            MQTT_SUCCESS)
        return -EPROTO;
    index = puback.packet_id - 1u;
    if (index >= publisher->window || publisher->id_states[index] != fitting ||
            qos != letterhead->qos || puback.reason >= MQTT_UNSPECIFIED_ERROR)
        return -EPROTO;
    if (type == MQTT_PUBREC) {
        publisher->id_states[index] = BENCH_ID_RELEASED;
        mqtt_puback_brief_encode(
                out, MQTT_PUBREL, puback.packet_id, MQTT_SUCCESS, letterhead->version);
        return 0;
    }
    publisher->id_states[index] = BENCH_ID_FREE;
    publisher->ids[publisher->free_count++] = puback.packet_id;
    return 1;
}
