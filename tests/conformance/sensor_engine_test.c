/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of MQTT-SN against the gateway, over a network that loses, doubles and delays three of
 * ten datagrams each, so that they overtake each other: two devices send each other messages. What
 * is sent with QoS 1 comes, and with QoS 2 it comes just once, in order; the engine's clock is the
 * gateway's, and a seed makes the luck.
 */
#include "nightjar/sn.h"
#include "base/hash.h"
#include "mqttsn/late.h"
#include "tests/harness/sensor.h"

enum {
    DEVICES = 2,
    HELD = 4,
    WARM = MQTTSN_LATE_RISES_MIN + 2, /* messages before the trouble begins: then ids have risen */
    MESSAGES = WARM + 40,
    TROUBLE_PERCENT = 30,
    DELAY_MAX_MS = 300,
    RETRY_MS = 100,
    STEP_MS = 10,
    STEPS_MAX = 200000,
    UNDERWAY_MAX = 512,
    DATAGRAM_MAX = 64,
    SEEDS = 8,
};

struct device {
    struct nj_sn sn;
    struct sensor *sensor;
    const char *id; /* also the topic that it subscribes */
    const char *other;
    uint8_t out[128];
    struct nj_sn_known known[2];
    char names[2 * 8];
    uint16_t held[HELD];
    bool subscribed;
    unsigned begun;
    unsigned done;
    unsigned heard;          /* the numbers up to this came, in order */
    unsigned came[MESSAGES]; /* how often each did */
};

struct flying {
    struct device *device;
    bool to_gateway;
    int64_t due_ms;
    size_t size; /* 0: the place is free */
    uint8_t data[DATAGRAM_MAX];
};

struct scene {
    struct air *air;
    struct device devices[DEVICES];
    struct flying flying[UNDERWAY_MAX];
    uint64_t luck;
    uint8_t qos;
    bool trouble;
};

static bool strikes(struct scene *scene)
{
    scene->luck = hash_mix(scene->luck + 1);
    return scene->trouble && scene->luck % 100 < TROUBLE_PERCENT;
}

static void launch(
        struct scene *scene, struct device *device, bool to_gateway, struct bytes datagram)
{
    struct flying *place = scene->flying;

    while (place->size > 0)
        place++;
    assert_true(place < scene->flying + UNDERWAY_MAX);
    assert_true(datagram.size <= DATAGRAM_MAX);
    *place =
            (struct flying){ device, to_gateway, scene->air->server->now_ms, datagram.size, { 0 } };
    memcpy(place->data, datagram.data, datagram.size);
    if (strikes(scene))
        place->due_ms += 1 + (int64_t)(scene->luck / 100 % DELAY_MAX_MS);
}

static void fly(struct scene *scene, struct device *device, bool to_gateway, struct bytes datagram)
{
    if (!strikes(scene))
        launch(scene, device, to_gateway, datagram);
    if (strikes(scene))
        launch(scene, device, to_gateway, datagram);
}

/* ---- The devices ---- */

static void take_message(struct scene *scene, struct device *device, struct nj_bytes payload)
{
    unsigned number;

    assert_int_equal(payload.size, sizeof(number));
    memcpy(&number, payload.data, sizeof(number));
    assert_true(number < MESSAGES);
    device->came[number]++;
    if (scene->qos == 2)
        assert_int_equal(number, device->heard);
    if (number == device->heard)
        device->heard++;
    assert_true(number < device->heard); /* none is passed over */
}

static void take_event(struct scene *scene, struct device *device, const struct nj_sn_event *event)
{
    const struct nj_sn_topic topic = nj_sn_name(device->id);

    if (event->kind == NJ_SN_EVENT_MESSAGE) {
        take_message(scene, device, event->payload);
    } else if (event->kind == NJ_SN_EVENT_CONNECTED) {
        assert_int_equal(
                nj_sn_subscribe(&device->sn, &topic, 2, scene->air->server->now_ms), NJ_OK);
    } else if (event->kind == NJ_SN_EVENT_SUBSCRIBED) {
        device->subscribed = true;
    } else {
        assert_int_equal(event->kind, NJ_SN_EVENT_DONE);
        assert_int_equal(event->code, NJ_SN_ACCEPTED);
        device->done++;
    }
}

static void say(struct scene *scene, struct device *device, unsigned until)
{
    const struct nj_sn_topic topic = nj_sn_name(device->other);
    unsigned number = device->begun;

    if (device->begun > device->done || device->begun >= until)
        return;
    if (nj_sn_publish(&device->sn, &topic, nj_bytes_of(&number, sizeof(number)), scene->qos, false,
                scene->air->server->now_ms) == NJ_OK)
        device->begun++;
}

/* What the device has to say flies off, and what it has heard is taken. */
static void work(struct scene *scene, struct device *device)
{
    struct nj_sn_datagram datagram;
    struct nj_sn_event event;

    do {
        while (nj_sn_output(&device->sn, &datagram)) {
            fly(scene, device, true, bytes_of(datagram.data.data, datagram.data.size));
            nj_sn_sent(&device->sn);
        }
        if (!nj_sn_next(&device->sn, &event, scene->air->server->now_ms))
            break;
        take_event(scene, device, &event);
    } while (true);
    if (nj_sn_output(&device->sn, &datagram))
        work(scene, device);
}

/* ---- The network ---- */

static void land(struct scene *scene, struct flying *flying)
{
    struct flying landed = *flying;

    flying->size = 0;
    if (!landed.to_gateway) {
        nj_sn_receive(&landed.device->sn, nj_text("g"), nj_bytes_of(landed.data, landed.size));
        work(scene, landed.device);
        return;
    }
    sensor_send_bytes(landed.device->sensor, bytes_of(landed.data, landed.size));
}

static void gather(struct scene *scene)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct bytes datagram;

        while ((datagram = sensor_take(scene->devices[i].sensor)).size > 0)
            fly(scene, &scene->devices[i], false, datagram);
    }
}

static void step(struct scene *scene, unsigned until)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct device *device = &scene->devices[i];

        nj_sn_tick(&device->sn, scene->air->server->now_ms);
        if (device->subscribed)
            say(scene, device, until);
        work(scene, device);
    }
    for (size_t i = 0; i < UNDERWAY_MAX; i++)
        if (scene->flying[i].size > 0 && scene->flying[i].due_ms <= scene->air->server->now_ms)
            land(scene, &scene->flying[i]);
    air_advance(scene->air, STEP_MS);
    gather(scene);
}

static bool settled(const struct scene *scene, unsigned until)
{
    for (size_t i = 0; i < DEVICES; i++)
        if (scene->devices[i].done < until || scene->devices[i].heard < until)
            return false;
    for (size_t i = 0; i < UNDERWAY_MAX; i++)
        if (scene->flying[i].size > 0)
            return false;
    return true;
}

static void run_until(struct scene *scene, unsigned until)
{
    unsigned steps = 0;

    while (!settled(scene, until)) {
        step(scene, until);
        assert_true(++steps < STEPS_MAX);
    }
}

static void begin_device(struct scene *scene, size_t number)
{
    static const char *const ids[DEVICES] = { "one", "two" };
    struct device *device = &scene->devices[number];
    const struct nj_sn_setup setup = { .out = device->out,
        .out_size = sizeof(device->out),
        .known = device->known,
        .known_count = 2,
        .names = device->names,
        .name_size = 8,
        .held = device->held,
        .held_count = HELD,
        .retry_ms = RETRY_MS,
        .retries = UINT8_MAX };
    struct nj_sn_connect_options options = { .keep_alive_s = 600, .clean_session = true };

    *device = (struct device){
        .sensor = sensor_new(scene->air), .id = ids[number], .other = ids[1 - number]
    };
    options.client_id = nj_text(device->id);
    nj_sn_init(&device->sn, &setup);
    assert_int_equal(nj_sn_use_gateway(&device->sn, nj_text("g")), NJ_OK);
    assert_int_equal(nj_sn_connect(&device->sn, &options, scene->air->server->now_ms), NJ_OK);
}

static void run_trial(struct air *air, uint8_t qos, uint64_t seed)
{
    static struct scene scene;

    scene = (struct scene){ .air = air, .luck = seed, .qos = qos };
    air->gateway.settings.retry_ms = RETRY_MS;
    air->gateway.settings.retries_max = UINT8_MAX;
    for (size_t i = 0; i < DEVICES; i++)
        begin_device(&scene, i);
    run_until(&scene, WARM);
    scene.trouble = true;
    run_until(&scene, MESSAGES);
    for (size_t i = 0; i < DEVICES; i++)
        for (unsigned number = 0; number < MESSAGES; number++) {
            assert_true(scene.devices[i].came[number] >= 1);
            assert_true(qos < 2 || scene.devices[i].came[number] == 1);
        }
}

SENSOR_TEST("SN-6.6-1 SN-6.13-1 SN-6.13-3 SN-X-2", quality_1_survives_a_network_in_trouble)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        run_trial(air, 1, seed);
}

SENSOR_TEST("SN-6.6-1 SN-6.13-1 SN-6.13-3 SN-X-2", quality_2_survives_a_network_in_trouble)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        run_trial(air, 2, seed);
}
