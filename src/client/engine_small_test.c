/* SPDX-License-Identifier: Apache-2.0 */
#include "nightjar/engine.h"
#include "tests/harness/notation.h"
#include "tests/harness/test.h"

enum { SLOTS = 2, IN_SIZE = 64, OUT_SIZE = 40 };

/* An engine, and what it works in. */
struct scene {
    struct nj_engine engine;
    uint8_t in[IN_SIZE];
    uint8_t out[OUT_SIZE];
    struct nj_slot slots[SLOTS];
    struct notation given; /* what has come, as long as the engine borrows it */
    int64_t now_ms;
    struct nj_event event;
};

static void begin(struct scene *scene, enum nj_version version)
{
    struct nj_engine_setup setup;

    *scene = (struct scene){ .now_ms = 1000 };
    setup = (struct nj_engine_setup){ .version = version,
        .in = scene->in,
        .in_size = IN_SIZE,
        .out = scene->out,
        .out_size = OUT_SIZE,
        .slots = scene->slots,
        .slot_count = SLOTS };
    nj_engine_init(&scene->engine, &setup);
}

static void expect_output(struct scene *scene, const char *text)
{
    struct notation wanted = notation_read(text);
    struct nj_bytes output = nj_engine_output(&scene->engine);

    assert_int_equal(output.size, wanted.size);
    assert_memory_equal(output.data, wanted.data, wanted.size);
    nj_engine_sent(&scene->engine, output.size);
}

static bool next(struct scene *scene)
{
    return nj_engine_next(&scene->engine, &scene->event, scene->now_ms);
}

static void give(struct scene *scene, const char *text)
{
    scene->given = notation_read(text);
    nj_engine_receive(&scene->engine, scene->given.data, scene->given.size);
}

static void expect_event(struct scene *scene, enum nj_event_kind kind)
{
    assert_true(next(scene));
    assert_int_equal(scene->event.kind, kind);
}

static void connect_again(struct scene *scene)
{
    const struct nj_connect_options options = { .client_id = nj_text("c"), .keep_alive_s = 60 };

    assert_int_equal(nj_engine_connect(&scene->engine, &options, scene->now_ms), NJ_OK);
    expect_output(scene, "10 0d 0004 'MQTT' 04 02 003c 0001 'c'");
    give(scene, "20 02 00 00");
    expect_event(scene, NJ_EVENT_CONNECTED);
}

static void connected(struct scene *scene)
{
    begin(scene, NJ_MQTT_3_1_1);
    connect_again(scene);
    assert_false(next(scene));
}

static enum nj_error send(
        struct scene *scene, const char *topic, const char *payload, uint8_t qos, uint16_t *id)
{
    const struct nj_message message = {
        .topic = nj_text(topic), .payload = nj_text(payload), .qos = qos
    };

    return nj_engine_send(&scene->engine, &message, 7, id, scene->now_ms);
}

TEST(connect_says_who_comes)
{
    const struct nj_message will = {
        .topic = nj_text("w"), .payload = nj_text("p"), .qos = 1, .retain = true
    };
    struct nj_connect_options options = {
        .user_name = nj_text("u"), .password = nj_text("s"), .will = &will, .keep_alive_s = 2
    };
    struct scene scene;

    begin(&scene, NJ_MQTT_3_1_1);
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_OK);
    expect_output(&scene, "10 18 0004 'MQTT' 04 ee 0002 0000 0001 'w' 0001 'p' 0001 'u' 0001 's'");
    options.user_name = nj_text(NULL);
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_INVALID);
    options = (struct nj_connect_options){ .properties = nj_bytes_of("\x21\0\1", 3) };
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_INVALID);
    options = (struct nj_connect_options){ .client_id = nj_bytes_of(scene.in, OUT_SIZE) };
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_TOO_LARGE);
    begin(&scene, NJ_MQTT_5_0);
    options = (struct nj_connect_options){ .keep_alive_s = 1 };
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_INVALID);
}

TEST(the_server_lets_in_or_refuses)
{
    static const struct {
        const char *connack;
        enum nj_event_kind kind;
        uint8_t reason;
    } rows[] = {
        { "20 02 00 00", NJ_EVENT_CONNECTED, 0 },
        { "20 02 00 01", NJ_EVENT_REFUSED, 0x84 },
        { "20 02 00 05", NJ_EVENT_REFUSED, 0x87 },
        { "20 02 00 06", NJ_EVENT_ENDED, 0x81 },
        { "20 02 01 00", NJ_EVENT_ENDED, 0x81 },
        { "20 03 00 00 00", NJ_EVENT_ENDED, 0x81 },
        { "21 02 00 00", NJ_EVENT_ENDED, 0x81 },
        { "30 03 0001 'a'", NJ_EVENT_ENDED, 0x82 },
        { "d0 00", NJ_EVENT_ENDED, 0x82 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct nj_connect_options options = { .keep_alive_s = 60 };
        struct scene scene;

        begin(&scene, NJ_MQTT_3_1_1);
        assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_OK);
        give(&scene, rows[i].connack);
        expect_event(&scene, rows[i].kind);
        assert_int_equal(scene.event.reason, rows[i].reason);
        assert_false(next(&scene));
    }
}

TEST(messages_go_out_by_their_qos)
{
    struct scene scene;
    uint16_t id;

    connected(&scene);
    assert_int_equal(send(&scene, "a", "x", 0, NULL), NJ_OK);
    assert_int_equal(send(&scene, "a", "y", 1, &id), NJ_OK);
    expect_output(&scene, "30 04 0001 'a' 'x' 32 06 0001 'a' 0001 'y'");
    assert_int_equal(send(&scene, "a", "z", 1, &id), NJ_OK);
    assert_int_equal(id, 2);
    assert_int_equal(send(&scene, "a", "z", 1, &id), NJ_LATER); /* as many as there are slots */
    give(&scene, "40 02 0001 40 02 0002");
    expect_event(&scene, NJ_EVENT_DONE);
    assert_int_equal(scene.event.id, 1);
    assert_int_equal(scene.event.tag, 7);
    expect_event(&scene, NJ_EVENT_DONE);
    assert_int_equal(scene.event.id, 2);
    assert_false(next(&scene));
    assert_int_equal(scene.slots[0].id, 0);
}

TEST(what_it_does_not_do_is_refused)
{
    const struct nj_subscription wanted = { .filter = nj_text("a") };
    struct scene scene;
    uint16_t id;

    begin(&scene, NJ_MQTT_3_1_1);
    assert_int_equal(send(&scene, "a", "x", 0, NULL), NJ_NOT_CONNECTED);
    connected(&scene);
    assert_int_equal(send(&scene, "a", "x", 2, &id), NJ_INVALID);
    assert_int_equal(send(&scene, "", "x", 0, NULL), NJ_INVALID);
    assert_int_equal(send(&scene, "a/+", "x", 0, NULL), NJ_INVALID);
    assert_int_equal(
            send(&scene, "a", "0123456789012345678901234567890123456789", 0, NULL), NJ_TOO_LARGE);
    assert_int_equal(send(&scene, "a", "0123456789", 0, NULL), NJ_OK);
    assert_int_equal(send(&scene, "a", "012345678901234567890123456789", 0, NULL), NJ_LATER);
    assert_int_equal(
            nj_engine_subscribe(&scene.engine, &wanted, 0, nj_text(NULL), &id, 0), NJ_INVALID);
    assert_int_equal(
            nj_engine_subscribe(&scene.engine, &wanted, 1, nj_text("x"), &id, 0), NJ_INVALID);
    assert_int_equal(nj_engine_disconnect(&scene.engine, 4, nj_text(NULL), 0), NJ_INVALID);
}

TEST(messages_that_come_are_acknowledged_when_the_next_event_is_asked_for)
{
    struct scene scene;

    connected(&scene);
    give(&scene, "30 04 0001 'a' 'x' 3b 06 0001 'b' 0007 'y'");
    expect_event(&scene, NJ_EVENT_MESSAGE);
    assert_memory_equal(scene.event.message.topic.data, "a", 1);
    assert_int_equal(scene.event.message.payload.size, 1);
    expect_event(&scene, NJ_EVENT_MESSAGE);
    assert_int_equal(scene.event.message.qos, 1);
    assert_int_equal(scene.event.message.id, 7);
    assert_true(scene.event.message.retain);
    assert_true(scene.event.message.dup);
    assert_memory_equal(scene.event.message.payload.data, "y", 1);
    assert_int_equal(nj_engine_output(&scene.engine).size, 0);
    assert_false(next(&scene));
    expect_output(&scene, "40 02 0007");
}

TEST(packets_may_come_byte_by_byte)
{
    struct scene scene;
    const struct notation whole =
            notation_read("32 06 0001 'b' 0007 'y' d0 00 32 05 0001 'c' 0008");
    unsigned messages = 0;

    connected(&scene);
    for (size_t i = 0; i < whole.size; i++) {
        assert_true(nj_engine_may_receive(&scene.engine));
        nj_engine_receive(&scene.engine, whole.data + i, 1);
        while (next(&scene))
            messages += scene.event.kind == NJ_EVENT_MESSAGE;
    }
    assert_int_equal(messages, 2);
    expect_output(&scene, "40 02 0007 40 02 0008");
}

TEST(subscriptions_are_asked_for_and_answered)
{
    const struct nj_subscription wanted[] = { { .filter = nj_text("a"), .qos = 1 },
        { .filter = nj_text("b/#") } };
    const struct nj_bytes filter = nj_text("a");
    struct scene scene;
    uint16_t id;

    connected(&scene);
    assert_int_equal(nj_engine_subscribe(&scene.engine, wanted, 2, nj_text(NULL), &id, 0), NJ_OK);
    expect_output(&scene, "82 0c 0001 0001 'a' 01 0003 'b/#' 00");
    give(&scene, "90 04 0001 01 80");
    expect_event(&scene, NJ_EVENT_SUBSCRIBED);
    assert_int_equal(scene.event.id, id);
    assert_memory_equal(scene.event.codes.data, "\x01\x80", 2);
    assert_int_equal(
            nj_engine_unsubscribe(&scene.engine, &filter, 1, nj_text(NULL), &id, 0), NJ_OK);
    expect_output(&scene, "a2 05 0002 0001 'a'");
    assert_false(next(&scene));
    give(&scene, "b0 02 0002");
    expect_event(&scene, NJ_EVENT_UNSUBSCRIBED);
    assert_int_equal(scene.event.id, id);
}

TEST(what_was_in_flight_is_told_as_lost_by_the_next_connection)
{
    struct scene scene;
    uint16_t id;

    connected(&scene);
    send(&scene, "a", "x", 1, &id);
    send(&scene, "a", "y", 1, &id);
    nj_engine_closed(&scene.engine);
    connect_again(&scene);
    assert_int_equal(send(&scene, "a", "z", 1, &id), NJ_LATER);
    for (uint16_t lost = 1; lost <= 2; lost++) {
        expect_event(&scene, NJ_EVENT_LOST);
        assert_int_equal(scene.event.id, lost);
        assert_int_equal(scene.event.tag, 7);
    }
    assert_false(next(&scene));
    assert_int_equal(send(&scene, "a", "z", 1, &id), NJ_OK);
}

TEST(what_no_server_may_send_ends_the_connection)
{
    static const char *const rows[] = {
        "20 02 00 00",   /* once is enough */
        "40 02 0009",    /* nothing flies */
        "40 03 0001 00", /* longer than it is */
        "50 02 0001",    /* PUBREC: QoS 2 is none of ours */
        "34 06 0001 'a' 0001 'x'", "36 06 0001 'a' 0001 'x'", "32 05 0001 'a' 0000", /* id 0 */
        "30 02 0000",                                                                /* no topic */
        "30 03 0001 '#'", "30 03 0005 'a'",  /* shorter than it says */
        "90 03 0001 00",                     /* nothing was asked */
        "90 02 0001", "b0 02 0001", "e0 00", /* not in 3.1.1 */
        "30 ff ff ff ff 01", "30 80 01",     /* larger than `in` */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;

        connected(&scene);
        give(&scene, rows[i]);
        expect_event(&scene, NJ_EVENT_ENDED);
        assert_true(scene.event.reason >= 0x80);
        assert_false(next(&scene));
        assert_int_equal(nj_engine_output(&scene.engine).size, 0);
    }
}

TEST(silence_is_broken_by_a_ping_and_ended_without_an_answer)
{
    struct scene scene;

    connected(&scene);
    assert_int_equal(nj_engine_due_ms(&scene.engine), 61000);
    nj_engine_tick(&scene.engine, 61000);
    expect_output(&scene, "c0 00");
    give(&scene, "d0 00");
    assert_false(next(&scene));
    assert_int_equal(nj_engine_due_ms(&scene.engine), 121000);
    nj_engine_tick(&scene.engine, 121000);
    expect_output(&scene, "c0 00");
    nj_engine_tick(&scene.engine, 181000);
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x8D);
}

TEST(where_there_is_no_room_to_answer_nothing_is_read)
{
    struct scene scene;

    connected(&scene);
    assert_int_equal(send(&scene, "a", "0123456789012345678901234567", 0, NULL), NJ_OK);
    give(&scene, "32 06 0001 'b' 0007 'y'");
    assert_false(next(&scene));
    assert_false(nj_engine_may_receive(&scene.engine));
    nj_engine_sent(&scene.engine, nj_engine_output(&scene.engine).size);
    expect_event(&scene, NJ_EVENT_MESSAGE);
}

TEST(it_says_goodbye)
{
    struct scene scene;

    connected(&scene);
    assert_int_equal(nj_engine_disconnect(&scene.engine, 0, nj_text(NULL), 0), NJ_OK);
    expect_output(&scene, "e0 00");
    assert_false(next(&scene));
    assert_int_equal(send(&scene, "a", "x", 0, NULL), NJ_NOT_CONNECTED);
}
