/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/plan.h"

#define PICK(random, ...)                                                                          \
    ((const uint32_t[]){ __VA_ARGS__ })[draw(                                                      \
            random, sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))]

unsigned draw_weighted(struct random *random, const uint16_t *weights, unsigned count)
{
    uint32_t sum = 0;
    uint32_t at;

    for (unsigned i = 0; i < count; i++)
        sum += weights[i];
    at = draw(random, sum);
    for (unsigned i = 0; i < count; i++) {
        if (at < weights[i])
            return i;
        at -= weights[i];
    }
    return count - 1;
}

static void draw_settings(struct plan *plan, struct random *random)
{
    struct core_settings *settings = &plan->settings;

    core_settings_init(settings);
    listener_settings_init(&plan->listener);
    settings->max_inflight_messages = (uint16_t)PICK(random, 1, 2, 5, 20, 100);
    settings->receive_max = (uint16_t)PICK(random, 1, 3, 20, 60);
    settings->max_queued_messages = plan->limited ? PICK(random, 1, 2, 5, 20) : 0;
    if (plan->limited) {
        settings->max_queued_bytes = PICK(random, 0, 0, 1000, 20000);
        settings->max_inflight_bytes = PICK(random, 0, 0, 2000);
        settings->queue_full_policy = (enum queue_full_policy)draw(random, 4);
        settings->qos0_backlog_bytes_max = PICK(random, 100, 2000, 1 << 20);
    }
    settings->packet_rate_max = plan->hurries ? PICK(random, 0, 10, 100) : 0;
    settings->byte_rate_max = plan->hurries ? PICK(random, 0, 1000, 20000) : 0;
    settings->flapping_max = plan->hurries ? PICK(random, 0, 1, 10) : 0;
    settings->flapping_window_ms = PICK(random, 1000, 60000);
    settings->id_fight_max = plan->hurries ? PICK(random, 0, 1, 10) : 0;
    settings->max_packet_size = chance(random, 3) ? plan->payload_max + 400 : 2000000;
    settings->queue_qos0_messages = chance(random, 4);
    settings->upgrade_outgoing_qos = chance(random, 6);
    settings->session_expiry_s_max = chance(random, 5) ? PICK(random, 3, 60) : 0;
    settings->retain_expiry_s = plan->expires && chance(random, 4) ? PICK(random, 2, 30) : 0;
    plan->listener.max_topic_alias = (uint16_t)PICK(random, 0, 2, 10);
    plan->listener.max_topic_alias_broker = (uint16_t)PICK(random, 0, 2, 10);
}

static void draw_weights(struct plan *plan, struct random *random)
{
    const uint16_t acts[ACTS] = {
        [ACT_PUBLISH] = (uint16_t)PICK(random, 40, 80, 160),
        [ACT_SUBSCRIBE] = (uint16_t)PICK(random, 5, 20),
        [ACT_UNSUBSCRIBE] = (uint16_t)PICK(random, 1, 6),
        [ACT_ACKNOWLEDGE] = (uint16_t)PICK(random, 40, 100, 200),
        [ACT_PING] = 3,
        [ACT_LEAVE] = (uint16_t)PICK(random, 0, 1, 4),
        [ACT_CUT] = (uint16_t)PICK(random, 0, 1, 5, 12),
        [ACT_ABANDON] = (uint16_t)PICK(random, 0, 1, 3),
        [ACT_MOOD] = (uint16_t)PICK(random, 0, 4),
        [ACT_WRONG] = chance(random, 3),
        [ACT_CONNECT] = (uint16_t)PICK(random, 20, 200),
    };
    const uint16_t events[WORLD_EVENTS] = {
        [WORLD_CLIENT] = (uint16_t)PICK(random, 30, 60),
        [WORLD_UPSTREAM] = (uint16_t)PICK(random, 30, 60),
        [WORLD_DOWNSTREAM] = (uint16_t)PICK(random, 20, 60),
        [WORLD_TURN] = (uint16_t)PICK(random, 40, 100),
        [WORLD_TIME] = (uint16_t)PICK(random, 5, 20),
        [WORLD_ANNOUNCE] = (uint16_t)PICK(random, 0, 1, 2),
        [WORLD_COMMIT] = plan->stores ? (uint16_t)PICK(random, 5, 40, 100) : 0,
    };

    memcpy(plan->acts, acts, sizeof(acts));
    memcpy(plan->events, events, sizeof(events));
}

struct plan plan_draw(struct random *random, unsigned shards)
{
    struct plan plan = {
        .shards = shards,
        .clients = 2 + draw(random, CLIENTS_MAX - 1),
        .mailbox_slots = PICK(random, 1, 2, 4, 64, 1024),
        .mixed = chance(random, 6),
        .limited = chance(random, 3),
        .sizes_limited = chance(random, 4),
        .refuses = chance(random, 6),
        .expires = chance(random, 3),
        .stops = chance(random, 4),
        .drops = chance(random, 4),
        .calms_early = chance(random, 2),
        .memory_refused_in = chance(random, 6) ? PICK(random, 20, 200, 2000) : 0,
        .time_step_max_ms = PICK(random, 2, 20, 100),
        .time_leap_in = PICK(random, 0, 20, 100),
        .payload_max = PICK(random, 40, 40, 400, 3000, 20000),
        .chunk_max = PICK(random, 3, 40, 1000, 50000),
        .head_size = PICK(random, 64, 300, 4096, 65536),
        .down_window = PICK(random, 10, 500, 20000),
        .keepalive_max_s = PICK(random, 0, 5, 60),
    };

    plan.stores = chance(random, 2);
    plan.patience = plan.stores && chance(random, 4) ? STORAGE_WAITS_MORE : STORAGE_WAITS;
    plan.killed_in = plan.stores && chance(random, 2) ? PICK(random, 100, 500, 2000) : 0;
    if (plan.memory_refused_in > 0)
        plan.killed_in = 0; /* Then too little is known of what must be there again. */
    plan.hurries = chance(random, 4);
    plan.relieves = plan.limited && chance(random, 2);
    draw_settings(&plan, random);
    draw_weights(&plan, random);
    return plan;
}
