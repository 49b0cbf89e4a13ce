/* SPDX-License-Identifier: Apache-2.0 */
#include "nightjar/link.h"
#include "tests/harness/link_pair.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SENT_MAX = 64 };

/* A link, its server, and what its callbacks were told. */
struct scene {
    struct frail_server server;
    struct nj_link_options options;
    struct nj_link *link;
    char url[64];
    unsigned connected;
    unsigned downs;
    struct nj_down down; /* the last; what it borrows is gone */
    unsigned sent[SENT_MAX];
    enum nj_error sent_error[SENT_MAX];
    char taken[SENT_MAX][FRAIL_TEXT_SIZE];
    size_t taken_count;
    bool echoes; /* the callback for messages publishes each again */
    bool leaves; /* it leaves each with the server */
};

static void note_connected(struct nj_link *link, void *context, const struct nj_connected *news)
{
    struct scene *scene = context;

    (void)news;
    assert_true(nj_link_connected(link));
    scene->connected++;
}

static void note_down(struct nj_link *link, void *context, const struct nj_down *news)
{
    struct scene *scene = context;

    assert_false(nj_link_connected(link));
    assert_true(strlen(news->text) > 0);
    scene->downs++;
    scene->down = *news;
}

static void note_sent(struct nj_link *link, void *context, uint64_t tag, enum nj_error error,
        uint8_t reason, struct nj_bytes properties)
{
    struct scene *scene = context;

    (void)link;
    (void)reason;
    (void)properties;
    assert_true(tag < SENT_MAX);
    scene->sent[tag]++;
    scene->sent_error[tag] = error;
}

static void note_message(struct nj_link *link, void *context, const struct nj_message *message)
{
    struct scene *scene = context;
    struct nj_message again = { nj_text("again"), message->payload, .qos = message->qos };

    assert_true(scene->taken_count < SENT_MAX);
    snprintf(scene->taken[scene->taken_count++], FRAIL_TEXT_SIZE, "%.*s",
            (int)message->payload.size, (const char *)message->payload.data);
    if (scene->echoes)
        assert_int_equal(nj_link_send(link, &again, 0), NJ_OK);
    if (scene->leaves)
        assert_int_equal(nj_link_leave(link, 0, nj_text(NULL)), NJ_OK);
    assert_int_equal(nj_connect(link, 0), NJ_IN_CALLBACK);
    assert_int_equal(nj_link_run_once(link, 0), NJ_IN_CALLBACK);
}

static void begin(struct scene *scene, enum nj_version version)
{
    *scene = (struct scene){ .connected = 0 };
    frail_server_open(&scene->server);
    snprintf(scene->url, sizeof(scene->url), "mqtt://127.0.0.1:%u", scene->server.port);
    scene->options = (struct nj_link_options){
        .url = scene->url,
        .version = version,
        .client_id = "c",
        .session_expiry_s = 100,
        .retry_min_ms = 1,
        .retry_max_ms = 2,
        .callbacks = { note_connected, note_down, note_message, note_sent, NULL, NULL, NULL },
        .context = scene,
    };
}

static void start(struct scene *scene)
{
    scene->link = nj_link_new(&scene->options);
    assert_non_null(scene->link);
}

static void end(struct scene *scene)
{
    nj_link_free(scene->link);
    frail_server_close(&scene->server);
}

static enum nj_error send_text(struct scene *scene, const char *text, uint8_t qos, uint64_t tag)
{
    const struct nj_message message = { nj_text("topic"), nj_text(text), .qos = qos };

    return nj_link_send(scene->link, &message, tag);
}

static unsigned times_taken(const struct scene *scene, const char *text)
{
    unsigned count = 0;

    for (size_t i = 0; i < scene->taken_count; i++)
        count += strcmp(scene->taken[i], text) == 0;
    return count;
}

TEST(a_link_connects_and_says_goodbye)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    start(&scene);
    UNTIL(&scene, scene.connected == 1);
    nj_link_free(scene.link);
    scene.link = NULL;
    while (scene.server.fd >= 0)
        frail_server_turn(&scene.server, 100);
    assert_int_equal(scene.server.goodbyes, 1);
    end(&scene);
}

TEST(messages_of_each_qos_arrive_and_are_told)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_3_1_1);
    start(&scene);
    UNTIL(&scene, scene.connected == 1);
    assert_int_equal(send_text(&scene, "zero", 0, 1), NJ_OK);
    assert_int_equal(send_text(&scene, "one", 1, 2), NJ_OK);
    assert_int_equal(send_text(&scene, "two", 2, 3), NJ_OK);
    assert_int_equal(nj_link_pending(scene.link), 3);
    UNTIL(&scene, nj_link_pending(scene.link) == 0);
    for (size_t tag = 1; tag <= 3; tag++) {
        assert_int_equal(scene.sent[tag], 1);
        assert_int_equal(scene.sent_error[tag], NJ_OK);
    }
    assert_int_equal(frail_server_taken(&scene.server, "zero"), 1);
    assert_int_equal(frail_server_taken(&scene.server, "one"), 1);
    assert_int_equal(frail_server_taken(&scene.server, "two"), 1);
    end(&scene);
}

/* Both sides have messages, and the connection breaks after so many packets. Returns false when
 * there were not as many. */
static bool break_after(unsigned packets, enum nj_version version)
{
    struct scene scene;
    bool has_cut;

    begin(&scene, version);
    scene.server.cut_at = packets;
    frail_server_give(&scene.server, "down 1", 1);
    frail_server_give(&scene.server, "down 2", 2);
    start(&scene);
    assert_int_equal(send_text(&scene, "up 1", 1, 1), NJ_OK);
    assert_int_equal(send_text(&scene, "up 2", 2, 2), NJ_OK);
    assert_int_equal(send_text(&scene, "up 3", 2, 3), NJ_OK);
    UNTIL(&scene, nj_link_pending(scene.link) == 0 && frail_server_is_even(&scene.server));
    for (size_t tag = 1; tag <= 3; tag++) {
        assert_int_equal(scene.sent[tag], 1);
        assert_int_equal(scene.sent_error[tag], NJ_OK);
    }
    assert_in_range(frail_server_taken(&scene.server, "up 1"), 1, 2);
    assert_int_equal(frail_server_taken(&scene.server, "up 2"), 1);
    assert_int_equal(frail_server_taken(&scene.server, "up 3"), 1);
    assert_in_range(times_taken(&scene, "down 1"), 1, 2);
    assert_int_equal(times_taken(&scene, "down 2"), 1);
    has_cut = scene.server.packets >= packets;
    if (has_cut) {
        UNTIL(&scene, scene.downs > 0);
    }
    assert_int_equal(scene.downs, has_cut ? 1 : 0);
    end(&scene);
    return has_cut;
}

TEST(nothing_is_lost_where_the_connection_breaks_after_any_packet)
{
    static const enum nj_version versions[] = { NJ_MQTT_3_1_1, NJ_MQTT_5_0 };

    for (size_t i = 0; i < 2; i++) {
        unsigned packets = 1;

        while (break_after(packets, versions[i]))
            packets++;
        assert_true(packets > 15); /* CONNECT, CONNACK, 2 for QoS 1 and 4 for QoS 2 each */
    }
}

TEST(a_server_that_forgets_gets_qos_1_anew_and_qos_2_is_told_as_lost)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    scene.server.forgets = true;
    scene.server.cut_at = 4; /* CONNECT, CONNACK and both messages */
    start(&scene);
    send_text(&scene, "one", 1, 1);
    send_text(&scene, "two", 2, 2);
    /* The answer to the first counts too, so the second is not even read. */
    UNTIL(&scene, nj_link_pending(scene.link) == 0);
    assert_int_equal(scene.sent_error[1], NJ_OK);
    assert_int_equal(scene.sent_error[2], NJ_LOST);
    assert_int_equal(scene.sent[2], 1);
    end(&scene);
}

TEST(a_server_that_forgets_is_subscribed_again)
{
    const struct nj_subscription wanted = { .filter = nj_text("a/#"), .qos = 2 };
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    scene.server.forgets = true;
    start(&scene);
    assert_int_equal(nj_link_subscribe(scene.link, &wanted, 1, nj_text(NULL), 7), NJ_OK);
    UNTIL(&scene, scene.server.subscribed == 1);
    UNTIL(&scene, nj_link_due_ms(scene.link) != 0);
    frail_server_cut(&scene.server);
    UNTIL(&scene, scene.connected == 2 && scene.server.subscribed == 2);
    scene.server.forgets = false;
    frail_server_cut(&scene.server);
    UNTIL(&scene, scene.connected == 3);
    assert_int_equal(scene.server.subscribed, 2);
    end(&scene);
}

TEST(calls_are_allowed_inside_callbacks)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    scene.echoes = true;
    frail_server_give(&scene.server, "ping 0", 0);
    frail_server_give(&scene.server, "ping 1", 1);
    frail_server_give(&scene.server, "ping 2", 2);
    start(&scene);
    UNTIL(&scene,
            frail_server_taken(&scene.server, "ping 0") == 1 &&
                    frail_server_taken(&scene.server, "ping 1") == 1 &&
                    frail_server_taken(&scene.server, "ping 2") == 1);
    end(&scene);
}

TEST(a_message_that_is_left_comes_to_the_next_link)
{
    for (uint8_t qos = 1; qos <= 2; qos++) {
        struct scene scene;

        begin(&scene, NJ_MQTT_5_0);
        scene.leaves = true;
        frail_server_give(&scene.server, "left", qos);
        frail_server_give(&scene.server, "behind it", qos);
        start(&scene);
        assert_int_equal(nj_link_leave(scene.link, 0, nj_text(NULL)), NJ_INVALID);
        UNTIL(&scene, scene.server.goodbyes == 1);
        assert_int_equal(scene.taken_count, 1);
        assert_false(frail_server_is_even(&scene.server));
        nj_link_free(scene.link);

        scene.leaves = false;
        start(&scene);
        UNTIL(&scene, frail_server_is_even(&scene.server));
        assert_int_equal(times_taken(&scene, "left"), 2);
        assert_int_equal(times_taken(&scene, "behind it"), 1);
        end(&scene);
    }
}

TEST(what_waits_has_limits)
{
    const struct nj_message large = { nj_text("t"), { "", 0 }, .qos = 1 };
    struct scene scene;
    char payload[100] = "";

    begin(&scene, NJ_MQTT_5_0);
    scene.options.queue_messages = 2;
    scene.options.queue_bytes = 100;
    start(&scene);
    assert_int_equal(send_text(&scene, "x", 0, 0), NJ_NOT_CONNECTED);
    assert_int_equal(send_text(&scene, "x", 1, 1), NJ_OK);
    assert_int_equal(send_text(&scene, "x", 1, 2), NJ_OK);
    assert_int_equal(send_text(&scene, "x", 1, 3), NJ_FULL);
    assert_string_equal(nj_link_failure(scene.link), "cannot publish to topic: A limit is reached");
    UNTIL(&scene, nj_link_pending(scene.link) == 0);
    struct nj_message too_many_bytes = large;
    too_many_bytes.payload = nj_bytes_of(payload, sizeof(payload));
    assert_int_equal(nj_link_send(scene.link, &too_many_bytes, 4), NJ_TOO_LARGE);
    end(&scene);
}

TEST(what_mqtt_does_not_allow_is_refused_at_once)
{
    const struct nj_subscription bad = { .filter = nj_text("a/#/b") };
    const struct nj_bytes filters[] = { nj_text("") };
    const struct nj_message wildcard = { .topic = nj_text("a/#") };
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    start(&scene);
    assert_int_equal(nj_link_send(scene.link, &wildcard, 0), NJ_INVALID);
    assert_int_equal(nj_link_subscribe(scene.link, &bad, 1, nj_text(NULL), 0), NJ_INVALID);
    assert_int_equal(nj_link_unsubscribe(scene.link, filters, 1, nj_text(NULL), 0), NJ_INVALID);
    assert_int_equal(nj_link_disconnect(scene.link, 0x82, nj_text("no properties")), NJ_INVALID);
    end(&scene);
}

TEST(a_link_that_is_to_try_once_tells_why_it_failed)
{
    struct scene scene;
    uint16_t port;

    begin(&scene, NJ_MQTT_5_0);
    port = scene.server.port;
    close(scene.server.listener);
    scene.options.once = true;
    start(&scene);
    assert_int_equal(nj_connect(scene.link, PATIENCE_MS), NJ_NETWORK);
    snprintf(scene.url, sizeof(scene.url), "cannot connect to 127.0.0.1:%u: Connection refused",
            port);
    assert_string_equal(nj_link_failure(scene.link), scene.url);
    assert_int_equal(scene.downs, 1);
    assert_true(scene.down.retry_ms < 0);
    assert_int_equal(send_text(&scene, "x", 1, 0), NJ_NETWORK);
    nj_link_free(scene.link);
}

TEST(a_call_that_waits_gives_up_when_its_time_is_over)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    start(&scene);
    assert_int_equal(nj_publish(scene.link, "a", "b", 1, 20), NJ_TIMED_OUT);
    assert_string_equal(
            nj_link_failure(scene.link), "cannot publish: It has not come about in time");
    UNTIL(&scene, nj_link_pending(scene.link) == 0); /* it goes on with it */
    assert_int_equal(frail_server_taken(&scene.server, "b"), 1);
    end(&scene);
}

/* ---- What goes by ---- */

struct trace {
    unsigned written;
    unsigned come;
    uint8_t first[8]; /* first bytes of the first packets, in order */
    size_t size;      /* of the largest */
};

static void note_packet(
        struct nj_link *link, void *context, bool written, struct nj_bytes packet, size_t size)
{
    struct trace *trace = context;
    unsigned seen = trace->written + trace->come;

    (void)link;
    assert_true(packet.size == (size < NJ_TRACED_MAX ? size : NJ_TRACED_MAX));
    if (seen < sizeof(trace->first))
        trace->first[seen] = *(const uint8_t *)packet.data;
    *(written ? &trace->written : &trace->come) += 1;
    if (size > trace->size)
        trace->size = size;
}

TEST(each_packet_is_shown_whole_and_in_order)
{
    static const uint8_t wanted[] = { 0x10, 0x20, 0x34, 0x50, 0x62, 0x70 };
    struct scene scene;
    struct trace trace = { .size = 0 };

    begin(&scene, NJ_MQTT_5_0);
    scene.options.callbacks = (struct nj_callbacks){ .packet = note_packet };
    scene.options.context = &trace;
    start(&scene);
    send_text(&scene, "two", 2, 0);
    UNTIL(&scene, nj_link_pending(scene.link) == 0);
    assert_memory_equal(trace.first, wanted, sizeof(wanted));
    assert_int_equal(trace.written, 3);
    assert_int_equal(trace.come, 3);
    assert_int_equal(scene.server.packets, 6);
    end(&scene);
}

TEST(a_packet_that_is_too_large_to_show_is_shown_in_part)
{
    static uint8_t large[NJ_TRACED_MAX + 1000];
    const struct nj_message message = { nj_text("t"), nj_bytes_of(large, sizeof(large)) };
    struct scene scene;
    struct trace trace = { .size = 0 };

    begin(&scene, NJ_MQTT_3_1_1);
    scene.options.callbacks = (struct nj_callbacks){ .packet = note_packet };
    scene.options.context = &trace;
    scene.options.qos0_waits = true;
    start(&scene);
    assert_int_equal(nj_link_send(scene.link, &message, 0), NJ_OK);
    for (int64_t until_end = clock_now_ms() + PATIENCE_MS; trace.written < 2;) {
        assert_true(clock_now_ms() < until_end);
        frail_server_turn(&scene.server, 0);
        nj_link_run_once(scene.link, 0);
        if (scene.server.greeted && scene.server.in_used > FRAIL_BUFFER_SIZE / 2)
            scene.server.in_used = 0; /* it has no room for it, and need not look */
    }
    assert_true(trace.size > sizeof(large));
    end(&scene);
}

/* ---- Time ---- */

TEST(pauses_grow_up_to_their_limit)
{
    struct scene scene;
    int64_t longest = 0;

    begin(&scene, NJ_MQTT_5_0);
    close(scene.server.listener);
    scene.options.retry_min_ms = 2;
    scene.options.retry_max_ms = 16;
    start(&scene);
    while (scene.downs < 8) {
        nj_link_run_once(scene.link, NJ_FOREVER);
        if (scene.downs > 0) {
            int64_t most = 2 << (scene.downs - 1);

            assert_in_range(scene.down.retry_ms, 1, most < 16 ? most : 16);
            longest = scene.down.retry_ms > longest ? scene.down.retry_ms : longest;
        }
    }
    assert_true(longest >= 8);
    assert_int_equal(scene.down.error, NJ_NETWORK);
    nj_link_free(scene.link);
}

TEST(a_link_that_rests_says_for_how_long)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    scene.options.keep_alive_s = 50;
    start(&scene);
    assert_int_equal(nj_link_due_ms(scene.link), 0);
    UNTIL(&scene, scene.connected == 1 && nj_link_due_ms(scene.link) != 0);
    assert_in_range(nj_link_due_ms(scene.link), 40000, 50000);
    assert_true(nj_link_fd(scene.link) >= 0);
    end(&scene);
}

TEST(a_round_with_something_to_do_does_not_wait)
{
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    scene.options.callbacks = (struct nj_callbacks){ .connected = note_connected };
    start(&scene);
    UNTIL(&scene, scene.connected == 1);
    UNTIL(&scene, nj_link_due_ms(scene.link) != 0);
    assert_int_equal(send_text(&scene, "x", 0, 0), NJ_OK);
    assert_int_equal(nj_link_due_ms(scene.link), 0);
    assert_int_equal(nj_link_run_once(scene.link, NJ_FOREVER), NJ_OK); /* it writes */
    UNTIL(&scene, frail_server_taken(&scene.server, "x") == 1);
    end(&scene);
}

/* ---- Authentication ---- */

static void go_on_with_auth(
        struct nj_link *link, void *context, uint8_t reason, struct nj_bytes properties)
{
    struct nj_property_value method;

    (void)context;
    assert_int_equal(reason, 0x18);
    assert_true(nj_find_property(properties, NJ_AUTHENTICATION_METHOD, &method));
    assert_int_equal(nj_link_auth(link, 0, properties), NJ_INVALID);
    assert_int_equal(nj_link_auth(link, 0x18, properties), NJ_OK);
}

TEST(an_exchange_of_auth_is_the_callbacks)
{
    uint8_t memory[16];
    struct nj_properties properties = nj_properties_in(memory, sizeof(memory));
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    nj_add_bytes(&properties, NJ_AUTHENTICATION_METHOD, nj_text("m"));
    scene.server.authenticates = true;
    scene.options.properties = nj_properties_bytes(&properties);
    scene.options.callbacks.auth = go_on_with_auth;
    start(&scene);
    UNTIL(&scene, scene.connected == 1);
    end(&scene);
}

/* ---- Requests ---- */

struct answer {
    unsigned count;
    enum nj_error error;
};

static void note_answer(
        struct nj_link *link, void *context, enum nj_error error, const struct nj_message *response)
{
    struct answer *answer = context;

    (void)link;
    assert_true(error != NJ_OK || response);
    answer->count++;
    answer->error = error;
}

TEST(a_request_without_response_times_out_and_one_that_is_wrong_is_refused)
{
    const struct nj_message request = { nj_text("question"), nj_text("?"), .qos = 1 };
    const struct nj_message wrong = { nj_text("q"), .properties = nj_text("\x08") };
    const struct nj_message answer_to = { .payload = nj_text("!") };
    struct answer answer = { 0 };
    struct scene scene;

    begin(&scene, NJ_MQTT_5_0);
    start(&scene);
    assert_int_equal(
            nj_link_request(scene.link, &request, 5, note_answer, &answer), NJ_NOT_CONNECTED);
    UNTIL(&scene, scene.connected == 1);
    assert_int_equal(nj_link_request(scene.link, &wrong, 5, note_answer, &answer), NJ_INVALID);
    assert_int_equal(nj_link_respond(scene.link, &request, &answer_to, 0), NJ_INVALID);
    assert_int_equal(nj_link_request(scene.link, &request, 5, note_answer, &answer), NJ_OK);
    UNTIL(&scene, answer.count == 1);
    assert_int_equal(answer.error, NJ_TIMED_OUT);
    UNTIL(&scene, frail_server_taken(&scene.server, "?") == 1);
    assert_int_equal(scene.server.subscribed, 1);
    assert_int_equal(
            nj_link_request(scene.link, &request, NJ_FOREVER, note_answer, &answer), NJ_OK);
    UNTIL(&scene, frail_server_taken(&scene.server, "?") == 2);
    assert_int_equal(scene.server.subscribed, 1);
    nj_link_disconnect(scene.link, 0, nj_text(NULL));
    UNTIL(&scene, answer.count == 2);
    assert_int_equal(answer.error, NJ_CLOSED);
    end(&scene);
}

/* ---- With a thread ---- */

/* Lets the server run beside a test whose calls wait. */
struct beside {
    struct frail_server *server;
    pthread_t thread;
    pthread_mutex_t mutex; /* held while the server runs */
    bool stops;
};

static void *run_server(void *context)
{
    struct beside *beside = context;
    bool stops = false;

    while (!stops) {
        pthread_mutex_lock(&beside->mutex);
        stops = beside->stops;
        frail_server_turn(beside->server, 1);
        pthread_mutex_unlock(&beside->mutex);
        sched_yield();
    }
    return NULL;
}

static void start_beside(struct beside *beside, struct frail_server *server)
{
    *beside = (struct beside){ .server = server };
    pthread_mutex_init(&beside->mutex, NULL);
    assert_int_equal(pthread_create(&beside->thread, NULL, run_server, beside), 0);
}

static void stop_beside(struct beside *beside)
{
    pthread_mutex_lock(&beside->mutex);
    beside->stops = true;
    pthread_mutex_unlock(&beside->mutex);
    pthread_join(beside->thread, NULL);
    pthread_mutex_destroy(&beside->mutex);
}

static void use_calls_that_wait(bool threaded)
{
    struct nj_message message;
    struct scene scene;
    struct beside beside;

    begin(&scene, NJ_MQTT_5_0);
    scene.options.callbacks = (struct nj_callbacks){ .connected = NULL };
    frail_server_give(&scene.server, "first", 2);
    frail_server_give(&scene.server, "second", 1);
    start_beside(&beside, &scene.server);
    start(&scene);
    if (threaded)
        assert_int_equal(nj_link_start(scene.link), NJ_OK);
    assert_int_equal(nj_connect(scene.link, PATIENCE_MS), NJ_OK);
    assert_int_equal(nj_subscribe(scene.link, "a/+", 1, PATIENCE_MS), NJ_OK);
    assert_int_equal(nj_publish(scene.link, "a", "zero", 0, PATIENCE_MS), NJ_OK);
    assert_int_equal(nj_publish(scene.link, "a", "two", 2, PATIENCE_MS), NJ_OK);
    assert_int_equal(nj_receive(scene.link, &message, PATIENCE_MS), NJ_OK);
    assert_memory_equal(message.payload.data, "first", 5);
    assert_int_equal(nj_publish(scene.link, "a", "one", 1, PATIENCE_MS), NJ_OK);
    assert_int_equal(nj_receive(scene.link, &message, PATIENCE_MS), NJ_OK);
    assert_memory_equal(message.payload.data, "second", 6);
    assert_int_equal(nj_receive(scene.link, &message, 10), NJ_TIMED_OUT);
    assert_int_equal(nj_disconnect(scene.link, PATIENCE_MS), NJ_OK);
    assert_int_equal(nj_receive(scene.link, &message, PATIENCE_MS), NJ_CLOSED);
    nj_link_free(scene.link);
    stop_beside(&beside);
    while (scene.server.fd >= 0)
        frail_server_turn(&scene.server, 100);
    assert_int_equal(frail_server_taken(&scene.server, "zero"), 1);
    assert_int_equal(frail_server_taken(&scene.server, "one"), 1);
    assert_int_equal(frail_server_taken(&scene.server, "two"), 1);
    assert_true(frail_server_is_even(&scene.server));
    assert_int_equal(scene.server.goodbyes, 1);
    frail_server_close(&scene.server);
}

TEST(calls_that_wait_let_the_link_run)
{
    use_calls_that_wait(false);
}

TEST(calls_that_wait_leave_it_to_the_links_thread)
{
    use_calls_that_wait(true);
}

enum { SENDERS = 3, SENT_EACH = 10 };

struct sender {
    struct nj_link *link;
    pthread_t thread;
    unsigned number;
};

static void *send_many(void *context)
{
    struct sender *sender = context;
    char text[FRAIL_TEXT_SIZE];

    for (unsigned i = 0; i < SENT_EACH; i++) {
        snprintf(text, sizeof(text), "%u %u", sender->number, i);
        assert_int_equal(nj_publish(sender->link, "topic", text, 2, PATIENCE_MS), NJ_OK);
    }
    return NULL;
}

TEST(many_threads_send_by_one_link)
{
    struct sender senders[SENDERS];
    struct scene scene;
    struct beside beside;

    begin(&scene, NJ_MQTT_5_0);
    scene.options.callbacks = (struct nj_callbacks){ .connected = NULL };
    scene.server.cut_at = 20;
    start_beside(&beside, &scene.server);
    start(&scene);
    assert_int_equal(nj_link_start(scene.link), NJ_OK);
    assert_int_equal(nj_link_run_once(scene.link, 0), NJ_INVALID);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ .link = scene.link, .number = i };
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_many, &senders[i]), 0);
    }
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    nj_link_free(scene.link);
    stop_beside(&beside);
    assert_int_equal(scene.server.taken_count, SENDERS * SENT_EACH);
    for (size_t i = 0; i < scene.server.taken_count; i++)
        assert_int_equal(scene.server.taken[i].count, 1);
    frail_server_close(&scene.server);
}
