/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not to happen though a program is slow, a server breaks off in a bad moment or a disk is
 * full for a while. Time is not waited for: the tests turn back what the link has noted of it.
 */
#include "client/link_state.h"
#include "tests/harness/link_pair.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_AGO_MS = 1000000, SPIN_MAX = 20 };

struct scene {
    struct frail_server server;
    struct nj_link_options options;
    struct nj_link *link;
    char url[64];
    char folder[64];
    char file[96];
    unsigned answered;
    uint8_t code;
    unsigned responses;
};

static void begin(struct scene *scene)
{
    *scene = (struct scene){ .folder = "/tmp/nightjar-rough-XXXXXX" };
    frail_server_open(&scene->server);
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->file, sizeof(scene->file), "%s/messages", scene->folder);
    snprintf(scene->url, sizeof(scene->url), "mqtt://127.0.0.1:%u", scene->server.port);
    scene->options = (struct nj_link_options){
        .url = scene->url,
        .client_id = "c",
        .session_expiry_s = 100,
        .retry_min_ms = 1,
        .retry_max_ms = 2,
        .context = scene,
    };
}

static void end(struct scene *scene)
{
    nj_link_free(scene->link);
    frail_server_close(&scene->server);
    unlink(scene->file);
    rmdir(scene->folder);
}

static void start(struct scene *scene)
{
    scene->link = nj_link_new(&scene->options);
    UNTIL(scene, nj_link_connected(scene->link));
}

/* How often the link has something to do in that time, as its loop would be told. */
static unsigned turns_in(struct scene *scene, int time_ms)
{
    int64_t until = clock_now_ms() + time_ms;
    int64_t left = time_ms;
    unsigned turns = 0;

    for (; left > 0; turns++) {
        nj_link_run_once(scene->link, (int)left);
        left = until - clock_now_ms();
    }
    return turns;
}

/* A reset, as of a server that was killed. */
static void reset(struct scene *scene)
{
    const struct linger at_once = { 1, 0 };

    setsockopt(scene->server.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    frail_server_cut(&scene->server);
}

/* ---- A message that nobody has asked for yet ---- */

TEST(a_message_that_waits_costs_no_time_though_the_server_has_gone)
{
    struct scene scene;
    struct nj_message message;

    begin(&scene);
    frail_server_give(&scene.server, "m", 1);
    start(&scene);
    UNTIL(&scene, scene.link->hold != HOLD_NONE);
    reset(&scene);
    assert_in_range(turns_in(&scene, 50), 1, SPIN_MAX);
    assert_int_equal(nj_receive(scene.link, &message, PATIENCE_MS), NJ_OK);
    end(&scene);
}

TEST(a_message_that_waits_long_does_not_end_the_connection)
{
    struct scene scene;
    struct nj_message message;

    begin(&scene);
    frail_server_give(&scene.server, "m", 1);
    start(&scene);
    UNTIL(&scene, scene.link->hold != HOLD_NONE);
    scene.link->engine.ping_ms = clock_now_ms() - LONG_AGO_MS;
    assert_in_range(turns_in(&scene, 50), 1, SPIN_MAX);
    assert_int_equal(nj_receive(scene.link, &message, 0), NJ_OK);
    UNTIL(&scene, frail_server_is_even(&scene.server));
    assert_int_equal(scene.server.connections, 1);
    end(&scene);
}

TEST(a_message_of_qos_2_comes_once_though_the_connection_breaks_before_it_is_asked_for)
{
    struct scene scene;
    struct nj_message message;

    begin(&scene);
    frail_server_give(&scene.server, "m", 2);
    start(&scene);
    UNTIL(&scene, scene.link->hold != HOLD_NONE);
    frail_server_cut(&scene.server);
    link_go_down(scene.link, NJ_NETWORK, NULL);
    UNTIL(&scene, scene.link->hold != HOLD_NONE);
    assert_int_equal(nj_receive(scene.link, &message, 0), NJ_OK);
    assert_int_equal(message.payload.size, 1);
    UNTIL(&scene, frail_server_is_even(&scene.server));
    assert_int_equal(nj_receive(scene.link, &message, 0), NJ_TIMED_OUT);
    end(&scene);
}

/* The program dies over the message: what it would do afterwards does not come into the file. */
TEST(a_message_of_qos_2_comes_again_where_the_program_dies_over_it)
{
    struct scene scene;
    struct nj_message message;
    char content[4096];
    FILE *file;
    size_t size;

    begin(&scene);
    scene.options.file = scene.file;
    frail_server_give(&scene.server, "m", 2);
    start(&scene);
    UNTIL(&scene, scene.link->hold != HOLD_NONE);
    assert_int_equal(nj_receive(scene.link, &message, 0), NJ_OK);
    file = fopen(scene.file, "r");
    size = fread(content, 1, sizeof(content), file);
    fclose(file);
    frail_server_cut(&scene.server);
    nj_link_free(scene.link);

    file = fopen(scene.file, "w");
    assert_int_equal(fwrite(content, 1, size, file), size);
    fclose(file);
    start(&scene);
    UNTIL(&scene, scene.link->hold != HOLD_NONE);
    assert_int_equal(nj_receive(scene.link, &message, 0), NJ_OK);
    assert_int_equal(message.payload.size, 1);
    UNTIL(&scene, frail_server_is_even(&scene.server));
    end(&scene);
}

TEST(a_message_that_nobody_took_before_goodbye_comes_in_the_next_run)
{
    struct scene scene;
    struct nj_message message;

    begin(&scene);
    scene.options.file = scene.file;
    frail_server_give(&scene.server, "m", 2);
    start(&scene);
    UNTIL(&scene, scene.link->hold != HOLD_NONE);
    nj_link_free(scene.link);
    scene.link = NULL;
    UNTIL(&scene, scene.server.fd < 0);
    start(&scene);
    UNTIL(&scene, scene.link->hold != HOLD_NONE);
    assert_int_equal(nj_receive(scene.link, &message, 0), NJ_OK);
    assert_int_equal(message.payload.size, 1);
    end(&scene);
}

/* ---- Keep alive ---- */

TEST(a_server_that_does_not_answer_costs_no_time)
{
    struct scene scene;

    begin(&scene);
    snprintf(scene.url, sizeof(scene.url), "ws://127.0.0.1:%u", scene.server.port);
    scene.link = nj_link_new(&scene.options);
    assert_in_range(turns_in(&scene, 50), 1, SPIN_MAX);
    end(&scene);
}

/* The system takes the connection and CONNECT, but nobody reads them. */
TEST(a_server_that_is_silent_has_longer_than_connecting_may_take)
{
    struct scene scene;

    begin(&scene);
    scene.options.once = true;
    scene.link = nj_link_new(&scene.options);
    while (scene.link->phase != LINK_GREETS) {
        assert_true(scene.link->phase != LINK_OVER);
        nj_link_run_once(scene.link, 100);
    }
    scene.link->due_ms = clock_now_ms() - LONG_AGO_MS;
    nj_link_run_once(scene.link, 0);
    assert_int_equal(scene.link->phase, LINK_GREETS);
    assert_in_range(nj_link_due_ms(scene.link), 1000, 60000); /* the engine's patience */
    end(&scene);
}

TEST(an_answer_that_has_come_is_read_before_the_link_judges)
{
    static const uint8_t pingresp[] = { 0xd0, 0 };
    struct pollfd come = { .events = POLLIN };
    struct scene scene;

    begin(&scene);
    start(&scene);
    come.fd = stream_fd(scene.link->stream);
    assert_int_equal(send(scene.server.fd, pingresp, 2, 0), 2);
    assert_int_equal(poll(&come, 1, PATIENCE_MS), 1);
    scene.link->heard_ms = clock_now_ms() - LONG_AGO_MS;
    scene.link->engine.ping_ms = clock_now_ms() - LONG_AGO_MS;
    nj_link_run_once(scene.link, 0);
    assert_true(nj_link_connected(scene.link));
    end(&scene);
}

TEST(who_only_sends_asks_whether_the_server_is_there)
{
    const struct nj_message message = { nj_text("a"), nj_text("m") };
    struct scene scene;

    begin(&scene);
    start(&scene);
    scene.link->heard_ms = clock_now_ms() - LONG_AGO_MS;
    assert_int_equal(nj_link_send(scene.link, &message, 0), NJ_OK);
    nj_link_run_once(scene.link, 0);
    assert_true(scene.link->engine.ping_ms >= 0);
    UNTIL(&scene, scene.link->engine.ping_ms < 0);
    assert_true(nj_link_connected(scene.link));
    end(&scene);
}

/* ---- Calls ---- */

static void note_answer(struct nj_link *link, void *context, uint64_t tag, struct nj_bytes codes,
        struct nj_bytes properties)
{
    struct scene *scene = context;

    (void)link;
    (void)tag;
    (void)properties;
    assert_int_equal(codes.size, 1);
    scene->answered++;
    scene->code = *(const uint8_t *)codes.data;
}

TEST(subscriptions_that_wait_for_answers_cost_no_time)
{
    const struct nj_subscription subscription = { .filter = nj_text("a") };
    struct scene scene;

    begin(&scene);
    scene.options.callbacks.answered = note_answer;
    start(&scene);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(nj_link_subscribe(scene.link, &subscription, 1, nj_text(NULL), i), NJ_OK);
    assert_in_range(turns_in(&scene, 50), 1, SPIN_MAX);
    UNTIL(&scene, scene.answered == 6);
    end(&scene);
}

TEST(a_subscription_that_is_larger_than_the_server_takes_is_answered)
{
    char filter[100];
    const struct nj_subscription subscription = { .filter = { filter, sizeof(filter) } };
    struct scene scene;

    memset(filter, 'a', sizeof(filter));
    begin(&scene);
    scene.options.callbacks.answered = note_answer;
    start(&scene);
    scene.link->engine.packet_max = 50;
    assert_int_equal(nj_link_subscribe(scene.link, &subscription, 1, nj_text(NULL), 0), NJ_OK);
    UNTIL(&scene, scene.answered == 1);
    assert_int_equal(scene.code, 0x95);
    assert_true(nj_link_connected(scene.link));
    end(&scene);
}

TEST(goodbye_is_said_without_properties_that_the_server_does_not_take)
{
    uint8_t memory[128];
    char reason[100];
    struct nj_properties properties = nj_properties_in(memory, sizeof(memory));
    struct scene scene;

    memset(reason, 'a', sizeof(reason));
    nj_add_bytes(&properties, NJ_REASON_STRING, nj_bytes_of(reason, sizeof(reason)));
    begin(&scene);
    start(&scene);
    scene.link->engine.packet_max = 50;
    assert_int_equal(nj_link_disconnect(scene.link, 0, nj_properties_bytes(&properties)), NJ_OK);
    UNTIL(&scene, scene.server.fd < 0);
    assert_int_equal(scene.server.goodbyes, 1);
    end(&scene);
}

static void ask_again(
        struct nj_link *link, void *context, enum nj_error error, const struct nj_message *response)
{
    const struct nj_message request = { nj_text("a"), nj_text("?") };
    struct scene *scene = context;

    (void)error;
    (void)response;
    if (++scene->responses < SPIN_MAX)
        nj_link_request(link, &request, NJ_FOREVER, ask_again, scene);
}

TEST(a_request_that_is_made_again_whenever_it_fails_does_not_keep_the_link_alive)
{
    const struct nj_message request = { nj_text("a"), nj_text("?") };
    struct scene scene;

    begin(&scene);
    start(&scene);
    assert_int_equal(nj_link_request(scene.link, &request, NJ_FOREVER, ask_again, &scene), NJ_OK);
    nj_link_free(scene.link);
    scene.link = NULL;
    assert_in_range(scene.responses, 1, 2);
    end(&scene);
}

TEST(a_will_that_mqtt_does_not_allow_is_said_at_once)
{
    const struct nj_message will = { nj_text("a/#"), nj_text("m") };
    struct scene scene;

    begin(&scene);
    scene.options.will = &will;
    scene.link = nj_link_new(&scene.options);
    assert_int_equal(nj_link_start(scene.link), NJ_INVALID);
    assert_non_null(strstr(nj_link_failure(scene.link), "CONNECT"));
    end(&scene);
}

TEST(goodbye_does_not_wait_for_a_server_that_refuses)
{
    const struct nj_message message = { nj_text("a"), nj_text("m"), .qos = 1 };
    struct scene scene;
    int64_t before;

    begin(&scene);
    scene.server.refuses = true;
    scene.link = nj_link_new(&scene.options);
    assert_int_equal(nj_link_send(scene.link, &message, 0), NJ_OK);
    while (scene.server.packets < 2) { /* CONNECT and what answers it */
        nj_link_run_once(scene.link, 0);
        frail_server_turn(&scene.server, 0);
    }
    before = clock_now_ms();
    assert_int_equal(nj_disconnect(scene.link, PATIENCE_MS), NJ_REFUSED);
    assert_true(clock_now_ms() - before < PATIENCE_MS / 2);
    end(&scene);
}

TEST(a_message_that_never_fits_is_not_said_to_wait_for_room)
{
    const struct nj_message message = { nj_text("a"), nj_text("ten bytes."), .qos = 1 };
    struct scene scene;

    begin(&scene);
    scene.options.queue_bytes = 10;
    scene.link = nj_link_new(&scene.options);
    assert_int_equal(nj_link_send(scene.link, &message, 0), NJ_TOO_LARGE);
    nj_link_free(scene.link);
    scene.options.queue_bytes = 11;
    scene.link = nj_link_new(&scene.options);
    assert_int_equal(nj_link_send(scene.link, &message, 0), NJ_OK);
    assert_int_equal(nj_link_send(scene.link, &message, 0), NJ_FULL);
    nj_link_free(scene.link);
    scene.options.file = scene.file;
    scene.options.file_bytes = 40;
    scene.link = nj_link_new(&scene.options);
    assert_int_equal(nj_link_send(scene.link, &message, 0), NJ_TOO_LARGE);
    end(&scene);
}

/* ---- The file ---- */

static void send_and_take(struct scene *scene, unsigned count)
{
    const struct nj_message message = { nj_text("a"), nj_text("m"), .qos = 1 };

    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(nj_link_send(scene->link, &message, 0), NJ_OK);
        UNTIL(scene, nj_link_pending(scene->link) == 0);
    }
}

TEST(a_small_limit_of_the_file_is_one_of_what_is_not_done)
{
    struct scene scene;

    begin(&scene);
    scene.options.file = scene.file;
    scene.options.file_bytes = 2000;
    start(&scene);
    send_and_take(&scene, 100);
    end(&scene);
}

TEST(a_file_that_could_not_be_written_anew_is_later)
{
    struct scene scene;
    char fresh[128];

    begin(&scene);
    scene.options.file = scene.file;
    scene.options.file_bytes = 4000;
    snprintf(fresh, sizeof(fresh), "%s.new", scene.file);
    assert_int_equal(mkdir(fresh, 0700), 0);
    start(&scene);
    while (scene.link->rewrite_ms == 0)
        send_and_take(&scene, 1);
    assert_int_equal(rmdir(fresh), 0);
    scene.link->rewrite_ms = clock_now_ms();
    send_and_take(&scene, 100);
    end(&scene);
}
