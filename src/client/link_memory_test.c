/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link in which each allocation in turn fails: what cannot be done says so, and what was taken
 * before goes its way.
 */
#include "nightjar/socks5.h"
#include "tests/harness/failing.h"
#include "tests/harness/frail_server.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TURNS_MAX = 5000, MESSAGES = 3 };

struct scene {
    struct frail_server server;
    struct nj_link *link;
    char folder[64];
    char file[96];
    char url[64];
    unsigned received;
    unsigned ended; /* requests */
    bool accepted[MESSAGES];
};

static void take_message(struct nj_link *link, void *context, const struct nj_message *message)
{
    struct scene *scene = context;

    (void)link;
    (void)message;
    scene->received++;
}

static void take_response(
        struct nj_link *link, void *context, enum nj_error error, const struct nj_message *response)
{
    struct scene *scene = context;

    (void)link;
    (void)response;
    assert_true(error == NJ_TIMED_OUT || error == NJ_CLOSED || error == NJ_NO_MEMORY);
    scene->ended++;
}

static void begin(struct scene *scene)
{
    *scene = (struct scene){ .received = 0 };
    frail_server_open(&scene->server);
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/nightjar-link-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->file, sizeof(scene->file), "%s/messages", scene->folder);
    snprintf(scene->url, sizeof(scene->url), "mqtt://u:p@127.0.0.1:%u", scene->server.port);
    frail_server_give(&scene->server, "down", 2);
    scene->server.cut_at = 12; /* in the middle of things */
}

static void end(struct scene *scene)
{
    nj_link_free(scene->link);
    frail_server_close(&scene->server);
    unlink(scene->file);
    rmdir(scene->folder);
}

/* Until nothing waits and the server hears no more. */
static void run(struct scene *scene)
{
    unsigned packets = 0;

    for (unsigned i = 0; i < TURNS_MAX; i++) {
        if (scene->server.packets != packets)
            i = 0;
        if (i > 2 && nj_link_connected(scene->link) && nj_link_pending(scene->link) == 0)
            return;
        packets = scene->server.packets;
        frail_server_turn(&scene->server, 0);
        nj_link_run_once(scene->link, 1);
    }
    fail();
}

static void use(struct scene *scene)
{
    static const char *const texts[MESSAGES] = { "one", "two", "three" };
    const struct nj_subscription wanted = { .filter = nj_text("a/#") };
    const struct nj_bytes filter = nj_text("a/#");
    struct nj_message message = { .topic = nj_text("topic") };
    bool requested;

    for (size_t i = 0; i < MESSAGES; i++) {
        message.payload = nj_text(texts[i]);
        message.qos = (uint8_t)(1 + i % 2);
        scene->accepted[i] = nj_link_send(scene->link, &message, i) == NJ_OK;
    }
    nj_link_subscribe(scene->link, &wanted, 1, nj_text(NULL), 0);
    run(scene);
    message.qos = 0;
    requested = nj_link_request(scene->link, &message, 0, take_response, scene) == NJ_OK;
    run(scene);
    assert_int_equal(scene->ended, requested ? 1 : 0);
    nj_link_unsubscribe(scene->link, &filter, 1, nj_text(NULL), 0);
    run(scene);
    for (size_t i = 0; i < MESSAGES; i++) {
        if (scene->accepted[i])
            assert_true(frail_server_taken(&scene->server, texts[i]) >= 1);
        if (i == 1)
            assert_true(frail_server_taken(&scene->server, texts[i]) <= 1);
    }
    assert_int_equal(nj_link_pending(scene->link), 0);
}

/* Whether so many allocations were made at all. */
static bool fail_at(unsigned n)
{
    struct scene scene;
    bool failed;

    begin(&scene);
    *failing() = (struct failing){ .fail_at = n };
    scene.link = nj_link_new(&(const struct nj_link_options){
            .url = scene.url,
            .client_id = "c",
            .session_expiry_s = 100,
            .retry_min_ms = 1,
            .retry_max_ms = 1,
            .will = &(const struct nj_message){ .topic = nj_text("gone") },
            .file = scene.file,
            .callbacks.message = take_message,
            .context = &scene,
    });
    if (scene.link) {
        use(&scene);
        assert_true(scene.received >= 1);
    }
    failed = failing()->taken >= n;
    *failing() = (struct failing){ .fail_at = 0 };
    end(&scene);
    return failed;
}

TEST(each_allocation_may_fail)
{
    unsigned n = 1;

    while (fail_at(n))
        n++;
    assert_true(n > 30);
}

TEST(each_allocation_of_a_link_through_a_proxy_may_fail)
{
    const struct nj_link_options options = { .host = "a",
        .proxy = nj_socks5("socks5h://user:pass%40word@b:1080") };
    unsigned failures = 0;
    unsigned n = 0;

    do {
        struct nj_link *link;

        *failing() = (struct failing){ .fail_at = ++n };
        link = nj_link_new(&options);
        failures += link == NULL;
        if (link)
            assert_string_equal(nj_link_failure(link), "");
        nj_link_free(link);
    } while (failing()->taken >= n);
    *failing() = (struct failing){ .fail_at = 0 };
    assert_true(failures > 5);
}
