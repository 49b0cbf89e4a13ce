/* SPDX-License-Identifier: Apache-2.0 */
#include "nightjar/sn.h"
#include "tests/harness/notation.h"
#include "tests/harness/test.h"

#include <stdio.h>

enum {
    OUT_SIZE = 64,
    KNOWN = 3,
    NAME_SIZE = 8,
    HELD = 2,
    GATEWAYS = 2,
    RETRY_MS = 1000,
    RETRIES = 2,
    WAIT_MS = 60000,
    SEARCH_MS = 500,
};

static const char gateway_address[] = "gw";
static const char other_address[] = "g2";

/* An engine, and what it works in. */
struct scene {
    struct nj_sn sn;
    struct nj_sn_setup setup;
    uint8_t out[OUT_SIZE];
    struct nj_sn_known known[KNOWN];
    char names[KNOWN * NAME_SIZE];
    struct nj_sn_topic predefined[1];
    uint16_t held[HELD];
    struct nj_sn_gateway gateways[GATEWAYS];
    struct notation given; /* what has come, as long as the engine borrows it */
    int64_t now_ms;
    struct nj_sn_event event;
};

static void begin(struct scene *scene)
{
    *scene = (struct scene){ .now_ms = 1000 };
    scene->predefined[0] = nj_sn_predefined(5);
    scene->predefined[0].name = nj_text("five");
    scene->setup = (struct nj_sn_setup){ .out = scene->out,
        .out_size = OUT_SIZE,
        .known = scene->known,
        .known_count = KNOWN,
        .names = scene->names,
        .name_size = NAME_SIZE,
        .predefined = scene->predefined,
        .predefined_count = 1,
        .held = scene->held,
        .held_count = HELD,
        .gateways = scene->gateways,
        .gateway_count = GATEWAYS,
        .answers_search = true,
        .seed = 1,
        .retry_ms = RETRY_MS,
        .retries = RETRIES,
        .wait_ms = WAIT_MS,
        .search_ms = SEARCH_MS,
        .gateway_info_ms = SEARCH_MS };
    nj_sn_init(&scene->sn, &scene->setup);
    assert_int_equal(nj_sn_use_gateway(&scene->sn, nj_text(gateway_address)), NJ_OK);
}

static void expect_bytes(struct nj_bytes bytes, const char *text)
{
    struct notation wanted = notation_read(text);

    assert_int_equal(bytes.size, wanted.size);
    assert_memory_equal(bytes.data, wanted.data, wanted.size);
}

static void expect_text(struct nj_bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    if (bytes.size > 0)
        assert_memory_equal(bytes.data, text, bytes.size);
}

static void expect_nothing(struct scene *scene)
{
    struct nj_sn_datagram datagram;

    assert_false(nj_sn_output(&scene->sn, &datagram));
}

/* This datagram is next to be sent to the gateway. */
static void expect(struct scene *scene, const char *text)
{
    struct nj_sn_datagram datagram;

    assert_true(nj_sn_output(&scene->sn, &datagram));
    expect_bytes(datagram.data, text);
    assert_false(datagram.broadcast);
    expect_text(datagram.to, gateway_address);
    nj_sn_sent(&scene->sn);
}

static void expect_broadcast(struct scene *scene, const char *text, uint8_t radius)
{
    struct nj_sn_datagram datagram;

    assert_true(nj_sn_output(&scene->sn, &datagram));
    expect_bytes(datagram.data, text);
    assert_true(datagram.broadcast);
    assert_int_equal(datagram.radius, radius);
    nj_sn_sent(&scene->sn);
}

static bool next(struct scene *scene)
{
    return nj_sn_next(&scene->sn, &scene->event, scene->now_ms);
}

static void expect_event(struct scene *scene, enum nj_sn_event_kind kind)
{
    assert_true(next(scene));
    assert_int_equal(scene->event.kind, kind);
}

static void give_from(struct scene *scene, const char *address, const char *text)
{
    scene->given = notation_read(text);
    nj_sn_receive(&scene->sn, nj_text(address), nj_bytes_of(scene->given.data, scene->given.size));
}

static void give(struct scene *scene, const char *text)
{
    give_from(scene, gateway_address, text);
}

/* It comes, and means nothing to tell. */
static void give_quietly(struct scene *scene, const char *text)
{
    give(scene, text);
    assert_false(next(scene));
}

static void give_for(struct scene *scene, const char *text, enum nj_sn_event_kind kind)
{
    give(scene, text);
    expect_event(scene, kind);
}

/* It comes, and ends a request with this code. */
static void give_done(struct scene *scene, const char *text, uint8_t code)
{
    give_for(scene, text, NJ_SN_EVENT_DONE);
    assert_int_equal(scene->event.code, code);
}

static void advance(struct scene *scene, int64_t ms)
{
    scene->now_ms += ms;
    nj_sn_tick(&scene->sn, scene->now_ms);
}

static enum nj_error connect_with(struct scene *scene, struct nj_sn_connect_options options)
{
    if (options.client_id.size == 0)
        options.client_id = nj_text("c");
    return nj_sn_connect(&scene->sn, &options, scene->now_ms);
}

static void connected(struct scene *scene)
{
    begin(scene);
    assert_int_equal(
            connect_with(scene,
                    (struct nj_sn_connect_options){ .keep_alive_s = 60, .clean_session = true }),
            NJ_OK);
    expect(scene, "07 04 04 01 003c 'c'");
    give_for(scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    assert_false(next(scene));
}

static enum nj_error publish(struct scene *scene, struct nj_sn_topic topic, int qos)
{
    return nj_sn_publish(&scene->sn, &topic, nj_text("x"), qos, false, scene->now_ms);
}

static enum nj_error subscribe(struct scene *scene, struct nj_sn_topic topic, uint8_t qos)
{
    return nj_sn_subscribe(&scene->sn, &topic, qos, scene->now_ms);
}

/* The name "a/b" has the id 1. */
static void registered(struct scene *scene)
{
    connected(scene);
    assert_int_equal(nj_sn_register(&scene->sn, nj_text("a/b"), scene->now_ms), NJ_OK);
    expect(scene, "09 0a 0000 0001 'a/b'");
    give_done(scene, "07 0b 0001 0001 00", NJ_SN_ACCEPTED);
}

static void asleep(struct scene *scene)
{
    connected(scene);
    assert_int_equal(nj_sn_sleep(&scene->sn, 300, scene->now_ms), NJ_OK);
    expect(scene, "04 18 012c");
    give_for(scene, "02 18", NJ_SN_EVENT_ASLEEP);
    assert_false(scene->event.unanswered);
}

/* ---- Connecting ---- */

SPEC_TEST("SN-5.4.4-1 SN-5.3.1-1 SN-5.3.3-1 SN-5.3.8-1 SN-5.3.4-1", connect_says_who_comes)
{
    struct scene scene;

    begin(&scene);
    assert_int_equal(connect_with(&scene,
                             (struct nj_sn_connect_options){ .client_id = nj_text("clid"),
                                     .keep_alive_s = 60,
                                     .clean_session = true }),
            NJ_OK);
    expect(&scene, "0a 04 04 01 003c 'clid'");
    expect_nothing(&scene);
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    begin(&scene);
    assert_int_equal(
            connect_with(&scene, (struct nj_sn_connect_options){ .keep_alive_s = 65535 }), NJ_OK);
    expect(&scene, "07 04 00 01 ffff 'c'");
}

TEST(connect_refuses_what_no_gateway_may_take)
{
    const struct nj_sn_connect_options bad[] = {
        { .client_id = nj_text("\xff") },
        { .client_id = nj_text("c"), .will_topic = nj_text("a/#") },
        { .client_id = nj_text("c"), .will_topic = nj_text("a"), .will_qos = 3 },
    };
    struct nj_sn_connect_options none = { .keep_alive_s = 1 };
    struct scene scene;

    begin(&scene);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(connect_with(&scene, bad[i]), NJ_INVALID);
    assert_int_equal(nj_sn_connect(&scene.sn, &none, 0), NJ_INVALID);
    none.clean_session = true;
    assert_int_equal(nj_sn_connect(&scene.sn, &none, 0), NJ_OK);
    expect(&scene, "06 04 04 01 0001");
    assert_int_equal(connect_with(&scene,
                             (struct nj_sn_connect_options){
                                     .client_id = nj_bytes_of(scene.out, OUT_SIZE - 5) }),
            NJ_INVALID);
    assert_int_equal(connect_with(&scene,
                             (struct nj_sn_connect_options){ .clean_session = true,
                                     .will_topic = nj_text("w"),
                                     .will_message = nj_bytes_of(gateway_address, OUT_SIZE) }),
            NJ_TOO_LARGE);
}

SPEC_TEST("SN-5.4.7-1 SN-5.4.9-1 SN-5.3.4-1", the_gateway_asks_for_the_will)
{
    struct scene scene;

    begin(&scene);
    assert_int_equal(connect_with(&scene,
                             (struct nj_sn_connect_options){ .clean_session = true,
                                     .keep_alive_s = 60,
                                     .will_topic = nj_text("wt"),
                                     .will_message = nj_text("bye"),
                                     .will_qos = 1,
                                     .will_retain = true }),
            NJ_OK);
    expect(&scene, "07 04 0c 01 003c 'c'");
    give_quietly(&scene, "02 06");
    expect(&scene, "05 07 30 'wt'");
    give_quietly(&scene, "02 06"); /* it was lost */
    expect(&scene, "05 07 30 'wt'");
    give_quietly(&scene, "02 08");
    expect(&scene, "05 09 'bye'");
    advance(&scene, RETRY_MS);
    expect(&scene, "05 09 'bye'");
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    give_quietly(&scene, "02 08"); /* comes too late */
    expect_nothing(&scene);
}

TEST(who_has_no_will_is_asked_for_none)
{
    struct scene scene;

    begin(&scene);
    connect_with(&scene, (struct nj_sn_connect_options){ .clean_session = true });
    expect(&scene, "07 04 04 01 0000 'c'");
    give_quietly(&scene, "02 06");
    give_quietly(&scene, "02 08");
    expect_nothing(&scene);
}

TEST(a_refusal_is_told)
{
    struct scene scene;

    begin(&scene);
    connect_with(&scene, (struct nj_sn_connect_options){ .clean_session = true });
    give_for(&scene, "03 05 01", NJ_SN_EVENT_REFUSED);
    assert_int_equal(scene.event.code, NJ_SN_CONGESTION);
    assert_int_equal(nj_sn_due_ms(&scene.sn), INT64_MAX);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 0), NJ_NOT_CONNECTED);
}

SPEC_TEST("SN-6.2-1 SN-6.12-1 SN-5.4.21-1", nothing_is_asked_without_a_connection)
{
    struct scene scene;

    begin(&scene);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 1), NJ_NOT_CONNECTED);
    assert_int_equal(subscribe(&scene, nj_sn_name("a"), 1), NJ_NOT_CONNECTED);
    assert_int_equal(nj_sn_register(&scene.sn, nj_text("a"), 0), NJ_NOT_CONNECTED);
    assert_int_equal(nj_sn_change_will_message(&scene.sn, nj_text("a"), 0), NJ_NOT_CONNECTED);
    assert_int_equal(nj_sn_disconnect(&scene.sn, 0), NJ_NOT_CONNECTED);
    assert_int_equal(nj_sn_sleep(&scene.sn, 1, 0), NJ_NOT_CONNECTED);
    assert_int_equal(nj_sn_wake(&scene.sn, 0), NJ_NOT_CONNECTED);
    assert_int_equal(nj_sn_resume(&scene.sn, 0), NJ_NOT_CONNECTED);
    connected(&scene);
    assert_int_equal(nj_sn_disconnect(&scene.sn, scene.now_ms), NJ_OK);
    expect(&scene, "02 18");
    give_for(&scene, "02 18", NJ_SN_EVENT_ENDED);
    assert_false(scene.event.by_gateway);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 1), NJ_NOT_CONNECTED);
}

SPEC_TEST("SN-6.1-3", there_is_one_gateway_at_a_time)
{
    struct scene scene;

    connected(&scene);
    assert_int_equal(nj_sn_use_gateway(&scene.sn, nj_text(other_address)), NJ_LATER);
    nj_sn_disconnect(&scene.sn, scene.now_ms);
    expect(&scene, "02 18");
    give_for(&scene, "02 18", NJ_SN_EVENT_ENDED);
    assert_int_equal(nj_sn_use_gateway(&scene.sn, nj_text(other_address)), NJ_OK);
    assert_int_equal(nj_sn_use_gateway(&scene.sn, nj_text("more than twenty bytes")), NJ_INVALID);
}

/* ---- What comes and goes over the wire ---- */

SPEC_TEST("SN-5.2.1-1 SN-5.2.1-2 SN-5.2.1-3 SN-5.2.1-5 SN-5.2.2-1 SN-5.2.2-2 SN-5.4.19-1 "
          "SN-5.4.20-1",
        only_whole_messages_of_gateways_count)
{
    static const char *const bad[] = { "03 16", "05 16", "01", "00", "02 11", "02 03", "02 ff",
        "07 04 04 01 003c 'c'", "05 07 20 'wt'", "03 fe 00 02 16" };
    struct scene scene;

    connected(&scene);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        give_quietly(&scene, bad[i]);
        expect_nothing(&scene);
    }
    give_quietly(&scene, "01 0004 16");
    expect(&scene, "02 17");
    give_quietly(&scene, "02 16");
    expect(&scene, "02 17");
}

SPEC_TEST("SN-6.11-3", the_pings_of_others_are_not_answered)
{
    struct scene scene;

    connected(&scene);
    give_from(&scene, other_address, "02 16");
    assert_false(next(&scene));
    expect_nothing(&scene);
    give_from(&scene, other_address, "02 18");
    assert_false(next(&scene));
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 0), NJ_OK);
}

SPEC_TEST("SN-5.2.1-4 SN-7.4-1", what_the_network_cannot_carry_is_not_sent)
{
    struct scene scene;

    connected(&scene);
    scene.setup.datagram_max = 10;
    nj_sn_init(&scene.sn, &scene.setup);
    nj_sn_use_gateway(&scene.sn, nj_text(gateway_address));
    connect_with(&scene, (struct nj_sn_connect_options){ .clean_session = true });
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    assert_int_equal(
            nj_sn_publish(&scene.sn, &(struct nj_sn_topic){ .kind = NJ_SN_PREDEFINED, .id = 5 },
                    nj_text("four"), 0, false, 0),
            NJ_TOO_LARGE);
    assert_int_equal(publish(&scene, nj_sn_name("a/b/c"), 0), NJ_TOO_LARGE);
    assert_int_equal(subscribe(&scene, nj_sn_name("a/b/c/#"), 0), NJ_TOO_LARGE);
    assert_int_equal(nj_sn_register(&scene.sn, nj_text("a/b/c"), 0), NJ_TOO_LARGE);
    assert_int_equal(
            nj_sn_publish(&scene.sn, &(struct nj_sn_topic){ .kind = NJ_SN_PREDEFINED, .id = 5 },
                    nj_text("333"), 0, false, 0),
            NJ_OK);
}

/* ---- REGISTER ---- */

SPEC_TEST("SN-5.4.10-1 SN-5.4.11-1 SN-6.5-2 SN-6.5-3 SN-5.3.7-1",
        a_name_is_registered_before_its_first_message)
{
    struct scene scene;

    connected(&scene);
    assert_int_equal(publish(&scene, nj_sn_name("a/b"), 0), NJ_OK);
    expect(&scene, "09 0a 0000 0001 'a/b'");
    assert_int_equal(nj_sn_register(&scene.sn, nj_text("c"), 0), NJ_LATER);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 0), NJ_LATER);
    give_quietly(&scene, "07 0b 0009 0002 00"); /* of another one */
    expect_nothing(&scene);
    give_quietly(&scene, "07 0b 0009 0001 00");
    expect(&scene, "08 0c 00 0009 0000 'x'");
    expect_event(&scene, NJ_SN_EVENT_DONE);
    assert_int_equal(publish(&scene, nj_sn_name("a/b"), 0), NJ_OK);
    expect(&scene, "08 0c 00 0009 0000 'x'");
}

SPEC_TEST("SN-5.3.10-1 SN-6.5-2", a_name_may_be_refused)
{
    struct scene scene;

    connected(&scene);
    publish(&scene, nj_sn_name("a/b"), 1);
    expect(&scene, "09 0a 0000 0002 'a/b'");
    give_done(&scene, "07 0b 0000 0002 03", NJ_SN_NOT_SUPPORTED);
    expect_nothing(&scene);
    assert_int_equal(nj_sn_register(&scene.sn, nj_text("a/b"), scene.now_ms), NJ_OK);
    expect(&scene, "09 0a 0000 0003 'a/b'");
    give_done(&scene, "07 0b ffff 0003 00", NJ_SN_NOT_SUPPORTED); /* no id */
    assert_string_equal(nj_sn_code_text(3), "The gateway does not allow it");
    assert_non_null(nj_sn_code_text(200));
}

SPEC_TEST("SN-6.10-3 SN-6.10-5 SN-5.4.10-1", the_gateway_registers_names_too)
{
    struct scene scene;

    connected(&scene);
    give_quietly(&scene, "08 0c 20 7ffe 0009 'x'");
    expect(&scene, "07 0d 7ffe 0009 02");
    give_quietly(&scene, "09 0a 7ffe 0007 'a/b'");
    expect(&scene, "07 0b 7ffe 0007 00");
    give_for(&scene, "08 0c 20 7ffe 0009 'x'", NJ_SN_EVENT_MESSAGE);
    expect_text(scene.event.topic.name, "a/b");
    expect_text(scene.event.payload, "x");
    assert_int_equal(scene.event.topic.kind, NJ_SN_NAME);
    expect_nothing(&scene); /* it is being worked on */
    assert_false(next(&scene));
    expect(&scene, "07 0d 7ffe 0009 00");
}

SPEC_TEST("SN-5.3.12-1 SN-5.3.11-1", names_and_ids_that_cannot_be_are_refused)
{
    struct scene scene;

    connected(&scene);
    give_quietly(&scene, "08 0a 0005 0007 c328");
    expect(&scene, "07 0b 0005 0007 03");
    give_quietly(&scene, "07 0a ffff 0007 'a'");
    expect(&scene, "07 0b ffff 0007 02");
    give_quietly(&scene, "0f 0a 0005 0007 'too/large'");
    expect(&scene, "07 0b 0005 0007 03");
    give_quietly(&scene, "08 0c 20 ffff 0009 'x'");
    expect(&scene, "07 0d ffff 0009 02");
    assert_int_equal(nj_sn_register(&scene.sn, nj_text("a/#"), 0), NJ_INVALID);
    assert_int_equal(publish(&scene, nj_sn_name("+"), 0), NJ_INVALID);
    assert_int_equal(publish(&scene, nj_sn_predefined(0), 0), NJ_INVALID);
    assert_int_equal(publish(&scene, nj_sn_name("too/large"), 0), NJ_TOO_LARGE);
}

TEST(an_id_that_stands_for_another_name_now_leaves_the_old_one)
{
    struct scene scene;

    registered(&scene);
    give_quietly(&scene, "07 0a 0001 0007 'z'");
    expect(&scene, "07 0b 0001 0007 00");
    publish(&scene, nj_sn_name("a/b"), 0);
    expect(&scene, "09 0a 0000 0002 'a/b'");
}

TEST(the_longest_unused_name_gives_way)
{
    struct scene scene;

    registered(&scene);
    give_quietly(&scene, "07 0a 0002 0001 'b'");
    expect(&scene, "07 0b 0002 0001 00");
    give_quietly(&scene, "07 0a 0003 0002 'c'");
    expect(&scene, "07 0b 0003 0002 00");
    give_for(&scene, "08 0c 00 0001 0000 'x'", NJ_SN_EVENT_MESSAGE);
    give_quietly(&scene, "07 0a 0004 0003 'd'");
    expect(&scene, "07 0b 0004 0003 00");
    give_quietly(&scene, "08 0c 00 0002 0000 'x'");
    expect(&scene, "07 0d 0002 0000 02");
    give_for(&scene, "08 0c 00 0001 0000 'x'", NJ_SN_EVENT_MESSAGE);
    expect_text(scene.event.topic.name, "a/b");
}

/* ---- PUBLISH ---- */

SPEC_TEST("SN-5.4.12-1 SN-6.6-1 SN-6.7-1 SN-6.7-4", quality_0_is_sent_and_done)
{
    struct scene scene;

    connected(&scene);
    assert_int_equal(publish(&scene, nj_sn_predefined(5), 0), NJ_OK);
    assert_false(next(&scene));
    assert_int_equal(publish(&scene, nj_sn_predefined(5), 0), NJ_LATER);
    expect(&scene, "08 0c 01 0005 0000 'x'");
    expect_event(&scene, NJ_SN_EVENT_DONE);
    assert_int_equal(
            nj_sn_publish(&scene.sn, &(struct nj_sn_topic){ NJ_SN_SHORT, 0, nj_text("ab") },
                    nj_text(""), 0, true, 0),
            NJ_OK);
    expect(&scene, "07 0c 12 'ab' 0000");
    expect_event(&scene, NJ_SN_EVENT_DONE);
    assert_int_equal(publish(&scene, nj_sn_short("abc"), 0), NJ_INVALID);
    assert_int_equal(publish(&scene, nj_sn_short("a+"), 0), NJ_INVALID);
}

SPEC_TEST("SN-5.4.13-1 SN-5.4.13-2 SN-6.6-1 SN-6.6-3 SN-5.3.4-3 SN-6.13-1", quality_1_is_repeated)
{
    struct scene scene;

    registered(&scene);
    assert_int_equal(publish(&scene, nj_sn_name("a/b"), 1), NJ_OK);
    expect(&scene, "08 0c 20 0001 0002 'x'");
    assert_int_equal(publish(&scene, nj_sn_name("a/b"), 1), NJ_LATER);
    advance(&scene, RETRY_MS - 1);
    expect_nothing(&scene);
    advance(&scene, 1);
    expect(&scene, "08 0c a0 0001 0002 'x'");
    give_quietly(&scene, "07 0d 0001 0003 00");
    give_done(&scene, "07 0d 0001 0002 00", NJ_SN_ACCEPTED);
    advance(&scene, RETRY_MS);
    expect_nothing(&scene);
}

SPEC_TEST("SN-5.4.14-1 SN-6.6-1 SN-6.13-1", quality_2_goes_by_four_messages)
{
    struct scene scene;

    registered(&scene);
    assert_int_equal(publish(&scene, nj_sn_name("a/b"), 2), NJ_OK);
    expect(&scene, "08 0c 40 0001 0002 'x'");
    give_quietly(&scene, "07 0d 0001 0002 00"); /* answers nothing of QoS 2 */
    give_quietly(&scene, "04 0f 0002");
    expect(&scene, "04 10 0002");
    advance(&scene, RETRY_MS);
    expect(&scene, "04 10 0002");
    give_quietly(&scene, "04 0f 0002"); /* ours was lost */
    expect(&scene, "04 10 0002");
    give_quietly(&scene, "04 0e 0001");
    give_done(&scene, "04 0e 0002", NJ_SN_ACCEPTED);
    give_quietly(&scene, "04 0e 0002");
    expect_nothing(&scene);
}

SPEC_TEST("SN-6.6-2", an_id_that_the_gateway_has_forgotten_is_registered_again)
{
    struct scene scene;

    registered(&scene);
    publish(&scene, nj_sn_name("a/b"), 1);
    expect(&scene, "08 0c 20 0001 0002 'x'");
    give_quietly(&scene, "07 0d 0001 0002 02");
    expect(&scene, "09 0a 0000 0003 'a/b'");
    give_quietly(&scene, "07 0b 0008 0003 00");
    expect(&scene, "08 0c a0 0008 0002 'x'");
    give_done(&scene, "07 0d 0008 0002 02", NJ_SN_INVALID_TOPIC_ID); /* once is enough */
    publish(&scene, nj_sn_name("a/b"), 0);
    expect(&scene, "08 0c 00 0008 0000 'x'");
    expect_event(&scene, NJ_SN_EVENT_DONE);
    give_quietly(&scene, "07 0d 0008 0000 02");
    publish(&scene, nj_sn_name("a/b"), 0);
    expect(&scene, "09 0a 0000 0004 'a/b'");
}

/* Time passes while the gateway answers pings. */
static void wait_with_pings(struct scene *scene, int64_t ms)
{
    struct nj_sn_datagram datagram;

    for (int64_t passed = 0; passed < ms; passed += RETRY_MS) {
        advance(scene, RETRY_MS);
        while (nj_sn_output(&scene->sn, &datagram) && datagram.data.size == 2) {
            expect(scene, "02 16");
            give_quietly(scene, "02 17");
        }
    }
}

SPEC_TEST("SN-6.6-2 SN-6.5-2 SN-6.9-3 SN-5.3.10-1", congestion_makes_a_request_wait)
{
    struct scene scene;

    connected(&scene);
    publish(&scene, nj_sn_name("a/b"), 1);
    expect(&scene, "09 0a 0000 0002 'a/b'");
    give_quietly(&scene, "07 0b 0000 0002 01");
    wait_with_pings(&scene, WAIT_MS - RETRY_MS);
    expect_nothing(&scene);
    wait_with_pings(&scene, RETRY_MS);
    expect(&scene, "09 0a 0000 0002 'a/b'");
    give_quietly(&scene, "07 0b 0001 0002 00");
    expect(&scene, "08 0c 20 0001 0001 'x'");
    for (int i = 0; i < RETRIES; i++) {
        give_quietly(&scene, "07 0d 0001 0001 01");
        assert_int_equal(publish(&scene, nj_sn_name("a/b"), 1), NJ_LATER);
        wait_with_pings(&scene, WAIT_MS);
        expect(&scene, "08 0c 20 0001 0001 'x'");
    }
    give_done(&scene, "07 0d 0001 0001 01", NJ_SN_CONGESTION);
    subscribe(&scene, nj_sn_name("#"), 0);
    expect(&scene, "06 12 00 0003 '#'");
    give_quietly(&scene, "08 13 00 0000 0003 01");
    wait_with_pings(&scene, WAIT_MS - RETRY_MS);
    expect_nothing(&scene);
    wait_with_pings(&scene, RETRY_MS);
    expect(&scene, "06 12 00 0003 '#'");
}

SPEC_TEST("SN-6.8-2 SN-5.3.4-2", quality_minus_1_needs_no_connection)
{
    struct scene scene;

    begin(&scene);
    assert_int_equal(publish(&scene, nj_sn_predefined(5), -1), NJ_OK);
    expect(&scene, "08 0c 61 0005 0000 'x'");
    expect_event(&scene, NJ_SN_EVENT_DONE);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), -1), NJ_OK);
    expect(&scene, "08 0c 62 'ab' 0000 'x'");
    expect_event(&scene, NJ_SN_EVENT_DONE);
    assert_int_equal(publish(&scene, nj_sn_name("ab"), -1), NJ_INVALID);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), -2), NJ_INVALID);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 3), NJ_INVALID);
    assert_int_equal(nj_sn_due_ms(&scene.sn), INT64_MAX);
    connected(&scene);
    assert_int_equal(subscribe(&scene, nj_sn_short("ab"), 3), NJ_INVALID);
    give_quietly(&scene, "08 0c 62 'ab' 0000 'x'"); /* a client's alone */
    expect_nothing(&scene);
}

/* ---- SUBSCRIBE and UNSUBSCRIBE ---- */

SPEC_TEST("SN-5.4.15-1 SN-6.9-5 SN-6.7-3 SN-5.3.4-4 SN-6.7-1 SN-6.7-4", subscriptions_of_each_kind)
{
    struct scene scene;

    connected(&scene);
    assert_int_equal(subscribe(&scene, nj_sn_name("a/b"), 1), NJ_OK);
    expect(&scene, "08 12 20 0001 'a/b'");
    assert_int_equal(subscribe(&scene, nj_sn_name("c"), 1), NJ_LATER);
    give_quietly(&scene, "08 13 20 0004 0002 00");
    give_for(&scene, "08 13 20 0004 0001 00", NJ_SN_EVENT_SUBSCRIBED);
    assert_int_equal(scene.event.qos, 1);
    give_for(&scene, "08 0c 00 0004 0000 'x'", NJ_SN_EVENT_MESSAGE);
    expect_text(scene.event.topic.name, "a/b");
    subscribe(&scene, nj_sn_predefined(5), 2);
    expect(&scene, "07 12 41 0002 0005");
    give_for(&scene, "08 13 40 0005 0002 00", NJ_SN_EVENT_SUBSCRIBED);
    give_for(&scene, "08 0c 01 0005 0000 'x'", NJ_SN_EVENT_MESSAGE);
    expect_text(scene.event.topic.name, "five");
    assert_int_equal(scene.event.topic.id, 5);
    subscribe(&scene, nj_sn_short("ab"), 0);
    expect(&scene, "07 12 02 0003 'ab'");
    give_for(&scene, "08 13 00 0000 0003 00", NJ_SN_EVENT_SUBSCRIBED);
    give_for(&scene, "08 0c 12 'ab' 0000 'x'", NJ_SN_EVENT_MESSAGE);
    expect_text(scene.event.topic.name, "ab");
    assert_true(scene.event.retain);
    subscribe(&scene, nj_sn_name("$share/group/too/large/#"), 0);
    expect(&scene, "1d 12 00 0004 '$share/group/too/large/#'");
}

SPEC_TEST("SN-5.3.4-3 SN-6.13-1", a_subscription_that_is_repeated_says_so)
{
    struct scene scene;

    connected(&scene);
    subscribe(&scene, nj_sn_name("a/b"), 1);
    expect(&scene, "08 12 20 0001 'a/b'");
    advance(&scene, RETRY_MS);
    expect(&scene, "08 12 a0 0001 'a/b'");
    give_for(&scene, "08 13 00 0000 0001 03", NJ_SN_EVENT_SUBSCRIBED);
    assert_int_equal(scene.event.code, NJ_SN_NOT_SUPPORTED);
}

SPEC_TEST("SN-5.4.17-1 SN-6.9-5", unsubscribing)
{
    const struct nj_sn_topic topics[] = { nj_sn_name("a/#"), nj_sn_predefined(5),
        nj_sn_short("ab") };
    static const char *const wanted[] = { "08 14 00 0001 'a/#'", "07 14 01 0002 0005",
        "07 14 02 0003 'ab'" };
    static const char *const answers[] = { "04 15 0001", "04 15 0002", "04 15 0003" };
    struct scene scene;

    connected(&scene);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(nj_sn_unsubscribe(&scene.sn, &topics[i], scene.now_ms), NJ_OK);
        expect(&scene, wanted[i]);
        assert_int_equal(nj_sn_unsubscribe(&scene.sn, &topics[i], scene.now_ms), NJ_LATER);
        give_quietly(&scene, "04 15 0009");
        give_done(&scene, answers[i], NJ_SN_ACCEPTED);
    }
}

/* ---- Messages that come ---- */

SPEC_TEST("SN-6.7-2 SN-5.4.13-1", unknown_predefined_ids_are_told)
{
    struct scene scene;

    connected(&scene);
    give_quietly(&scene, "08 0c 01 0006 0000 'x'");
    expect(&scene, "07 0d 0006 0000 02");
    give_quietly(&scene, "08 0c 03 0006 0000 'x'"); /* a type that there is not */
    expect(&scene, "07 0d 0006 0000 03");
}

SPEC_TEST("SN-5.4.14-1 SN-6.6-1 SN-5.3.4-3", quality_2_comes_once)
{
    struct scene scene;

    connected(&scene);
    give_for(&scene, "08 0c 42 'ab' 0009 'x'", NJ_SN_EVENT_MESSAGE);
    assert_int_equal(scene.event.qos, 2);
    assert_false(next(&scene));
    expect(&scene, "04 0f 0009");
    give_quietly(&scene, "08 0c c2 'ab' 0009 'x'");
    assert_false(next(&scene));
    expect(&scene, "04 0f 0009");
    give_quietly(&scene, "04 10 0009");
    expect(&scene, "04 0e 0009");
    give_quietly(&scene, "04 10 0009");
    expect(&scene, "04 0e 0009");
    give_quietly(&scene, "04 10 0777"); /* what we do not know is over, too */
    expect(&scene, "04 0e 0777");
    give_for(&scene, "08 0c 42 'ab' 0009 'y'", NJ_SN_EVENT_MESSAGE);
}

/* A message of QoS 2 in all its four steps. */
static void take_whole(struct scene *scene, unsigned id)
{
    char text[40];

    snprintf(text, sizeof(text), "08 0c 42 'ab' %04x 'x'", id);
    give_for(scene, text, NJ_SN_EVENT_MESSAGE);
    assert_false(next(scene));
    snprintf(text, sizeof(text), "04 0f %04x", id);
    expect(scene, text);
    snprintf(text, sizeof(text), "04 10 %04x", id);
    give_quietly(scene, text);
    snprintf(text, sizeof(text), "04 0e %04x", id);
    expect(scene, text);
}

TEST(late_copies_are_known_where_ids_rise)
{
    struct scene scene;

    connected(&scene);
    for (unsigned id = 1; id < 18; id++)
        take_whole(&scene, id);
    give_quietly(&scene, "08 0c 42 'ab' 0011 'x'");
    assert_false(next(&scene));
    expect(&scene, "04 0f 0011");
    give_quietly(&scene, "08 0c 42 'ab' 0003 'x'");
    assert_false(next(&scene));
    expect(&scene, "04 0f 0003");
    take_whole(&scene, 18);
    connect_with(&scene, (struct nj_sn_connect_options){ .clean_session = true });
    expect(&scene, "07 04 04 01 0000 'c'");
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    take_whole(&scene, 9);
}

TEST(ids_that_are_used_again_at_once_are_new_messages)
{
    struct scene scene;

    connected(&scene);
    for (int i = 0; i < 4; i++) {
        take_whole(&scene, 1);
        take_whole(&scene, 2);
        take_whole(&scene, 1);
    }
}

TEST(more_messages_of_quality_2_than_there_is_room_for_wait)
{
    struct scene scene;

    connected(&scene);
    for (int i = 0; i < HELD; i++) {
        give_for(&scene, i == 0 ? "08 0c 42 'ab' 0001 'x'" : "08 0c 42 'ab' 0002 'x'",
                NJ_SN_EVENT_MESSAGE);
        assert_false(next(&scene));
        nj_sn_sent(&scene.sn);
    }
    give_quietly(&scene, "08 0c 42 'ab' 0003 'x'");
    expect(&scene, "07 0d 'ab' 0003 01");
    give_quietly(&scene, "08 0c 42 'ab' 0000 'x'");
    expect(&scene, "07 0d 'ab' 0000 03");
}

TEST(a_message_that_is_left_is_not_acknowledged_and_comes_again)
{
    static const char *const publishes[] = { "08 0c 02 'ab' 0000 'x'", "08 0c 22 'ab' 0001 'x'",
        "08 0c 42 'ab' 0002 'x'" };
    static const char *const copies[] = { "08 0c 02 'ab' 0000 'x'", "08 0c a2 'ab' 0001 'x'",
        "08 0c c2 'ab' 0002 'x'" };
    struct scene scene;

    connected(&scene);
    for (size_t qos = 0; qos <= 2; qos++) {
        give_for(&scene, publishes[qos], NJ_SN_EVENT_MESSAGE);
        nj_sn_leave(&scene.sn);
        assert_false(next(&scene));
        expect_nothing(&scene);
        give_for(&scene, copies[qos], NJ_SN_EVENT_MESSAGE);
        assert_false(next(&scene));
        if (qos > 0)
            expect(&scene, qos == 1 ? "07 0d 'ab' 0001 00" : "04 0f 0002");
        expect_nothing(&scene);
    }
}

TEST(what_comes_while_an_answer_waits_is_dropped)
{
    struct scene scene;

    connected(&scene);
    give_quietly(&scene, "02 16");
    give_quietly(&scene, "08 0c 22 'ab' 0001 'x'");
    expect(&scene, "02 17");
    expect_nothing(&scene);
}

/* ---- The will, later ---- */

SPEC_TEST("SN-5.4.22-1 SN-5.4.23-1", the_will_changes)
{
    struct scene scene;

    connected(&scene);
    assert_int_equal(
            nj_sn_change_will_topic(&scene.sn, nj_text("wt"), 1, true, scene.now_ms), NJ_OK);
    expect(&scene, "05 1a 30 'wt'");
    assert_int_equal(nj_sn_change_will_message(&scene.sn, nj_text("a"), scene.now_ms), NJ_LATER);
    give_quietly(&scene, "03 1d 00");
    give_done(&scene, "03 1b 00", NJ_SN_ACCEPTED);
    assert_int_equal(nj_sn_change_will_message(&scene.sn, nj_text("bye"), scene.now_ms), NJ_OK);
    expect(&scene, "05 1c 'bye'");
    give_done(&scene, "03 1d 03", NJ_SN_NOT_SUPPORTED);
    assert_int_equal(nj_sn_change_will_topic(&scene.sn, nj_text(""), 0, false, 0), NJ_OK);
    expect(&scene, "02 1a");
    give_done(&scene, "03 1b 00", NJ_SN_ACCEPTED);
    assert_int_equal(nj_sn_change_will_topic(&scene.sn, nj_text("#"), 0, false, 0), NJ_INVALID);
}

/* ---- Signs of life ---- */

SPEC_TEST("SN-6.11-1 SN-5.4.19-1", a_quiet_client_pings)
{
    struct scene scene;

    connected(&scene);
    advance(&scene, 44999);
    expect_nothing(&scene);
    assert_int_equal(nj_sn_due_ms(&scene.sn), scene.now_ms + 1);
    advance(&scene, 1);
    expect(&scene, "02 16");
    give_quietly(&scene, "02 17");
    advance(&scene, 44999);
    expect_nothing(&scene);
    publish(&scene, nj_sn_short("ab"), 0);
    expect(&scene, "08 0c 02 'ab' 0000 'x'");
    expect_event(&scene, NJ_SN_EVENT_DONE);
    advance(&scene, 1); /* who has only talked asks whether there is anybody */
    expect(&scene, "02 16");
}

SPEC_TEST("SN-6.11-4 SN-6.13-2 SN-6.1-4", a_mute_gateway_is_lost_and_another_one_tried)
{
    struct scene scene;

    begin(&scene);
    give_from(&scene, gateway_address, "05 00 07 0384");
    expect_event(&scene, NJ_SN_EVENT_GATEWAY);
    assert_int_equal(scene.event.gateway->id, 7);
    give_from(&scene, other_address, "03 02 08");
    expect_event(&scene, NJ_SN_EVENT_GATEWAY);
    assert_int_equal(scene.event.gateway->id, 8);
    connect_with(
            &scene, (struct nj_sn_connect_options){ .keep_alive_s = 60, .clean_session = true });
    expect(&scene, "07 04 04 01 003c 'c'");
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    advance(&scene, 45000);
    for (int i = 0; i < 1 + RETRIES; i++) {
        expect(&scene, "02 16");
        assert_false(next(&scene));
        advance(&scene, RETRY_MS);
    }
    expect_nothing(&scene);
    expect_event(&scene, NJ_SN_EVENT_LOST);
    assert_false(next(&scene));
    assert_int_equal(nj_sn_other_gateway(&scene.sn)->id, 8);
    nj_sn_use_gateway(&scene.sn,
            nj_bytes_of(nj_sn_other_gateway(&scene.sn)->address,
                    nj_sn_other_gateway(&scene.sn)->address_size));
    connect_with(&scene, (struct nj_sn_connect_options){ .clean_session = true });
    for (int i = 0; i < 1 + RETRIES; i++) {
        struct nj_sn_datagram datagram;

        assert_true(nj_sn_output(&scene.sn, &datagram));
        expect_text(datagram.to, other_address);
        nj_sn_sent(&scene.sn);
        advance(&scene, RETRY_MS);
    }
    expect_nothing(&scene);
    expect_event(&scene, NJ_SN_EVENT_LOST);
    assert_int_equal(nj_sn_other_gateway(&scene.sn)->id, 7); /* then the old one */
}

SPEC_TEST("SN-5.4.21-4 SN-5.4.21-1", a_gateway_that_says_goodbye_is_connected_to_again)
{
    struct scene scene;

    connected(&scene);
    give_for(&scene, "02 18", NJ_SN_EVENT_ENDED);
    assert_true(scene.event.by_gateway);
    connect_with(&scene, (struct nj_sn_connect_options){ .keep_alive_s = 9 });
    expect(&scene, "07 04 00 01 0009 'c'");
    give_quietly(&scene, "02 18");      /* a copy */
    give_quietly(&scene, "04 18 0001"); /* a client's */
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
}

TEST(a_message_under_way_outlives_the_gateway)
{
    struct scene scene;

    registered(&scene);
    publish(&scene, nj_sn_name("a/b"), 2);
    expect(&scene, "08 0c 40 0001 0002 'x'");
    for (int i = 0; i < RETRIES; i++) {
        advance(&scene, RETRY_MS);
        expect(&scene, "08 0c c0 0001 0002 'x'");
    }
    advance(&scene, RETRY_MS);
    expect_event(&scene, NJ_SN_EVENT_LOST);
    assert_true(scene.event.has_kept);
    connect_with(&scene, (struct nj_sn_connect_options){ .keep_alive_s = 9 });
    expect(&scene, "07 04 00 01 0009 'c'");
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    assert_true(scene.event.has_kept);
    assert_false(next(&scene));
    expect(&scene, "09 0a 0000 0003 'a/b'");
    give_quietly(&scene, "07 0b 0005 0003 00");
    expect(&scene, "08 0c c0 0005 0002 'x'");
    give_quietly(&scene, "04 0f 0002");
    expect(&scene, "04 10 0002");
    give_for(&scene, "02 18", NJ_SN_EVENT_ENDED);
    connect_with(&scene, (struct nj_sn_connect_options){ .keep_alive_s = 9 });
    expect(&scene, "07 04 00 01 0009 'c'");
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    assert_false(next(&scene));
    expect(&scene, "04 10 0002");
    give_done(&scene, "04 0e 0002", NJ_SN_ACCEPTED);
}

TEST(a_clean_session_and_giving_up_drop_what_is_under_way)
{
    struct scene scene;

    connected(&scene);
    publish(&scene, nj_sn_short("ab"), 1);
    connect_with(&scene, (struct nj_sn_connect_options){ .clean_session = true });
    expect(&scene, "07 04 04 01 0000 'c'");
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    assert_false(scene.event.has_kept);
    publish(&scene, nj_sn_short("ab"), 1);
    expect(&scene, "08 0c 22 'ab' 0002 'x'");
    nj_sn_give_up(&scene.sn);
    expect_nothing(&scene);
    give_quietly(&scene, "07 0d 'ab' 0002 00");
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 0), NJ_OK);
    begin(&scene);
    connect_with(&scene, (struct nj_sn_connect_options){ .clean_session = true });
    nj_sn_give_up(&scene.sn);
    give_quietly(&scene, "03 05 00");
    assert_int_equal(nj_sn_use_gateway(&scene.sn, nj_text("other")), NJ_OK);
}

/* ---- Sleep ---- */

SPEC_TEST("SN-5.4.21-1 SN-5.4.19-1 SN-5.4.20-1 SN-6.14-8", a_sleeper_collects_its_messages)
{
    struct scene scene;

    asleep(&scene);
    give_quietly(&scene, "02 18"); /* a copy of what let it sleep */
    advance(&scene, 299000);
    expect_nothing(&scene);
    assert_int_equal(nj_sn_wake(&scene.sn, scene.now_ms), NJ_OK);
    expect(&scene, "03 16 'c'");
    advance(&scene, RETRY_MS);
    expect(&scene, "03 16 'c'");
    give_for(&scene, "08 0c 22 'ab' 0001 'x'", NJ_SN_EVENT_MESSAGE);
    assert_false(next(&scene));
    expect(&scene, "07 0d 'ab' 0001 00");
    advance(&scene, RETRY_MS - 1); /* the message is a sign of life */
    expect_nothing(&scene);
    give_for(&scene, "08 0c 02 'ab' 0000 'y'", NJ_SN_EVENT_MESSAGE);
    give_for(&scene, "02 17", NJ_SN_EVENT_ASLEEP);
    assert_false(scene.event.unanswered);
    assert_int_equal(nj_sn_sleep(&scene.sn, 60, scene.now_ms), NJ_OK);
    expect(&scene, "04 18 003c");
    give_for(&scene, "02 18", NJ_SN_EVENT_ASLEEP);
    nj_sn_disconnect(&scene.sn, scene.now_ms);
    expect(&scene, "02 18");
    give_for(&scene, "02 18", NJ_SN_EVENT_ENDED);
}

SPEC_TEST("SN-6.14-8", a_sleeper_that_is_not_heard_sleeps_on)
{
    struct scene scene;

    asleep(&scene);
    nj_sn_wake(&scene.sn, scene.now_ms);
    for (int i = 0; i < 1 + RETRIES; i++) {
        expect(&scene, "03 16 'c'");
        assert_false(next(&scene));
        assert_int_equal(nj_sn_due_ms(&scene.sn), scene.now_ms + RETRY_MS);
        advance(&scene, RETRY_MS);
    }
    expect_nothing(&scene);
    expect_event(&scene, NJ_SN_EVENT_ASLEEP);
    assert_true(scene.event.unanswered);
    assert_int_equal(nj_sn_due_ms(&scene.sn), INT64_MAX);
    assert_int_equal(nj_sn_wake(&scene.sn, scene.now_ms), NJ_OK);
    expect(&scene, "03 16 'c'");
    give_for(&scene, "02 18", NJ_SN_EVENT_ENDED); /* the gateway does not know it any more */
    assert_true(scene.event.by_gateway);
}

SPEC_TEST("SN-6.14-10", a_sleeper_connects_before_it_sends)
{
    struct scene scene;

    asleep(&scene);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 1), NJ_NOT_CONNECTED);
    assert_int_equal(nj_sn_wake(&scene.sn, scene.now_ms), NJ_OK);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 1), NJ_LATER);
    assert_int_equal(nj_sn_resume(&scene.sn, scene.now_ms), NJ_OK);
    expect(&scene, "07 04 00 01 003c 'c'");
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    assert_int_equal(publish(&scene, nj_sn_short("ab"), 1), NJ_OK);
    expect(&scene, "08 0c 22 'ab' 0001 'x'");
}

TEST(sleep_needs_an_id_and_a_time)
{
    const struct nj_sn_connect_options options = { .clean_session = true };
    struct scene scene;

    connected(&scene);
    assert_int_equal(nj_sn_sleep(&scene.sn, 0, 0), NJ_INVALID);
    nj_sn_connect(&scene.sn, &options, 0);
    give_for(&scene, "03 05 00", NJ_SN_EVENT_CONNECTED);
    assert_int_equal(nj_sn_sleep(&scene.sn, 9, 0), NJ_INVALID);
    assert_int_equal(nj_sn_resume(&scene.sn, 0), NJ_INVALID);
}

/* ---- Gateways ---- */

SPEC_TEST("SN-5.4.2-1 SN-6.1-7 SN-6.1-10 SN-5.3.9-1", gateways_are_searched_ever_more_seldom)
{
    int64_t gap_ms = SEARCH_MS;
    struct scene scene;

    begin(&scene);
    assert_int_equal(nj_sn_search(&scene.sn, 1, scene.now_ms), NJ_OK);
    assert_true(nj_sn_due_ms(&scene.sn) <= scene.now_ms + SEARCH_MS);
    advance(&scene, nj_sn_due_ms(&scene.sn) - scene.now_ms);
    for (int i = 0; i < 4; i++) {
        expect_broadcast(&scene, "03 01 01", 1);
        assert_int_equal(nj_sn_due_ms(&scene.sn), scene.now_ms + gap_ms);
        advance(&scene, gap_ms);
        gap_ms *= 2;
    }
    expect_broadcast(&scene, "03 01 01", 1);
    give_from(&scene, other_address, "03 02 08");
    expect_event(&scene, NJ_SN_EVENT_GATEWAY);
    assert_int_equal(nj_sn_due_ms(&scene.sn), INT64_MAX);
}

SPEC_TEST("SN-6.1-7", who_hears_the_same_search_waits_for_its_answer)
{
    struct scene scene;

    begin(&scene);
    nj_sn_search(&scene.sn, 1, scene.now_ms);
    give_from(&scene, other_address, "03 01 01");
    assert_false(next(&scene));
    advance(&scene, SEARCH_MS - 1);
    expect_nothing(&scene);
    advance(&scene, 1);
    expect_broadcast(&scene, "03 01 01", 1);
}

SPEC_TEST("SN-6.1-4 SN-6.1-5 SN-5.4.3-1 SN-5.3.3-1", gateways_come_and_go)
{
    struct scene scene;

    begin(&scene);
    give_from(&scene, other_address, "05 00 07 0002");
    expect_event(&scene, NJ_SN_EVENT_GATEWAY);
    advance(&scene, 2000);
    give_from(&scene, other_address, "05 00 07 0002");
    assert_false(next(&scene));
    give_from(&scene, "client", "05 02 08 'gw'");
    expect_event(&scene, NJ_SN_EVENT_GATEWAY);
    assert_memory_equal(scene.event.gateway->address, "gw", 2);
    give_from(&scene, "third", "03 02 09"); /* for which there is no room */
    assert_false(next(&scene));
    advance(&scene, 6999);
    assert_false(next(&scene));
    advance(&scene, 1);
    expect_event(&scene, NJ_SN_EVENT_GATEWAY_GONE);
    assert_int_equal(scene.event.gateway->id, 7);
    assert_int_equal(nj_sn_other_gateway(&scene.sn)->id, 8); /* itself, as there is no other */
    assert_false(next(&scene));
}

SPEC_TEST("SN-6.1-9 SN-5.4.3-1", a_client_tells_others_of_its_gateway)
{
    struct scene scene;

    begin(&scene);
    give_from(&scene, "client", "03 01 02");
    assert_false(next(&scene));
    assert_int_equal(nj_sn_due_ms(&scene.sn), INT64_MAX); /* it knows none itself */
    give_from(&scene, other_address, "03 02 08");
    expect_event(&scene, NJ_SN_EVENT_GATEWAY);
    give(&scene, "05 00 07 0384");
    expect_event(&scene, NJ_SN_EVENT_GATEWAY);
    give_from(&scene, "client", "03 01 02");
    assert_false(next(&scene));
    assert_true(nj_sn_due_ms(&scene.sn) <= scene.now_ms + SEARCH_MS);
    advance(&scene, SEARCH_MS);
    expect_broadcast(&scene, "05 02 07 'gw'", 2);
    give_from(&scene, "client", "03 01 02");
    assert_false(next(&scene));
    give_from(&scene, other_address, "03 02 08"); /* somebody was faster */
    assert_false(next(&scene));
    advance(&scene, SEARCH_MS);
    expect_nothing(&scene);
}

TEST(without_room_for_gateways_there_is_no_search)
{
    struct scene scene;

    begin(&scene);
    scene.setup.gateway_count = 0;
    nj_sn_init(&scene.sn, &scene.setup);
    assert_int_equal(nj_sn_search(&scene.sn, 1, 0), NJ_NOT_OFFERED);
    assert_null(nj_sn_other_gateway(&scene.sn));
    give(&scene, "05 00 07 0384");
    assert_false(next(&scene));
}

SPEC_TEST("SN-7.2-1", times_are_the_standards_where_none_are_given)
{
    struct scene scene;
    const struct nj_sn_setup bare = { .out = scene.out, .out_size = OUT_SIZE };

    begin(&scene);
    nj_sn_init(&scene.sn, &bare);
    nj_sn_use_gateway(&scene.sn, nj_text(gateway_address));
    connect_with(&scene, (struct nj_sn_connect_options){ .clean_session = true });
    for (int i = 0; i < 4; i++) {
        expect(&scene, "07 04 04 01 0000 'c'");
        advance(&scene, 9999);
        expect_nothing(&scene);
        advance(&scene, 1);
    }
    expect_event(&scene, NJ_SN_EVENT_LOST);
}

/* ---- Forwarders ---- */

SPEC_TEST("SN-5.5-1 SN-5.5-4", frames_of_forwarders)
{
    struct notation framed = notation_read("05 fe 01 'ab' 02 17");
    struct nj_bytes datagram = nj_bytes_of(framed.data, framed.size);
    uint8_t memory[NJ_SN_FRAME_MAX];

    assert_int_equal(nj_sn_wrap(memory, sizeof(memory), nj_text("ab"), 2), 5);
    expect_bytes(nj_bytes_of(memory, 5), "05 fe 02 'ab'");
    assert_int_equal(nj_sn_wrap(memory, 4, nj_text("ab"), 2), 0);
    assert_int_equal(nj_sn_wrap(memory, sizeof(memory), nj_text("ab"), 4), 0);
    assert_false(nj_sn_unwrap(&datagram, nj_text("ac")));
    assert_true(nj_sn_unwrap(&datagram, nj_text("ab")));
    expect_bytes(datagram, "02 17");
    assert_false(nj_sn_unwrap(&datagram, nj_text("ab")));
    framed = notation_read("05 fe 00 'ab' 05 fe 00 'ab' 02 17");
    datagram = nj_bytes_of(framed.data, framed.size);
    assert_false(nj_sn_unwrap(&datagram, nj_text("ab")));
}
