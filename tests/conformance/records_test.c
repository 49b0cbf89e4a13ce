/* SPDX-License-Identifier: Apache-2.0 */
/* Records for the store that memory is too short for: what they would have said is not said. */
#include "broker/core/stored.h"
#include "tests/harness/peer.h"

/* The linker puts __wrap_X in the place of X, for which __real_X then stands. */
uint8_t *__real_record_batch_add(struct record_batch *batch, size_t size);
uint8_t *__wrap_record_batch_add(struct record_batch *batch, size_t size);

struct shortage_of_records {
    unsigned asked;
    unsigned from; /* the first one for which there is no memory; 0: there always is */
    unsigned until;
};

static struct shortage_of_records *shortage(void)
{
    static struct shortage_of_records only;

    return &only;
}

uint8_t *__wrap_record_batch_add(struct record_batch *batch, size_t size)
{
    struct shortage_of_records *now = shortage();

    now->asked++;
    if (now->from > 0 && now->asked >= now->from && now->asked <= now->until)
        return NULL;
    return __real_record_batch_add(batch, size);
}

/* From the n-th record on, from 1, so many fail. */
static void fail_records(unsigned n, unsigned count)
{
    *shortage() = (struct shortage_of_records){ .from = n, .until = n + count - 1 };
}

static void fail_no_records(void)
{
    *shortage() = (struct shortage_of_records){ 0 };
}

SERVER_TEST(NULL, an_end_that_cannot_be_stored_is_stored_later)
{
    struct peer *a;

    server->stores = true;
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 00000005) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_subscribed(a, "t", 1);
    peer_cut(a);
    fail_records(1, 1000000);
    clock_advance(server, 6000);
    assert_int_equal(server_count(server, sessions), 0);
    assert_int_equal(model_store_count(&server->store, STORED_SESSIONS), 1);
    /* Another one of that id is not taken along. */
    fail_no_records();
    peer_cut(peer_resumed(server, "a", MQTT_5_0, false));
    assert_int_equal(model_store_count(&server->store, STORED_SESSIONS), 1);
    assert_int_equal(model_store_count(&server->store, STORED_SUBSCRIPTIONS), 0);
    server_crashes(server, 1, 0);
    peer_resumed(server, "a", MQTT_5_0, true);
}

SERVER_TEST(NULL, what_cannot_be_stored_is_refused)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_open(server);
    fail_records(1, 1);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 ffffffff) S'a'");
    peer_expect_end(a, MQTT_QUOTA_EXCEEDED);
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    fail_records(1, 1);
    peer_send(a, "82 RL 0001 00 S't' 01");
    peer_expect(a, "90 RL 0001 00 97");
    peer_publishes(b, 2, "t", "1");
    peer_expect_nothing(a);
    peer_subscribed(a, "t", 1);
    fail_records(1, 1);
    peer_send(a, "a2 RL 0002 00 S't'");
    peer_expect(a, "b0 RL 0002 00 83");
    fail_records(1, 1);
    peer_send(b, "32 RL S't' 0003 00 '2'");
    peer_expect(b, "40 RL 0003 83 *");
    fail_records(1, 1);
    peer_send(b, "33 RL S'r' 0004 00 '3'");
    peer_expect(b, "40 RL 0004 83 *");
    fail_no_records();
    assert_int_equal(hub_count(server->hub, 0).retained, 0);
    peer_publishes(b, 2, "t", "4");
    peer_expect(a, "32 RL S't' .... 00 '4'");
}

/* A client that does all that is stored, whatever it is told, or even if it is sent away. */
static void live(struct server *server, const char *id)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 0e 0000 (11 00000005) S'%s' 00 S'w' S'bye'", id);
    peer_send(a, "82 RL 0001 00 S't' 02 | 82 RL 0002 00 S'$share/g/t' 02 | 82 RL 0003 00 S'r' 01");
    peer_send(a, "34 RL S't' 0004 00 '1' | 33 RL S'r' 0005 00 '2' | 32 RL S't' 0006 00 '3'");
    peer_send(a, "50 02 0001 | 50 02 0002 | 50 02 0003 | 40 02 0004 | 62 02 0004");
    peer_send(a, "70 02 0001 | 33 RL S'r' 0007 00 ''");
    peer_send(a, "a2 RL 0008 00 S't' | a2 RL 0009 00 S'$share/g/t'");
    if (peer_is_open(a))
        peer_cut(a);
}

TEST(each_record_may_fail)
{
    unsigned asked = 1;

    for (unsigned n = 1; n <= asked; n++) {
        struct server *server = server_new(2);

        server->stores = true;
        server->may_refuse = true;
        fail_records(n, 1);
        live(server, "a");
        live(server, "b");
        clock_advance(server, 6000);
        asked = shortage()->asked;
        fail_no_records();
        clock_advance(server, 1000);
        server_crashes(server, 1, 0);
        clock_advance(server, 6000);
        assert_int_equal(server_count(server, sessions), 0);
        assert_int_equal(model_store_count(&server->store, STORED_SESSIONS), 0);
        server_end(server);
    }
    assert_in_range(asked, 30, 200);
}
