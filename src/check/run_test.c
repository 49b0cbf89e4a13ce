/* SPDX-License-Identifier: Apache-2.0 */
/* Whether cases fail when they should, against servers whose every byte stands in the test. */
#include "check/run.h"

#include "check/notation.h"
#include "check/probe.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWERS_MAX = 4, ANSWER_SIZE_MAX = 512, TRICKLE_MS = 50 };

#define CONNACK "20 RL 00 00 00"

/* What the server does when it has said all. */
enum script_end {
    SCRIPT_STAYS,
    SCRIPT_CLOSES,
    SCRIPT_FLOODS,   /* without an end, as fast as it is read */
    SCRIPT_TRICKLES, /* a packet now and then, without an end */
};

/* What the server says on each transport in turn, all at once; NULL: it cannot be opened. */
struct script {
    const char *answers[ANSWERS_MAX];
    enum script_end end;
    unsigned opened;
    unsigned cut;
    int64_t now_ms;
};

struct transport {
    struct script *script;
    uint8_t bytes[ANSWER_SIZE_MAX];
    size_t size;
    size_t taken;
};

static void *script_open(void *context, enum wire_door door)
{
    static const struct notation_scope scope = { .name = "nctested" };
    struct script *script = context;
    const char *text = script->answers[script->opened];
    struct transport *transport;

    (void)door;
    if (!text)
        return NULL;
    script->opened++;
    transport = calloc(1, sizeof(*transport));
    assert_non_null(transport);
    transport->script = script;
    while (*text) {
        struct writer out = { .data = transport->bytes + transport->size,
            .size = sizeof(transport->bytes) - transport->size };

        assert_null(notation_write(&out, &text, &scope));
        transport->size += out.used;
    }
    return transport;
}

static void script_send(void *transport, struct bytes bytes)
{
    (void)transport;
    (void)bytes;
}

static int script_receive_more(
        struct script *script, uint8_t *buffer, size_t size, int64_t patience_ms)
{
    static const uint8_t packet[] = { 0x30, 3, 0, 1, 'a' };

    switch (script->end) {
    case SCRIPT_STAYS:
    case SCRIPT_CLOSES:
        script->now_ms += patience_ms;
        return script->end == SCRIPT_CLOSES ? 0 : -EAGAIN;
    case SCRIPT_FLOODS:
        memset(buffer, 0x30, size);
        return (int)size;
    case SCRIPT_TRICKLES:
        script->now_ms += TRICKLE_MS;
        assert_true(size >= sizeof(packet));
        memcpy(buffer, packet, sizeof(packet));
        return (int)sizeof(packet);
    }
    return 0;
}

/* Byte by byte, which a case must not notice. */
static int script_receive(void *context, uint8_t *buffer, size_t size, int64_t patience_ms)
{
    struct transport *transport = context;

    assert_true(size > 0);
    if (transport->taken < transport->size) {
        *buffer = transport->bytes[transport->taken++];
        return 1;
    }
    return script_receive_more(transport->script, buffer, size, patience_ms);
}

static void script_cut(void *context)
{
    struct transport *transport = context;

    transport->script->cut++;
    free(transport);
}

static void script_pass(void *context, int64_t ms)
{
    ((struct script *)context)->now_ms += ms;
}

static int64_t script_now_ms(void *context)
{
    return ((struct script *)context)->now_ms;
}

static const struct wire_functions functions = {
    script_open,
    script_send,
    script_receive,
    script_cut,
    script_pass,
    script_now_ms,
};

static struct check_target any_target(void)
{
    struct check_target target;

    check_target_init(&target);
    target.speaks[MQTT_5_0] = true;
    target.speaks[MQTT_3_1_1] = true;
    return target;
}

static enum check_outcome outcome_at(struct script script, const struct check_case *test,
        enum mqtt_version version, struct check_target target)
{
    struct check_setup setup = { .target = &target, .version = version, .name = "nctested" };
    const struct wire wire = {
        .functions = &functions, .context = &script, .patience_ms = 100, .window_ms = 10
    };
    struct check_result result;
    enum check_outcome outcome;

    setup.wire = &wire;
    check_run(&result, test, &setup);
    outcome = result.outcome;
    assert_true(outcome == CHECK_PASS || *result.reason);
    if (target.password)
        assert_null(strstr(result.transcript, "73 65 63 72 65 74"));
    check_result_deinit(&result);
    assert_int_equal(script.opened, script.cut);
    return outcome;
}

static enum check_outcome outcome_of(
        struct script script, const struct check_case *test, enum mqtt_version version)
{
    return outcome_at(script, test, version, any_target());
}

/* The outcome of a function as a case of 5.0, against a server that says this and then stays. */
static enum check_outcome play(void (*run)(struct check *check), const char *answer)
{
    const struct check_case test = { .name = "a_test", .run = run };

    return outcome_of((struct script){ .answers = { answer } }, &test, MQTT_5_0);
}

static enum check_outcome play_closing(void (*run)(struct check *check), const char *answer)
{
    const struct check_case test = { .name = "a_test", .run = run };

    return outcome_of(
            (struct script){ .answers = { answer }, .end = SCRIPT_CLOSES }, &test, MQTT_5_0);
}

/* ---- Expectations ---- */

static void expects_two(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_expect(a, "D0 00 | 40 02 id");
}

TEST(packets_come_in_order_and_are_held_against_their_texts)
{
    assert_int_equal(play(expects_two, CONNACK " | D0 00 | 40 02 0007"), CHECK_PASS);
    assert_int_equal(play(expects_two, CONNACK " | 40 02 0007 | D0 00"), CHECK_FAIL);
    assert_int_equal(play(expects_two, CONNACK " | D0 00 | 40 02 0000"), CHECK_FAIL);
    assert_int_equal(play(expects_two, CONNACK " | D0 00"), CHECK_FAIL);
    assert_int_equal(play(expects_two, CONNACK " | D0 00 | 40 02"), CHECK_FAIL);
    assert_int_equal(play_closing(expects_two, CONNACK " | D0 00"), CHECK_FAIL);
    assert_int_equal(play(expects_two, "20 RL 00 80 00"), CHECK_FAIL);
    assert_int_equal(play(expects_two, "20 02 00 00"), CHECK_FAIL);
    assert_int_equal(play(expects_two, ""), CHECK_FAIL);
    assert_int_equal(play(expects_two, NULL), CHECK_FAIL);
}

static void expects_in_any_order(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_expect_all(a, "D0 00 | 40 02 0007");
    assert_int_equal(probe_expect_one(a, "D0 00 | 40 02 0007"), 1);
}

TEST(packets_may_come_in_any_order)
{
    assert_int_equal(
            play(expects_in_any_order, CONNACK " | 40 02 0007 | D0 00 | 40 02 0007"), CHECK_PASS);
    assert_int_equal(
            play(expects_in_any_order, CONNACK " | 40 02 0007 | 40 02 0007 | D0 00"), CHECK_FAIL);
    assert_int_equal(play(expects_in_any_order, CONNACK " | 40 02 0007 | D0 00"), CHECK_FAIL);
    assert_int_equal(
            play(expects_in_any_order, CONNACK " | 40 02 0007 | D0 00 | E0 00"), CHECK_FAIL);
}

static void expects_nothing(struct check *check)
{
    probe_expect_nothing(probe_connected(check, "~a"));
}

static void expects_nothing_for_all(struct check *check)
{
    probe_connected(check, "~a");
    probes_expect_nothing(check);
}

TEST(nothing_is_not_something_and_not_the_end)
{
    void (*const runs[])(struct check *) = { expects_nothing, expects_nothing_for_all };

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(play(runs[i], CONNACK), CHECK_PASS);
        assert_int_equal(play(runs[i], CONNACK " | D0 00"), CHECK_FAIL);
        assert_int_equal(play(runs[i], CONNACK " | D0"), CHECK_FAIL);
    }
    assert_int_equal(play_closing(expects_nothing, CONNACK), CHECK_FAIL);
}

static void expects_the_end(struct check *check)
{
    probe_expect_end(probe_connected(check, "~a"), "81 82");
}

TEST(the_end_may_have_one_of_these_codes)
{
    assert_int_equal(play_closing(expects_the_end, CONNACK), CHECK_PASS);
    assert_int_equal(play_closing(expects_the_end, CONNACK " | E0 01 81"), CHECK_PASS);
    assert_int_equal(play_closing(expects_the_end, CONNACK " | E0 02 82 00"), CHECK_PASS);
    assert_int_equal(play_closing(expects_the_end, CONNACK " | E0 01 83"), CHECK_FAIL);
    assert_int_equal(play_closing(expects_the_end, CONNACK " | E0 00"), CHECK_FAIL);
    assert_int_equal(play_closing(expects_the_end, CONNACK " | 20 RL 00 81 00"), CHECK_FAIL);
    assert_int_equal(play_closing(expects_the_end, CONNACK " | E0 01 81 | D0 00"), CHECK_FAIL);
    assert_int_equal(play(expects_the_end, CONNACK " | E0 01 81"), CHECK_FAIL);
    assert_int_equal(play(expects_the_end, CONNACK), CHECK_FAIL);
}

static void expects_an_ack(struct check *check)
{
    probe_expect_ack(probe_connected(check, "~a"), 0x40, 7, "00 10");
}

TEST(acknowledgements_have_several_forms)
{
    assert_int_equal(play(expects_an_ack, CONNACK " | 40 02 0007"), CHECK_PASS);
    assert_int_equal(play(expects_an_ack, CONNACK " | 40 03 0007 10"), CHECK_PASS);
    assert_int_equal(play(expects_an_ack, CONNACK " | 40 RL 0007 10 (1F S'x')"), CHECK_PASS);
    assert_int_equal(play(expects_an_ack, CONNACK " | 40 03 0007 11"), CHECK_FAIL);
    assert_int_equal(play(expects_an_ack, CONNACK " | 40 02 0008"), CHECK_FAIL);
    assert_int_equal(play(expects_an_ack, CONNACK " | 50 02 0007"), CHECK_FAIL);
    assert_int_equal(play(expects_an_ack, CONNACK " | 40 01 07"), CHECK_FAIL);
}

/* ---- Servers without an end ---- */

static void sees_whether_it_is_open(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    assert_true(probe_is_open(a));
}

static void expects_an_answer(struct check *check)
{
    probe_subscribes(probe_connected(check, "~a"), "~/a", 0);
}

TEST(a_server_that_never_ends_fails_and_is_left)
{
    static const enum script_end ends[] = { SCRIPT_FLOODS, SCRIPT_TRICKLES };
    void (*const runs[])(struct check *) = { expects_two, expects_nothing, sees_whether_it_is_open,
        expects_an_answer };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        for (size_t j = 0; j < sizeof(runs) / sizeof(runs[0]); j++) {
            const struct check_case test = { .name = "a_test", .run = runs[j] };
            const struct script script = { .answers = { CONNACK }, .end = ends[i] };

            assert_int_equal(outcome_of(script, &test, MQTT_5_0), CHECK_FAIL);
        }
    }
}

/* ---- Whole cases ---- */

TEST(refused_packets_reach_nobody_and_end_the_connection)
{
    static const struct check_case test = {
        .name = "a_test", .refused_first = "C0 00", .codes = "81"
    };
    const char *witness = CONNACK " | 90 RL 7FFF 00 00";
    const char *told = CONNACK " | 90 RL 7FFF 00 00 | 30 RL S'~' 00";

    /* The script closes every transport, so that of the witness too. */
    assert_int_equal(outcome_of((struct script){ .answers = { witness, "" }, .end = SCRIPT_CLOSES },
                             &test, MQTT_5_0),
            CHECK_FAIL);
    assert_int_equal(
            outcome_of((struct script){ .answers = { witness, "" } }, &test, MQTT_5_0), CHECK_FAIL);
    assert_int_equal(
            outcome_of((struct script){ .answers = { told, "20 RL 00 81 00" } }, &test, MQTT_5_0),
            CHECK_FAIL);
}

static void closes_silently(struct check *check)
{
    probe_expect_end(probe_open(check), "81");
}

TEST(before_version_5_the_end_is_silent)
{
    static const struct check_case test = { .name = "a_test", .run = closes_silently };
    struct script silent = { .answers = { "" }, .end = SCRIPT_CLOSES };
    struct script telling = { .answers = { "20 02 00 01" }, .end = SCRIPT_CLOSES };

    assert_int_equal(outcome_of(silent, &test, MQTT_3_1_1), CHECK_PASS);
    assert_int_equal(outcome_of(telling, &test, MQTT_3_1_1), CHECK_FAIL);
}

TEST(what_the_server_does_not_offer_is_skipped)
{
    static const struct check_case needy = {
        .name = "a_test", .run = expects_nothing, .need = NEED_NO_RETAIN
    };
    static const struct check_case other = { .name = "a_test", .run = expects_nothing };
    struct script script = { .answers = { CONNACK } };

    assert_int_equal(outcome_of(script, &needy, MQTT_5_0), CHECK_SKIP);
    assert_int_equal(outcome_of(script, &other, MQTT_3_1), CHECK_SKIP);
}

static void has_a_wrong_text(struct check *check)
{
    probe_send(probe_connected(check, "~a"), "zz");
}

TEST(a_case_with_a_wrong_text_fails)
{
    assert_int_equal(play(has_a_wrong_text, CONNACK), CHECK_FAIL);
}

static void reads_properties(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    uint32_t value = 0;

    assert_true(probe_property(probe_connack(a), 0x21, &value));
    assert_int_equal(value, 10);
    assert_false(probe_property(probe_connack(a), 0x22, &value));
    assert_int_equal(value, 10);
    assert_memory_equal(probe_property_text(probe_connack(a), 0x12).data, "id", 2);
    assert_true(probe_present(a));
}

TEST(properties_are_found)
{
    assert_int_equal(play(reads_properties, "20 RL 01 00 (26 S'a' S'b' 12 S'id' 21 000A 13 0003)"),
            CHECK_PASS);
}

TEST(every_need_has_its_sentence)
{
    for (int need = NEED_NOTHING + 1; need < CHECK_NEEDS; need++)
        assert_true(strlen(check_need_text((enum check_need)need)) > 0);
}

TEST(a_server_of_which_nothing_is_known_has_what_the_standard_presumes)
{
    static const enum check_need offered[] = { NEED_NO_ALIASES, NEED_QOS_2, NEED_RETAIN,
        NEED_WILDCARD, NEED_IDENTIFIER, NEED_SHARED };
    struct check_target target;
    size_t count = 0;

    check_target_init(&target);
    for (int need = NEED_NOTHING + 1; need < CHECK_NEEDS; need++)
        count += check_target_offers(&target, (enum check_need)need);
    assert_int_equal(count, sizeof(offered) / sizeof(offered[0]));
    for (size_t i = 0; i < sizeof(offered) / sizeof(offered[0]); i++)
        assert_true(check_target_offers(&target, offered[i]));
}

/* ---- What a server announces not to take, and what nobody is to read ---- */

static void sends_all_kinds(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "%s", (const char *)check_subject(check));
}

static enum check_outcome send_to(struct check_target target, const char *packets)
{
    const struct check_case test = { .name = "a_test", .run = sends_all_kinds };
    struct script script = { .answers = { CONNACK, CONNACK } };
    struct check_setup setup = { .target = &target, .version = MQTT_5_0, .name = "nctested" };
    const struct wire wire = { .functions = &functions, .context = &script };
    struct check_result result;
    enum check_outcome outcome;
    char text[128];

    snprintf(text, sizeof(text), "%s", packets);
    setup.subject = text;
    setup.wire = &wire;
    check_run(&result, &test, &setup);
    outcome = result.outcome;
    check_result_deinit(&result);
    return outcome;
}

TEST(what_a_server_announces_not_to_take_is_not_put_to_it)
{
    struct check_target limited = any_target();

    limited.maximum_qos = 1;
    limited.retain_available = false;
    limited.packet_max = 60;
    limited.receive_max = 1;
    assert_int_equal(send_to(limited, "32 RL S'~' 0001 00"), CHECK_PASS);
    assert_int_equal(send_to(limited, "34 RL S'~' 0001 00"), CHECK_SKIP);
    assert_int_equal(send_to(limited, "36 RL S'~' 0001 00"), CHECK_PASS);
    assert_int_equal(send_to(limited, "31 RL S'~' 00"), CHECK_SKIP);
    assert_int_equal(send_to(limited, "30 RL S'~' 00 {100}"), CHECK_SKIP);
    assert_int_equal(send_to(limited, "82 RL 0001 00 S'~' 01"), CHECK_PASS);
    assert_int_equal(send_to(limited, "82 RL 0001 00 S'~' 01 S'~/a' 02"), CHECK_SKIP);
    assert_int_equal(send_to(limited, "32 RL S'~' 0001 00 | 32 RL S'~' 0002 00"), CHECK_SKIP);
    assert_int_equal(send_to(any_target(), "35 RL S'~' 0001 00 {100}"), CHECK_PASS);
}

TEST(the_password_stands_in_no_transcript)
{
    static const struct check_case test = { .name = "a_test", .run = expects_two };
    struct check_target target = any_target();
    struct script script = { .answers = { CONNACK " | D0 00" } };

    target.user = "user";
    target.password = "secret";
    assert_int_equal(outcome_at(script, &test, MQTT_5_0, target), CHECK_FAIL);
}

static void pings_after(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0001 00 S'~a'");

    check_wait(check, *(const int64_t *)check_subject(check));
    probe_send(a, "C0 00");
    probe_expect(a, "D0 00");
}

/* Whether the case's client, of a Keep Alive of a second, is late with its ping after that time. */
static bool is_late_after(int64_t ms, enum script_end end)
{
    static const struct check_case test = { .name = "a_test", .run = pings_after };
    struct script script = { .answers = { CONNACK }, .end = end };
    struct check_target target = any_target();
    const struct wire wire = {
        .functions = &functions, .context = &script, .patience_ms = 100, .window_ms = 10
    };
    const struct check_setup setup = {
        .target = &target, .wire = &wire, .version = MQTT_5_0, .name = "nctested", .subject = &ms
    };
    struct check_result result;
    bool late;

    check_run(&result, &test, &setup);
    assert_int_equal(result.outcome, CHECK_FAIL);
    late = result.late;
    check_result_deinit(&result);
    return late;
}

TEST(a_client_that_is_silent_for_too_long_makes_its_case_late)
{
    assert_false(is_late_after(1000, SCRIPT_STAYS));
    assert_true(is_late_after(1300, SCRIPT_STAYS));
    assert_false(is_late_after(1000, SCRIPT_CLOSES));
    assert_true(is_late_after(1300, SCRIPT_CLOSES));
}
