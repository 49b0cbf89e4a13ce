/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance cases of src/check, played against a server in process, with one shard, two and
 * four. What a case needs of the server is set up for it; one that is skipped nevertheless fails.
 */
#include "check/case.h"
#include "check/run.h"
#include "tests/harness/peer.h"
#include "tests/harness/web_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NAME_SIZE = 160,
    KEEP_ALIVE_LIMIT_S = 2,
    EXPIRY_LIMIT_S = 3600,
};

/* ---- The wire ---- */

/* One of the two. */
struct transport {
    struct peer *peer;
    struct web_peer *web;
};

static void *wire_open(void *context, enum wire_door door)
{
    struct transport *transport = calloc(1, sizeof(*transport));

    if (!transport)
        abort();
    if (door == WIRE_PLAIN)
        transport->peer = peer_open(context);
    else
        transport->web = web_peer_open(context);
    return transport;
}

static void wire_send(void *transport, struct bytes bytes)
{
    struct transport *to = transport;

    if (to->peer)
        peer_send_bytes(to->peer, bytes);
    else
        web_peer_send_bytes(to->web, bytes);
}

static int wire_receive(void *transport, uint8_t *buffer, size_t size, int64_t patience_ms)
{
    struct transport *from = transport;
    struct bytes bytes =
            from->peer ? peer_take_bytes(from->peer, size) : web_peer_take_bytes(from->web, size);

    (void)patience_ms; /* What the server has to say at this time, it has said. */
    if (bytes.size > 0)
        memcpy(buffer, bytes.data, bytes.size);
    else if (from->peer ? peer_is_open(from->peer) : web_peer_is_open(from->web))
        return -EAGAIN;
    return (int)bytes.size;
}

static void wire_cut(void *transport)
{
    struct transport *broken = transport;

    if (broken->peer)
        peer_cut(broken->peer);
    else
        web_peer_cut(broken->web);
    free(broken);
}

static void wire_pass(void *context, int64_t ms)
{
    clock_advance(context, ms);
}

static int64_t wire_now_ms(void *context)
{
    return ((const struct server *)context)->now_ms;
}

static const struct wire_functions functions = {
    wire_open,
    wire_send,
    wire_receive,
    wire_cut,
    wire_pass,
    wire_now_ms,
};

/* ---- What a case needs ---- */

static void set_up(struct server *server, struct check_target *target, enum check_need need)
{
    if (need == NEED_QOS_LIMIT)
        server->listener.max_qos = 1;
    if (need == NEED_NO_RETAIN)
        server->settings.retain_available = false;
    if (need == NEED_NO_EMPTY_ID)
        server->listener.allow_zero_length_clientid = false;
    if (need == NEED_KEEP_ALIVE_LIMIT)
        server->settings.max_keepalive_s = KEEP_ALIVE_LIMIT_S;
    if (need == NEED_EXPIRY_LIMIT)
        server->settings.session_expiry_s_max = EXPIRY_LIMIT_S;
    if (need == NEED_NO_ALIASES)
        server->listener.max_topic_alias = 0;
    if (need == NEED_STATUS) {
        target->status_topic = "$SYS/broker/version";
        server_announces(server, target->status_topic, "nightjar", true);
    }
    target->maximum_qos = server->listener.max_qos;
    target->retain_available = server->settings.retain_available;
    target->refuses_empty_id = !server->listener.allow_zero_length_clientid;
    target->keep_alive_s = server->settings.max_keepalive_s;
    target->expiry_s_max = (uint32_t)server->settings.session_expiry_s_max;
    target->alias_max = server->listener.max_topic_alias;
    target->receive_max = server->settings.receive_max;
    target->packet_max = server->settings.max_packet_size;
    target->connect_timeout_ms = server->settings.connect_timeout_ms;
}

/* What the harness's server has (server.h). */
static struct check_target target_of_harness(void)
{
    struct check_target target;

    check_target_init(&target);
    target.wrong_user = "u";
    target.wrong_password = "wrong";
    target.refused_id = "refused";
    target.denied_topic = "~/denied/a";
    target.alone = true;
    target.method = "CHALLENGE";
    target.answer = "answer";
    target.websocket = "/mqtt";
    target.host = "localhost";
    for (unsigned i = MQTT_3_1; i <= MQTT_5_0; i++)
        target.speaks[i] = true;
    return target;
}

/* No setting takes these away from our clients. */
static bool can_be_set_up(enum check_need need)
{
    return need != NEED_NO_WILDCARD && need != NEED_NO_IDENTIFIER && need != NEED_NO_SHARED;
}

/* ---- The tests ---- */

struct subject {
    const struct check_chapter *chapter;
    const struct check_case *test;
};

static void play(const struct subject *subject, struct server *server)
{
    struct check_target target = target_of_harness();
    const struct wire wire = { .functions = &functions, .context = server };
    struct check_setup setup = {
        .target = &target, .wire = &wire, .version = subject->chapter->version, .name = "nc234567"
    };
    struct check_result result;

    set_up(server, &target, subject->test->need);
    check_run(&result, subject->test, &setup);
    if (result.outcome != CHECK_PASS)
        server_fail(server, __FILE__, __LINE__, "%s: %s\n%s",
                result.outcome == CHECK_SKIP ? "skipped" : "failed", result.reason,
                result.transcript);
    check_result_deinit(&result);
}

static void play_with_shards(const void *subject)
{
    for (unsigned shards = 1; shards <= SERVER_SHARDS_MAX; shards *= 2) {
        struct server *server = server_new(shards);

        play(subject, server);
        server_end(server);
    }
}

/* They live as long as the program. */
static void add(const struct check_chapter *chapter, const struct check_case *test)
{
    struct subject *subject = malloc(sizeof(*subject));
    struct test_case *entry = calloc(1, sizeof(*entry));
    char *name = malloc(NAME_SIZE);

    if (!subject || !entry || !name)
        abort();
    *subject = (struct subject){ chapter, test };
    snprintf(name, NAME_SIZE, "%s_%s", check_version_text(chapter->version), test->name);
    *entry = (struct test_case){
        .name = name, .statements = test->statements, .run_on = play_with_shards, .subject = subject
    };
    test_register(entry);
}

__attribute__((constructor)) static void add_all(void)
{
    for (size_t i = 0; check_chapters[i]; i++) {
        for (size_t j = 0; j < check_chapters[i]->count; j++) {
            if (can_be_set_up(check_chapters[i]->cases[j].need))
                add(check_chapters[i], &check_chapters[i]->cases[j]);
        }
    }
}
