/* SPDX-License-Identifier: Apache-2.0 */
#include "check/survey.h"

#include "check/probe.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MAXIMUM_QOS = 0x24,
    RETAIN_AVAILABLE = 0x25,
    WILDCARDS_AVAILABLE = 0x28,
    IDENTIFIERS_AVAILABLE = 0x29,
    SHARED_AVAILABLE = 0x2A,
    SERVER_KEEP_ALIVE = 0x13,
    SESSION_EXPIRY = 0x11,
    RECEIVE_MAXIMUM = 0x21,
    ALIAS_MAXIMUM = 0x22,
    PACKET_MAXIMUM = 0x27,
};

static uint32_t announced(struct bytes connack, uint8_t property, uint32_t otherwise)
{
    uint32_t value;

    return probe_property(connack, property, &value) ? value : otherwise;
}

/* Asks for more than any server gives, so that limits show. */
static void survey_5(struct check *check)
{
    struct check_target *target = check_subject(check);
    struct probe *probe = probe_connects(check, "02 FFFF (11 FFFFFFFE) S'~'");
    struct bytes connack = probe_connack(probe);

    target->maximum_qos = (uint8_t)announced(connack, MAXIMUM_QOS, 2);
    target->retain_available = announced(connack, RETAIN_AVAILABLE, 1) != 0;
    target->wildcards = announced(connack, WILDCARDS_AVAILABLE, 1) != 0;
    target->identifiers = announced(connack, IDENTIFIERS_AVAILABLE, 1) != 0;
    target->shared = announced(connack, SHARED_AVAILABLE, 1) != 0;
    target->receive_max = (uint16_t)announced(connack, RECEIVE_MAXIMUM, 0);
    target->alias_max = (uint16_t)announced(connack, ALIAS_MAXIMUM, 0);
    target->packet_max = announced(connack, PACKET_MAXIMUM, 0);
    target->keep_alive_s = (uint16_t)announced(connack, SERVER_KEEP_ALIVE, 0);
    target->expiry_s_max = announced(connack, SESSION_EXPIRY, 0);
    probe_disconnects(probe);
}

static void survey_3(struct check *check)
{
    probe_disconnects(probe_connects(check, "02 003C S'~'"));
}

static void survey_empty_id(struct check *check)
{
    struct check_target *target = check_subject(check);

    target->refuses_empty_id = true;
    probe_disconnects(
            probe_connects(check, "02 003C %s S''", check_version(check) == MQTT_5_0 ? "00" : ""));
    target->refuses_empty_id = false;
}

/* The topic is a literal, for it has to live as long as the target. */
static void survey_status(struct check *check)
{
    static const char *const topics[] = { "$SYS/broker/version", "$SYS/brokers", "$SYS/uptime" };
    struct check_target *target = check_subject(check);
    const char *properties = check_version(check) == MQTT_5_0 ? "00" : "";

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]) && !target->status_topic; i++) {
        struct probe *probe = probe_connected(check, "~");
        struct bytes packet;

        probe_send(probe, "82 RL 0001 %s S'%s' 00", properties, topics[i]);
        do {
            packet = probe_take_any(probe);
            if (packet.size > 0 && packet.data[0] == 0x31)
                target->status_topic = topics[i];
        } while (packet.size > 0 && !target->status_topic);
    }
}

/* The standards let a server send as few messages at once as it likes. */
static void survey_window(struct check *check)
{
    struct check_target *target = check_subject(check);
    struct probe *probe = probe_connected(check, "~");
    unsigned count = 0;

    probe_subscribes(probe, "~/window", 1);
    probe_publishes(probe, 2, "~/window", "1");
    probe_publishes(probe, 2, "~/window", "2");
    while (probe_take_any(probe).size > 0)
        count++;
    target->one_at_a_time = count == 1;
}

/* Plays one part of the survey; NULL when it went through, or why it did not. */
static char *play(
        void (*run)(struct check *check), struct check_target *target, struct check_setup *setup)
{
    const struct check_case part = { .name = "survey", .run = run };
    struct check_result result;
    char *reason = NULL;

    setup->subject = target;
    check_run(&result, &part, setup);
    if (result.outcome != CHECK_PASS) {
        reason = result.reason;
        result.reason = NULL;
    }
    check_result_deinit(&result);
    return reason;
}

char *check_survey(struct check_target *target, const struct wire *wire, const char *name)
{
    struct check_setup setup = { .target = target, .wire = wire };
    char *refusal = NULL;
    bool speaks_any = false;

    snprintf(setup.name, sizeof(setup.name), "%s", name);
    for (enum mqtt_version version = MQTT_5_0; version >= MQTT_3_1; version--) {
        char *reason;

        setup.version = version;
        target->speaks[version] = true;
        reason = play(version == MQTT_5_0 ? survey_5 : survey_3, target, &setup);
        target->speaks[version] = !reason;
        if (reason && !refusal)
            refusal = reason;
        else
            free(reason);
        if (!target->speaks[version] || speaks_any)
            continue;
        speaks_any = true;
        free(play(survey_empty_id, target, &setup));
        free(play(survey_status, target, &setup));
        free(play(survey_window, target, &setup));
    }
    if (!speaks_any)
        return refusal;
    free(refusal);
    return NULL;
}
