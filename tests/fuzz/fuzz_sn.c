/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of MQTT-SN as the victim of its gateway, and of whoever else sends to it, while the
 * program publishes, subscribes, sleeps, connects again, and time passes. What the engine tells is
 * well-formed, each datagram that it sends is one that a client may send, and no request is told
 * to be over that was not begun.
 *
 * The input is a row of steps: a byte that says what the program does, one that says who sends a
 * datagram (the highest bit) and how many bytes it has, and these.
 */
#include "nightjar/sn.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"
#include "tests/harness/any_message.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    OUT_SIZE = 48,
    DATAGRAM_MAX = 40,
    KNOWN = 2,
    NAME_SIZE = 4,
    HELD = 2,
    GATEWAYS = 2,
    SIZE_MAX_GIVEN = 127,
    STEP_MS = 900,
};

enum action {
    WAIT,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNSUBSCRIBE,
    CHANGE_WILL,
    SLEEP,
    WAKE,
    RESUME,
    LEAVE,
    CONNECT,
    GIVE_UP,
    SEARCH,
    ACTIONS
};

struct victim {
    struct nj_sn sn;
    uint8_t out[OUT_SIZE];
    struct nj_sn_known known[KNOWN];
    char names[KNOWN * NAME_SIZE];
    uint16_t held[HELD];
    struct nj_sn_gateway gateways[GATEWAYS];
    bool asks; /* a request is under way */
    unsigned steps;
    int64_t now_ms;
};

static void note(struct victim *victim, enum nj_error error)
{
    assert(error == NJ_OK || error == NJ_LATER || error == NJ_NOT_CONNECTED ||
            error == NJ_INVALID || error == NJ_TOO_LARGE);
    assert(error != NJ_OK || !victim->asks);
    victim->asks |= error == NJ_OK;
}

static void publish(struct victim *victim)
{
    static const char *const names[] = { "a", "b/c", "d", "longer" };
    const struct nj_sn_topic topics[] = { nj_sn_name(names[victim->steps % 4]), nj_sn_predefined(5),
        nj_sn_short("ab") };

    note(victim,
            nj_sn_publish(&victim->sn, &topics[victim->steps % 3],
                    nj_bytes_of(names, victim->steps % 16), (int)(victim->steps % 4) - 1, false,
                    victim->now_ms));
}

static void connect(struct victim *victim)
{
    const struct nj_sn_connect_options options = { .client_id = nj_text("c"),
        .will_topic = nj_text(victim->steps % 2 ? "w" : ""),
        .will_message = nj_text("gone"),
        .keep_alive_s = 5,
        .clean_session = victim->steps % 3 == 0 };

    assert(nj_sn_connect(&victim->sn, &options, victim->now_ms) == NJ_OK);
    victim->asks = true;
}

static void act(struct victim *victim, enum action action)
{
    const struct nj_sn_topic wanted = nj_sn_name(victim->steps % 2 ? "a/+" : "a");
    struct nj_sn *sn = &victim->sn;
    int64_t now_ms = victim->now_ms;

    if (action == PUBLISH)
        publish(victim);
    else if (action == REGISTER)
        note(victim, nj_sn_register(sn, nj_text("e"), now_ms));
    else if (action == SUBSCRIBE)
        note(victim, nj_sn_subscribe(sn, &wanted, (uint8_t)(victim->steps % 3), now_ms));
    else if (action == UNSUBSCRIBE)
        note(victim, nj_sn_unsubscribe(sn, &wanted, now_ms));
    else if (action == CHANGE_WILL)
        note(victim, nj_sn_change_will_topic(sn, nj_text("v"), 1, true, now_ms));
    else if (action == SLEEP)
        note(victim, nj_sn_sleep(sn, 9, now_ms));
    else if (action == WAKE)
        note(victim, nj_sn_wake(sn, now_ms));
    else if (action == LEAVE)
        note(victim, nj_sn_disconnect(sn, now_ms));
    else if (action == RESUME)
        victim->asks |= nj_sn_resume(sn, now_ms) == NJ_OK;
    else if (action == CONNECT)
        connect(victim);
    else if (action == SEARCH)
        assert(nj_sn_search(sn, 1, now_ms) == NJ_OK);
    if (action == GIVE_UP) {
        nj_sn_give_up(sn);
        victim->asks = false;
    }
}

/* Sends what there is; a client may say all of it. */
static void send_all(struct victim *victim)
{
    struct nj_sn_datagram datagram;

    while (nj_sn_output(&victim->sn, &datagram)) {
        struct any_message message;
        uint8_t data[DATAGRAM_MAX];

        assert(datagram.data.size > 0 && datagram.data.size <= DATAGRAM_MAX);
        memcpy(data, datagram.data.data, datagram.data.size);
        assert(any_message_decode(&message, bytes_of(data, datagram.data.size), MQTT_FROM_CLIENT) ==
                MQTT_SUCCESS);
        assert(datagram.to.size <= NJ_SN_ADDRESS_MAX);
        nj_sn_sent(&victim->sn);
    }
}

static void check_message(const struct nj_sn_event *event)
{
    const struct bytes name = bytes_of(event->topic.name.data, event->topic.name.size);

    assert(event->qos <= 2);
    assert(event->payload.size <= SIZE_MAX_GIVEN);
    assert(event->topic.kind == NJ_SN_PREDEFINED
                    ? event->topic.id == 5
                    : mqtt_utf8_valid(name) && mqtt_topic_name_valid(name));
}

static void listen(struct victim *victim)
{
    struct nj_sn_event event;

    while (nj_sn_next(&victim->sn, &event, victim->now_ms)) {
        switch (event.kind) {
        case NJ_SN_EVENT_MESSAGE:
            check_message(&event);
            break;
        case NJ_SN_EVENT_GATEWAY:
        case NJ_SN_EVENT_GATEWAY_GONE:
            assert(event.gateway && event.gateway->address_size <= NJ_SN_ADDRESS_MAX);
            break;
        case NJ_SN_EVENT_CONNECTED:
        case NJ_SN_EVENT_REFUSED:
        case NJ_SN_EVENT_DONE:
        case NJ_SN_EVENT_SUBSCRIBED:
        case NJ_SN_EVENT_ASLEEP:
            assert(victim->asks);
            victim->asks = event.kind == NJ_SN_EVENT_CONNECTED && event.has_kept;
            break;
        case NJ_SN_EVENT_ENDED:
        case NJ_SN_EVENT_LOST:
            victim->asks = false;
            break;
        }
    }
}

/* Gives the datagram in memory of just its size, until the engine is through with it. */
static void give(struct victim *victim, const char *sender, const uint8_t *data, size_t size)
{
    uint8_t *datagram = malloc(size > 0 ? size : 1);

    assert(datagram);
    memcpy(datagram, data, size);
    nj_sn_receive(&victim->sn, nj_text(sender), nj_bytes_of(datagram, size));
    listen(victim);
    free(datagram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct nj_sn_topic predefined = nj_sn_predefined(5);
    struct victim victim = { .now_ms = 1 };
    const struct nj_sn_setup setup = { .out = victim.out,
        .out_size = OUT_SIZE,
        .datagram_max = DATAGRAM_MAX,
        .known = victim.known,
        .known_count = KNOWN,
        .names = victim.names,
        .name_size = NAME_SIZE,
        .predefined = &predefined,
        .predefined_count = 1,
        .held = victim.held,
        .held_count = HELD,
        .gateways = victim.gateways,
        .gateway_count = GATEWAYS,
        .answers_search = true,
        .retry_ms = 1000,
        .retries = 2,
        .wait_ms = 5000,
        .search_ms = 1000,
        .gateway_info_ms = 500 };

    nj_sn_init(&victim.sn, &setup);
    assert(nj_sn_use_gateway(&victim.sn, nj_text("gw")) == NJ_OK);
    for (size_t at = 0; at + 2 <= size; victim.steps++) {
        size_t given = data[at + 1] & SIZE_MAX_GIVEN;
        const char *sender = data[at + 1] >> 7 ? "else" : "gw";

        act(&victim, (enum action)(data[at] % ACTIONS));
        send_all(&victim);
        at += 2;
        if (given > size - at)
            given = size - at;
        if (given > 0)
            give(&victim, sender, data + at, given);
        at += given;
        send_all(&victim);
        victim.now_ms += STEP_MS;
        nj_sn_tick(&victim.sn, victim.now_ms);
        listen(&victim);
        assert(nj_sn_due_ms(&victim.sn) > victim.now_ms ||
                nj_sn_output(&victim.sn, &(struct nj_sn_datagram){ .radius = 0 }));
    }
    return 0;
}
