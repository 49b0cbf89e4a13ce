/* SPDX-License-Identifier: Apache-2.0 */
/* What the layers below MQTT find out about a client, and what core makes of it. */
#include "broker/core/roster.h"
#include "broker/core/session.h"
#include "tests/harness/peer.h"

enum { FAILURES_MAX = 100 };

/* From now on each peer is introduced with this name; the listener goes by it where `proved`. */
static void introduce(struct server *server, const char *name, bool proved)
{
    server->introduction = (struct introduction){
        .peer = BYTES("a peer behind a proxy"),
        .tls_version = "TLSv1.3",
        .tls_cipher = "TLS_AES_128_GCM_SHA256",
        .user_name = bytes_of_text(name),
    };
    server->listener.user_name_proved = proved;
}

SERVER_TEST(NULL, proved_name_stands_in_the_place_of_connects)
{
    introduce(server, "lamp", true);
    for (unsigned i = 0; i < 4; i++) { /* some of them move home */
        struct peer *a = peer_open(server);
        struct peer *b = peer_open(server);

        peer_send(a, "10 RL S'MQTT' 05 C2 0000 00 S'%u' S'stranger' S'wrong'", i);
        peer_expect(a, "20 RL 00 00 *");
        peer_send(b, "10 RL S'MQTT' 04 02 0000 S'b%u'", i);
        peer_expect(b, "20 02 00 00");
    }
    introduce(server, "stranger", true);
    struct peer *c = peer_open(server);

    peer_send(c, "10 RL S'MQTT' 05 82 0000 00 S'c' S'lamp'");
    peer_expect(c, "20 RL 00 87 *");
    peer_expect_closed(c);
}

SERVER_TEST(NULL, who_has_proved_no_name_is_refused)
{
    struct peer *a;
    struct peer *b;
    struct peer *c;

    introduce(server, "", true);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 82 0000 00 S'a' S'lamp'");
    peer_expect(a, "20 RL 00 86 *");
    peer_expect_closed(a);
    b = peer_open(server);
    peer_send(b, "10 RL S'MQTT' 04 02 0000 S'b'");
    peer_expect(b, "20 02 00 04");
    peer_expect_closed(b);
    server->introduction.peer.size = 0; /* a transport without layers */
    c = peer_open(server);
    peer_send(c, "10 RL S'MQTT' 05 82 0000 00 S'a' S'lamp'");
    peer_expect(c, "20 RL 00 86 *");
    peer_expect_closed(c);
}

SERVER_TEST(NULL, proved_name_counts_only_where_the_listener_goes_by_it)
{
    struct peer *a;
    struct peer *b;

    introduce(server, "stranger", false);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 82 0000 00 S'a' S'lamp'");
    peer_expect(a, "20 RL 00 00 *");
    b = peer_open(server);
    peer_send(b, "10 RL S'MQTT' 05 82 0000 00 S'b' S'stranger'");
    peer_expect(b, "20 RL 00 87 *");
}

SERVER_TEST(NULL, proved_name_outlasts_an_exchange_of_authentication)
{
    struct peer *a;

    introduce(server, "lamp", true);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 82 0000 (15 S'CHALLENGE') S'a' S'stranger'");
    peer_expect(a, "F0 RL 18 *");
    peer_send(a, "F0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(a, "20 RL 00 00 *");
}

TEST(each_allocation_of_an_introduction_may_fail)
{
    for (uint64_t first = 1;; first++) {
        struct server *server = server_new(2);
        struct peer *peer;
        bool reached;

        server->may_refuse = true;
        introduce(server, "lamp", true);
        server_start(server);
        server->memory.state->fail_at = server->memory.state->taken + first;
        server->memory.state->fail_until = server->memory.state->fail_at;
        peer = peer_open(server);
        peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S'a'");
        reached = server->memory.state->taken >= server->memory.state->fail_at;
        server->memory.state->fail_at = 0;
        peer = peer_connected(server, "b", MQTT_5_0);
        assert_true(peer_is_open(peer));
        server_end(server);
        assert_in_range(first, 1, FAILURES_MAX);
        if (!reached)
            break;
    }
}

/* ---- Whom the transport would not let in any more ---- */

/* As after the files of TLS have changed. */
static void withdraw(struct server *server, const char *id, const char *text)
{
    unsigned home = hub_home(server->hub, bytes_of_text(id));
    struct core *core = server->shards[home].core;
    struct session *session = session_find_id(core, bytes_of_text(id));

    assert_non_null(session);
    core_withdraw(core, session->connection, text, server->now_ms);
    server->shards[home].awake = true;
    server_run(server);
}

SERVER_TEST(NULL, whom_the_transport_withdraws_is_told_why_and_his_will_is_published)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);
    struct peer *a = peer_open(server);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    peer_send(watcher, "82 RL 0001 00 S'w' 00");
    peer_expect(watcher, "90 RL 0001 00 00");
    peer_send(a, "10 RL S'MQTT' 05 06 0000 00 S'a' 00 S'w' S'gone'");
    peer_expect(a, "20 RL 00 00 *");
    withdraw(server, "a", "certificate revoked");
    peer_expect(a, "E0 RL 87 RL 1F S'certificate revoked'");
    peer_expect_closed(a);
    peer_expect(watcher, "30 RL S'w' 00 'gone'");
    withdraw(server, "b", "certificate revoked");
    peer_expect_closed(b);
    peer_expect_nothing(watcher);
}
