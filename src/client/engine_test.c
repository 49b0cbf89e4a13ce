/* SPDX-License-Identifier: Apache-2.0 */
#include "nightjar/engine.h"
#include "tests/harness/notation.h"
#include "tests/harness/test.h"

enum { SLOTS = 3, HELD = 2, ALIASES = 2, ALIAS_SIZE = 12, IN_SIZE = 64, OUT_SIZE = 64 };

/* An engine, and what it works in. */
struct scene {
    struct nj_engine engine;
    struct nj_engine_setup setup;
    uint8_t in[IN_SIZE];
    uint8_t out[OUT_SIZE];
    struct nj_slot slots[SLOTS];
    uint16_t held[HELD];
    uint8_t aliases[ALIASES * ALIAS_SIZE];
    struct notation given; /* what has come, as long as the engine borrows it */
    int64_t now_ms;
    struct nj_event event;
};

static void begin(struct scene *scene, enum nj_version version)
{
    *scene = (struct scene){ .now_ms = 1000 };
    scene->setup = (struct nj_engine_setup){ .version = version,
        .in = scene->in,
        .in_size = IN_SIZE,
        .out = scene->out,
        .out_size = OUT_SIZE,
        .slots = scene->slots,
        .slot_count = SLOTS,
        .held = scene->held,
        .held_count = HELD,
        .aliases = scene->aliases,
        .alias_count = ALIASES,
        .alias_size = ALIAS_SIZE };
    nj_engine_init(&scene->engine, &scene->setup);
}

static void expect_output(struct scene *scene, const char *text)
{
    struct notation wanted = notation_read(text);
    struct nj_bytes output = nj_engine_output(&scene->engine);

    assert_int_equal(output.size, wanted.size);
    assert_memory_equal(output.data, wanted.data, wanted.size);
    nj_engine_sent(&scene->engine, output.size);
    assert_int_equal(nj_engine_output(&scene->engine).size, 0);
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

static void expect_text(struct nj_bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

/* Connects with the id "c"; `connack` is the server's answer. */
static void connect_with(struct scene *scene, bool clean_start, const char *connack)
{
    const struct nj_connect_options options = {
        .client_id = nj_text("c"), .keep_alive_s = 60, .clean_start = clean_start
    };

    assert_int_equal(nj_engine_connect(&scene->engine, &options, scene->now_ms), NJ_OK);
    nj_engine_sent(&scene->engine, nj_engine_output(&scene->engine).size);
    give(scene, connack);
    expect_event(scene, NJ_EVENT_CONNECTED);
}

static void connected(struct scene *scene, enum nj_version version)
{
    begin(scene, version);
    connect_with(scene, true, version == NJ_MQTT_5_0 ? "20 03 00 00 00" : "20 02 00 00");
    assert_false(next(scene));
}

static enum nj_error send(struct scene *scene, const char *topic, uint8_t qos, uint16_t *id)
{
    const struct nj_message message = {
        .topic = nj_text(topic), .payload = nj_text("x"), .qos = qos
    };

    return nj_engine_send(&scene->engine, &message, 7, id, scene->now_ms);
}

/* ---- Connecting ---- */

TEST(connect_says_who_comes_and_what_the_engine_takes)
{
    const struct nj_message will = {
        .topic = nj_text("w"), .payload = nj_text("p"), .qos = 1, .retain = true
    };
    const struct nj_connect_options options = { .client_id = nj_text("c"),
        .user_name = nj_text("u"),
        .password = nj_text("s"),
        .will = &will,
        .keep_alive_s = 60 };
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_OK);
    expect_output(&scene,
            "10 26 00 04 'MQTT' 05 ec 003c 0b 21 0002 22 0002 27 00000040 0001 'c' 00 "
            "0001 'w' 0001 'p' 0001 'u' 0001 's'");
    begin(&scene, NJ_MQTT_3_1_1);
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_OK);
    expect_output(
            &scene, "10 19 00 04 'MQTT' 04 ec 003c 0001 'c' 0001 'w' 0001 'p' 0001 'u' 0001 's'");
    begin(&scene, NJ_MQTT_3_1);
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_OK);
    expect_output(
            &scene, "10 1b 00 06 'MQIsdp' 03 ec 003c 0001 'c' 0001 'w' 0001 'p' 0001 'u' 0001 's'");
}

TEST(a_server_that_knows_older_versions_alone_is_understood)
{
    const struct nj_connect_options options = { .client_id = nj_text("c"), .clean_start = true };
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_OK);
    give(&scene, "20 02 00 01");
    expect_event(&scene, NJ_EVENT_REFUSED);
    assert_int_equal(scene.event.reason, 0x84);
    begin(&scene, NJ_MQTT_5_0);
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_OK);
    give(&scene, "20 02 00 00"); /* one that lets us in must say so in our words */
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x81);
}

TEST(connect_refuses_what_no_server_may_take)
{
    const struct nj_message bad_will = { .topic = nj_text("a/#") };
    const struct nj_connect_options rows[] = {
        { .client_id = nj_text("") },
        { .client_id = nj_text("\xff") },
        { .client_id = nj_text("c"), .password = nj_text("without a name") },
        { .client_id = nj_text("c"), .will = &bad_will },
        { .client_id = nj_text("c"), .properties = nj_text("x") },
    };
    struct scene scene;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(&scene, NJ_MQTT_3_1_1);
        assert_int_equal(nj_engine_connect(&scene.engine, &rows[i], 0), NJ_INVALID);
        assert_int_equal(nj_engine_output(&scene.engine).size, 0);
    }
}

TEST(the_server_lets_in_or_refuses)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_5_0);
    assert_false(scene.event.session_present);
    begin(&scene, NJ_MQTT_5_0);
    nj_engine_connect(&scene.engine, &(struct nj_connect_options){ .client_id = nj_text("c") }, 0);
    give(&scene, "20 08 00 87 05 1f 0002 'no'");
    expect_event(&scene, NJ_EVENT_REFUSED);
    assert_int_equal(scene.event.reason, 0x87);
    assert_int_equal(scene.event.properties.size, 5);
    assert_false(next(&scene));
    assert_int_equal(send(&scene, "a", 0, NULL), NJ_NOT_CONNECTED);
}

TEST(before_connack_nothing_else_may_come)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_3_1_1);
    nj_engine_connect(&scene.engine,
            &(struct nj_connect_options){ .client_id = nj_text("c"), .clean_start = true }, 0);
    give(&scene, "d0 00");
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x82);
    assert_false(scene.event.by_server);
}

TEST(a_session_that_was_not_wanted_is_an_error)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_3_1_1);
    nj_engine_connect(&scene.engine,
            &(struct nj_connect_options){ .client_id = nj_text("c"), .clean_start = true }, 0);
    give(&scene, "20 02 01 00");
    expect_event(&scene, NJ_EVENT_ENDED);
}

/* ---- Sending ---- */

TEST(messages_go_out_by_their_qos)
{
    struct scene scene;
    uint16_t id = 0;

    connected(&scene, NJ_MQTT_3_1_1);
    assert_int_equal(send(&scene, "a", 0, NULL), NJ_OK);
    expect_output(&scene, "30 04 0001 'a' 'x'");
    assert_int_equal(send(&scene, "a", 1, &id), NJ_OK);
    assert_int_equal(id, 1);
    expect_output(&scene, "32 06 0001 'a' 0001 'x'");
    give(&scene, "40 02 0001");
    expect_event(&scene, NJ_EVENT_DONE);
    assert_int_equal(scene.event.id, 1);
    assert_int_equal(scene.event.tag, 7);
    assert_int_equal(send(&scene, "a", 2, &id), NJ_OK);
    assert_int_equal(id, 2);
    expect_output(&scene, "34 06 0001 'a' 0002 'x'");
    give(&scene, "50 02 0002");
    assert_false(next(&scene));
    expect_output(&scene, "62 02 0002");
    give(&scene, "70 02 0002");
    expect_event(&scene, NJ_EVENT_DONE);
    assert_int_equal(scene.event.reason, 0);
}

TEST(no_more_fly_than_there_are_slots_or_the_server_takes)
{
    struct scene scene;
    uint16_t id;

    begin(&scene, NJ_MQTT_5_0);
    connect_with(&scene, true, "20 06 00 00 03 21 0002");
    assert_false(next(&scene));
    assert_int_equal(send(&scene, "a", 1, &id), NJ_OK);
    assert_int_equal(send(&scene, "b", 2, &id), NJ_OK);
    assert_int_equal(send(&scene, "c", 1, &id), NJ_LATER);
    assert_int_equal(send(&scene, "c", 0, NULL), NJ_OK);
    give(&scene, "40 03 0001 10");
    expect_event(&scene, NJ_EVENT_DONE);
    assert_int_equal(scene.event.reason, 0x10);
    assert_int_equal(send(&scene, "c", 1, &id), NJ_OK);
    assert_int_equal(id, 3);
}

TEST(what_the_server_does_not_take_is_not_sent)
{
    struct scene scene;
    struct nj_message message = { .topic = nj_text("a"), .retain = true };
    uint16_t id;

    begin(&scene, NJ_MQTT_5_0);
    connect_with(&scene, true, "20 0c 00 00 09 24 00 25 00 27 00000010");
    assert_false(next(&scene));
    assert_int_equal(send(&scene, "a", 1, &id), NJ_NOT_OFFERED);
    assert_int_equal(nj_engine_send(&scene.engine, &message, 0, NULL, 0), NJ_NOT_OFFERED);
    assert_int_equal(send(&scene, "a", 0, NULL), NJ_OK);
    assert_int_equal(send(&scene, "a topic too long", 0, NULL), NJ_TOO_LARGE);
    assert_int_equal(send(&scene, "a/+", 0, NULL), NJ_INVALID);
    assert_int_equal(send(&scene, "", 0, NULL), NJ_INVALID);
}

TEST(output_that_is_full_is_for_later)
{
    struct scene scene;
    char topic[] = "a topic of twenty by";

    connected(&scene, NJ_MQTT_3_1_1);
    assert_int_equal(send(&scene, topic, 0, NULL), NJ_OK);
    assert_int_equal(send(&scene, topic, 0, NULL), NJ_OK);
    assert_int_equal(send(&scene, topic, 0, NULL), NJ_LATER);
    nj_engine_sent(&scene.engine, 25);
    assert_int_equal(send(&scene, topic, 0, NULL), NJ_OK);
    nj_engine_sent(&scene.engine, nj_engine_output(&scene.engine).size);
    assert_int_equal(
            send(&scene, "a topic that is longer than all the room that there is for output", 0,
                    NULL),
            NJ_TOO_LARGE);
}

TEST(a_refused_message_is_told)
{
    struct scene scene;
    uint16_t id;

    connected(&scene, NJ_MQTT_5_0);
    assert_int_equal(send(&scene, "a", 2, &id), NJ_OK);
    nj_engine_sent(&scene.engine, nj_engine_output(&scene.engine).size);
    give(&scene, "50 03 0001 87");
    expect_event(&scene, NJ_EVENT_DONE);
    assert_int_equal(scene.event.reason, 0x87);
    assert_false(next(&scene));
    assert_int_equal(nj_engine_output(&scene.engine).size, 0);
}

/* ---- Sessions ---- */

TEST(what_was_in_flight_is_sent_again_in_its_order)
{
    const struct nj_message message = { .topic = nj_text("a"), .payload = nj_text("x"), .qos = 1 };
    struct scene scene;
    uint16_t id;

    begin(&scene, NJ_MQTT_3_1_1);
    connect_with(&scene, false, "20 02 00 00");
    assert_false(next(&scene));
    assert_int_equal(send(&scene, "a", 1, &id), NJ_OK);
    assert_int_equal(send(&scene, "a", 2, &id), NJ_OK);
    nj_engine_sent(&scene.engine, nj_engine_output(&scene.engine).size);
    give(&scene, "50 02 0002");
    assert_false(next(&scene));
    nj_engine_closed(&scene.engine);
    connect_with(&scene, false, "20 02 01 00");
    assert_true(scene.event.session_present);
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(scene.event.id, 1);
    assert_int_equal(scene.event.tag, 7);
    assert_int_equal(send(&scene, "new", 1, &id), NJ_LATER); /* not before the old ones */
    assert_int_equal(nj_engine_send_again(&scene.engine, 2, &message, 0), NJ_UNKNOWN_ID);
    assert_int_equal(nj_engine_send_again(&scene.engine, 9, &message, 0), NJ_UNKNOWN_ID);
    assert_int_equal(nj_engine_send_again(&scene.engine, 1, &message, 0), NJ_OK);
    assert_false(next(&scene));
    expect_output(&scene, "3a 06 0001 'a' 0001 'x' 62 02 0002");
    assert_int_equal(send(&scene, "new", 1, &id), NJ_OK);
    assert_int_equal(id, 3);
}

/* Two of QoS 1 and one of QoS 2 in flight, and the connection cut. */
static void leave_three(struct scene *scene, enum nj_version version)
{
    uint16_t id;

    begin(scene, version);
    connect_with(scene, false, version == NJ_MQTT_5_0 ? "20 03 00 00 00" : "20 02 00 00");
    assert_false(next(scene));
    assert_int_equal(send(scene, "a", 1, &id), NJ_OK);
    assert_int_equal(send(scene, "a", 2, &id), NJ_OK);
    assert_int_equal(send(scene, "a", 1, &id), NJ_OK);
    nj_engine_closed(&scene->engine);
}

static enum nj_error send_again(struct scene *scene, uint16_t id, uint8_t qos, const char *payload)
{
    const struct nj_message message = {
        .topic = nj_text("a"), .payload = nj_text(payload), .qos = qos
    };

    return nj_engine_send_again(&scene->engine, id, &message, scene->now_ms);
}

TEST(no_more_is_sent_again_than_the_server_takes_now)
{
    struct scene scene;

    leave_three(&scene, NJ_MQTT_5_0);
    connect_with(&scene, false, "20 06 01 00 03 21 0001");
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(send_again(&scene, 1, 2, "x"), NJ_INVALID);
    assert_int_equal(send_again(&scene, 1, 1, "x"), NJ_OK);
    assert_false(next(&scene));
    give(&scene, "40 02 0001");
    expect_event(&scene, NJ_EVENT_DONE);
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(scene.event.id, 2);
    assert_int_equal(send_again(&scene, 2, 2, "x"), NJ_OK);
    assert_false(next(&scene));
}

TEST(what_there_is_no_room_for_is_asked_for_again_when_output_was_sent)
{
    static const char large[] = "0123456789012345678901234567890123456789";
    struct scene scene;

    leave_three(&scene, NJ_MQTT_3_1_1);
    connect_with(&scene, false, "20 02 01 00");
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(send_again(&scene, 1, 1, large), NJ_OK);
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(send_again(&scene, 2, 2, large), NJ_LATER);
    assert_false(next(&scene));
    nj_engine_sent(&scene.engine, nj_engine_output(&scene.engine).size);
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(scene.event.id, 2);
    assert_int_equal(send_again(&scene, 2, 2, large), NJ_OK);
}

TEST(what_cannot_be_sent_again_is_given_up)
{
    struct scene scene;

    leave_three(&scene, NJ_MQTT_5_0);
    connect_with(&scene, false, "20 08 01 00 05 27 00000004");
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(send_again(&scene, 1, 1, "x"), NJ_TOO_LARGE);
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(scene.event.id, 1);
    assert_int_equal(nj_engine_give_up(&scene.engine, 1), NJ_OK);
    assert_int_equal(nj_engine_give_up(&scene.engine, 1), NJ_UNKNOWN_ID);
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(nj_engine_give_up(&scene.engine, 2), NJ_OK);
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(scene.event.id, 3);
    expect_output(&scene, "62 02 0002");
    give(&scene, "70 03 0002 92");
    assert_int_equal(nj_engine_give_up(&scene.engine, 3), NJ_OK);
    expect_event(&scene, NJ_EVENT_DONE);
    assert_int_equal(scene.event.id, 2);
    assert_int_equal(scene.event.reason, 0);
}

TEST(a_loss_that_was_not_told_is_told_in_the_next_connection)
{
    struct scene scene;

    leave_three(&scene, NJ_MQTT_3_1_1);
    connect_with(&scene, false, "20 02 00 00");
    expect_event(&scene, NJ_EVENT_LOST);
    assert_int_equal(scene.event.id, 1);
    nj_engine_closed(&scene.engine);
    connect_with(&scene, false, "20 02 01 00");
    expect_event(&scene, NJ_EVENT_LOST);
    assert_int_equal(scene.event.id, 2);
    expect_event(&scene, NJ_EVENT_LOST);
    assert_int_equal(scene.event.id, 3);
    assert_false(next(&scene));
}

TEST(a_session_that_is_lost_is_told)
{
    struct scene scene;
    uint16_t id;

    begin(&scene, NJ_MQTT_3_1_1);
    connect_with(&scene, false, "20 02 00 00");
    assert_false(next(&scene));
    send(&scene, "a", 1, &id);
    send(&scene, "a", 2, &id);
    nj_engine_sent(&scene.engine, nj_engine_output(&scene.engine).size);
    give(&scene, "50 02 0002 34 06 0001 'a' 0009 'x'");
    expect_event(&scene, NJ_EVENT_MESSAGE);
    assert_int_equal(scene.held[0], 9);
    nj_engine_closed(&scene.engine);
    connect_with(&scene, false, "20 02 00 00");
    assert_int_equal(scene.held[0], 0);
    expect_event(&scene, NJ_EVENT_LOST);
    assert_int_equal(scene.event.id, 1);
    expect_event(&scene, NJ_EVENT_DONE); /* its PUBREC had come */
    assert_int_equal(scene.event.id, 2);
    assert_false(next(&scene));
    assert_int_equal(scene.slots[0].id, 0);
    assert_int_equal(nj_engine_output(&scene.engine).size, 0);
}

TEST(slots_given_back_go_on_after_a_restart)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_3_1_1);
    scene.slots[0] = (struct nj_slot){ .tag = 9, .id = 4, .state = 0 };
    connect_with(&scene, false, "20 02 01 00");
    expect_event(&scene, NJ_EVENT_SEND_AGAIN);
    assert_int_equal(scene.event.id, 4);
    assert_int_equal(scene.event.tag, 9);
}

/* ---- Receiving ---- */

TEST(a_message_is_acknowledged_when_the_next_event_is_asked_for)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_5_0);
    give(&scene, "33 0e 0001 'a' 0005 07 03 0004 'text' 'x'");
    expect_event(&scene, NJ_EVENT_MESSAGE);
    expect_text(scene.event.message.topic, "a");
    expect_text(scene.event.message.payload, "x");
    assert_int_equal(scene.event.message.qos, 1);
    assert_true(scene.event.message.retain);
    assert_int_equal(nj_engine_output(&scene.engine).size, 0);
    assert_false(next(&scene));
    expect_output(&scene, "40 02 0005");
}

TEST(qos_2_is_told_once)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_3_1_1);
    give(&scene, "34 06 0001 'a' 0005 'x' 3c 06 0001 'a' 0005 'x' 62 02 0005 62 02 0005");
    expect_event(&scene, NJ_EVENT_MESSAGE);
    assert_false(next(&scene));
    expect_output(&scene, "50 02 0005 50 02 0005 70 02 0005 70 02 0005");
    give(&scene, "34 06 0001 'a' 0005 'x'"); /* the id is free again */
    expect_event(&scene, NJ_EVENT_MESSAGE);
}

TEST(more_at_qos_2_than_was_said_ends_the_connection)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_5_0);
    give(&scene,
            "34 07 0001 'a' 0001 00 'x' 34 07 0001 'a' 0002 00 'x' 34 07 0001 'a' 0003 00 'x'");
    expect_event(&scene, NJ_EVENT_MESSAGE);
    expect_event(&scene, NJ_EVENT_MESSAGE);
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x93);
    expect_output(&scene, "50 02 0001 50 02 0002 e0 01 93");
}

TEST(aliases_stand_for_topics)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_5_0);
    give(&scene, "30 09 0003 'a/b' 03 23 0002 30 06 0000 03 23 0002");
    expect_event(&scene, NJ_EVENT_MESSAGE);
    expect_text(scene.event.message.topic, "a/b");
    expect_event(&scene, NJ_EVENT_MESSAGE);
    expect_text(scene.event.message.topic, "a/b");
    give(&scene, "30 06 0000 03 23 0003");
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x94);
    /* They are of one connection only. */
    connected(&scene, NJ_MQTT_5_0);
    give(&scene, "30 06 0000 03 23 0002");
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x82);
}

TEST(packets_may_come_in_any_pieces)
{
    static const char text[] =
            "32 06 0001 'a' 0001 'x' 34 06 0001 'b' 0002 'y' 62 02 0002 30 04 0001 'c' 'z'";
    const struct notation bytes = notation_read(text);

    for (size_t piece = 1; piece <= bytes.size; piece++) {
        struct scene scene;
        char seen[4] = "";
        size_t count = 0;

        connected(&scene, NJ_MQTT_3_1_1);
        for (size_t at = 0; at < bytes.size; at += piece) {
            size_t size = bytes.size - at < piece ? bytes.size - at : piece;

            nj_engine_receive(&scene.engine, bytes.data + at, size);
            while (next(&scene)) {
                assert_int_equal(scene.event.kind, NJ_EVENT_MESSAGE);
                assert_true(count < 3);
                seen[count++] = *(const char *)scene.event.message.payload.data;
            }
        }
        assert_string_equal(seen, "xyz");
        expect_output(&scene, "40 02 0001 50 02 0002 70 02 0002");
    }
}

TEST(a_packet_without_a_body_may_come_byte_by_byte)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_5_0);
    give(&scene, "e0");
    assert_false(next(&scene));
    give(&scene, "00");
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_true(scene.event.by_server);
}

TEST(a_packet_larger_than_the_buffer_ends_the_connection)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_5_0);
    give(&scene, "30 3f");
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x95);
    expect_output(&scene, "e0 01 95");
}

TEST(where_there_is_no_room_to_answer_nothing_is_read)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_3_1_1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(send(&scene, "abcdefgh", 0, NULL), NJ_OK);
    assert_int_equal(send(&scene, "abcdef", 0, NULL), NJ_OK); /* 63 of 64 bytes are taken */
    give(&scene, "32 06 0001 'a' 0001 'x'");
    assert_false(next(&scene));
    assert_false(nj_engine_may_receive(&scene.engine));
    nj_engine_sent(&scene.engine, 60);
    expect_event(&scene, NJ_EVENT_MESSAGE);
    assert_true(nj_engine_may_receive(&scene.engine));
}

/* ---- Subscriptions, AUTH, the end ---- */

TEST(subscriptions_are_asked_for_and_answered)
{
    const struct nj_subscription wanted[] = {
        { .filter = nj_text("a/+"), .qos = 1 },
        { .filter = nj_text("b"), .qos = 2, .no_local = true, .retain_handling = 2 },
    };
    const struct nj_bytes gone[] = { nj_text("a/+"), nj_text("b") };
    struct scene scene;
    uint16_t id;

    connected(&scene, NJ_MQTT_5_0);
    assert_int_equal(
            nj_engine_subscribe(&scene.engine, wanted, 2, nj_bytes_of("\x0b\x05", 2), &id, 0),
            NJ_OK);
    expect_output(&scene, "82 0f 0001 02 0b 05 0003 'a/+' 01 0001 'b' 26");
    give(&scene, "90 05 0001 00 01 87");
    expect_event(&scene, NJ_EVENT_SUBSCRIBED);
    assert_int_equal(scene.event.id, id);
    assert_int_equal(scene.event.codes.size, 2);
    assert_memory_equal(scene.event.codes.data, "\x01\x87", 2);
    assert_int_equal(
            nj_engine_unsubscribe(&scene.engine, gone, 2, nj_bytes_of(NULL, 0), &id, 0), NJ_OK);
    expect_output(&scene, "a2 0b 0002 00 0003 'a/+' 0001 'b'");
    give(&scene, "b0 05 0002 00 00 11");
    expect_event(&scene, NJ_EVENT_UNSUBSCRIBED);
    assert_memory_equal(scene.event.codes.data, "\x00\x11", 2);
}

TEST(an_answer_to_another_question_is_none)
{
    const struct nj_subscription wanted = { .filter = nj_text("a") };
    const struct nj_bytes gone = nj_text("a");
    struct scene scene;
    uint16_t id;

    connected(&scene, NJ_MQTT_3_1_1);
    assert_int_equal(
            nj_engine_unsubscribe(&scene.engine, &gone, 1, nj_bytes_of(NULL, 0), &id, 0), NJ_OK);
    assert_int_equal(
            nj_engine_subscribe(&scene.engine, &wanted, 1, nj_bytes_of(NULL, 0), &id, 0), NJ_OK);
    give(&scene, "b0 02 0009 90 03 0001 00 b0 02 0002 90 03 0002 00 b0 02 0001");
    expect_event(&scene, NJ_EVENT_SUBSCRIBED);
    assert_int_equal(scene.event.id, 2);
    expect_event(&scene, NJ_EVENT_UNSUBSCRIBED);
    assert_int_equal(scene.event.id, 1);
    assert_false(next(&scene));
}

TEST(as_many_questions_as_may_wait_are_asked)
{
    const struct nj_subscription wanted = { .filter = nj_text("a") };
    struct scene scene;
    uint16_t id;

    connected(&scene, NJ_MQTT_3_1_1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(
                nj_engine_subscribe(&scene.engine, &wanted, 1, nj_bytes_of(NULL, 0), &id, 0),
                i < 4 ? NJ_OK : NJ_LATER);
    give(&scene, "90 03 0002 00");
    expect_event(&scene, NJ_EVENT_SUBSCRIBED);
    assert_int_equal(
            nj_engine_subscribe(&scene.engine, &wanted, 1, nj_bytes_of(NULL, 0), &id, 0), NJ_OK);
    assert_int_equal(id, 5);
}

TEST(filters_that_break_the_rules_are_not_asked_for)
{
    static const char *const filters[] = { "", "a#", "a/#/b", "+a", "\xff" };
    struct scene scene;
    uint16_t id;

    connected(&scene, NJ_MQTT_3_1_1);
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        const struct nj_subscription wanted = { .filter = nj_text(filters[i]) };
        const struct nj_bytes gone = nj_text(filters[i]);

        assert_int_equal(
                nj_engine_subscribe(&scene.engine, &wanted, 1, nj_bytes_of(NULL, 0), &id, 0),
                NJ_INVALID);
        assert_int_equal(
                nj_engine_unsubscribe(&scene.engine, &gone, 1, nj_bytes_of(NULL, 0), &id, 0),
                NJ_INVALID);
    }
    assert_int_equal(nj_engine_output(&scene.engine).size, 0);
}

TEST(an_exchange_goes_on_until_the_server_lets_in)
{
    const struct nj_connect_options options = { .client_id = nj_text("c"),
        .clean_start = true,
        .properties = nj_bytes_of("\x15\0\1M\x16\0\1d", 8) };
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    assert_int_equal(nj_engine_connect(&scene.engine, &options, 0), NJ_OK);
    nj_engine_sent(&scene.engine, nj_engine_output(&scene.engine).size);
    give(&scene, "f0 0a 18 08 15 0001 'M' 16 0001 'q'");
    expect_event(&scene, NJ_EVENT_AUTH);
    assert_int_equal(scene.event.reason, 0x18);
    assert_int_equal(
            nj_engine_auth(&scene.engine, 0x18, nj_bytes_of("\x15\0\1M\x16\0\1a", 8), 0), NJ_OK);
    expect_output(&scene, "f0 0a 18 08 15 0001 'M' 16 0001 'a'");
    give(&scene, "20 03 00 00 00");
    expect_event(&scene, NJ_EVENT_CONNECTED);
}

TEST(either_side_may_say_goodbye)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_5_0);
    give(&scene, "e0 01 8b");
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_true(scene.event.by_server);
    assert_int_equal(scene.event.reason, 0x8b);
    connected(&scene, NJ_MQTT_5_0);
    assert_int_equal(nj_engine_disconnect(&scene.engine, 4, nj_bytes_of(NULL, 0), 0), NJ_OK);
    expect_output(&scene, "e0 01 04");
    assert_int_equal(send(&scene, "a", 0, NULL), NJ_NOT_CONNECTED);
    connected(&scene, NJ_MQTT_3_1_1);
    assert_int_equal(nj_engine_disconnect(&scene.engine, 0, nj_bytes_of(NULL, 0), 0), NJ_OK);
    expect_output(&scene, "e0 00");
}

TEST(what_no_server_may_send_ends_the_connection)
{
    static const struct {
        const char *bytes;
        uint8_t reason;
    } rows[] = {
        { "10 00", 0x82 },
        { "20 03 00 00 00", 0x82 },
        { "82 02 0001", 0x82 },
        { "c0 00", 0x82 },
        { "d0 01 00", 0x81 },
        { "d1 00", 0x81 },
        { "36 07 0001 'a' 0001 00 'x'", 0x81 },
        { "00 00", 0x81 },
        { "30 ff ff ff ff", 0x81 },
        { "40 02 0000", 0x82 },
        { "40 03 0001 ff", 0x82 },
        { "90 03 0001 00", 0x82 },
        { "30 05 0003 '+/a'", 0x81 },
        { "f0 06 18 04 15 0001 'M'", 0x82 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;

        connected(&scene, NJ_MQTT_5_0);
        give(&scene, rows[i].bytes);
        expect_event(&scene, NJ_EVENT_ENDED);
        assert_false(scene.event.by_server);
        if (scene.event.reason != rows[i].reason)
            fail_msg("%s: %#x", rows[i].bytes, scene.event.reason);
        assert_false(next(&scene));
    }
}

/* ---- Time ---- */

TEST(silence_is_broken_by_a_ping_and_ended_without_an_answer)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_3_1_1);
    assert_int_equal(nj_engine_due_ms(&scene.engine), 61000);
    nj_engine_tick(&scene.engine, 60999);
    assert_int_equal(nj_engine_output(&scene.engine).size, 0);
    nj_engine_tick(&scene.engine, 61000);
    expect_output(&scene, "c0 00");
    give(&scene, "d0 00");
    assert_false(next(&scene));
    assert_int_equal(nj_engine_due_ms(&scene.engine), 121000);
    nj_engine_tick(&scene.engine, 121000);
    expect_output(&scene, "c0 00");
    assert_false(next(&scene));
    nj_engine_tick(&scene.engine, 181000);
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x8d);
}

TEST(a_server_that_takes_no_output_is_ended_in_time)
{
    struct scene scene;

    connected(&scene, NJ_MQTT_5_0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send(&scene, "abcd", 0, NULL), NJ_OK);
    assert_int_equal(send(&scene, "abcdefg", 0, NULL), NJ_OK);
    assert_int_equal(send(&scene, "a", 0, NULL), NJ_LATER);
    assert_int_equal(nj_engine_output(&scene.engine).size, 63);
    nj_engine_tick(&scene.engine, 61000);
    assert_int_equal(nj_engine_due_ms(&scene.engine), 121000);
    nj_engine_sent(&scene.engine, 1); /* the server takes some after all */
    nj_engine_tick(&scene.engine, 62000);
    assert_int_equal(nj_engine_output(&scene.engine).size, 64);
    assert_int_equal(nj_engine_due_ms(&scene.engine), 122000);
    nj_engine_tick(&scene.engine, 122000);
    expect_event(&scene, NJ_EVENT_ENDED);
    assert_int_equal(scene.event.reason, 0x8d);
    assert_false(next(&scene));
}

TEST(properties_that_break_the_rules_are_not_sent)
{
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        { "\x01\x02", 2 },         /* neither 0 nor 1 */
        { "\x01\x01\x01\x01", 4 }, /* twice */
        { "\x11\0\0\0\1", 5 },     /* of another packet */
        { "\x0b\x05", 2 },         /* a server's to say */
        { "\x03\0\x05t", 4 },      /* cut short */
    };
    struct scene scene;
    struct nj_message message = { .topic = nj_text("a") };

    connected(&scene, NJ_MQTT_5_0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        message.properties = nj_bytes_of(rows[i].bytes, rows[i].size);
        assert_int_equal(nj_engine_send(&scene.engine, &message, 0, NULL, 0), NJ_INVALID);
    }
    message.properties = nj_bytes_of("\x01\x01", 2);
    assert_int_equal(nj_engine_send(&scene.engine, &message, 0, NULL, 0), NJ_OK);
}

TEST(an_alias_of_ours_stands_for_a_topic_where_the_server_takes_it)
{
    struct nj_message message = { .topic = nj_text("a"),
        .properties = nj_bytes_of("\x23\0\x02", 3) };
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    connect_with(&scene, true, "20 06 00 00 03 22 0002");
    assert_int_equal(nj_engine_send(&scene.engine, &message, 0, NULL, 0), NJ_OK);
    message.topic = nj_text("");
    assert_int_equal(nj_engine_send(&scene.engine, &message, 0, NULL, 0), NJ_OK);
    expect_output(&scene, "30 07 0001 'a' 03 23 0002 30 06 0000 03 23 0002");
    message.properties = nj_bytes_of("\x23\0\x03", 3);
    assert_int_equal(nj_engine_send(&scene.engine, &message, 0, NULL, 0), NJ_NOT_OFFERED);
}

TEST(the_servers_keep_alive_holds)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    connect_with(&scene, true, "20 06 00 00 03 13 0005");
    assert_int_equal(nj_engine_due_ms(&scene.engine), 6000);
}

TEST(the_engine_fits_a_microcontroller)
{
    assert_true(sizeof(struct nj_engine) <= 25 * sizeof(void *) + 100);
    assert_true(sizeof(struct nj_slot) <= 12);
}
