/* SPDX-License-Identifier: Apache-2.0 */
/* What a listener makes of client ids. */
#include "tests/harness/peer.h"

#include <string.h>

SERVER_TEST(NULL, user_name_may_be_the_client_id)
{
    struct peer *old;
    struct peer *new;

    server->listener.use_username_as_clientid = true;
    old = peer_open(server);
    peer_send(old, "10 RL S'MQTT' 05 82 0000 00 S'one' S'bob'");
    peer_expect(old, "20 RL 00 00 *");
    new = peer_open(server);
    peer_send(new, "10 RL S'MQTT' 04 82 0000 S'two' S'bob'");
    peer_expect(new, "20 02 00 00");
    peer_expect_end(old, MQTT_SESSION_TAKEN_OVER);
    assert_int_equal(server_count(server, sessions), 1);
    /* Another name is another client, whatever id it gives. */
    old = peer_open(server);
    peer_send(old, "10 RL S'MQTT' 04 82 0000 S'bob' S'alice'");
    peer_expect(old, "20 02 00 00");
    peer_expect_nothing(new);
    assert_int_equal(server_count(server, sessions), 2);
}

SERVER_TEST(NULL, client_without_an_id_is_told_that_its_name_is_it)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    server->listener.use_username_as_clientid = true;
    peer_send(a, "10 RL S'MQTT' 05 82 0000 00 S'' S'bob'");
    peer_expect(a, "20 RL 00 00 (12 S'bob' 21 0014 22 000a 27 001e8480)");
    peer_send(b, "10 RL S'MQTT' 04 82 0000 S'' S'alice'");
    peer_expect(b, "20 02 00 00");
    assert_int_equal(server_count(server, sessions), 2);
}

SERVER_TEST(NULL, client_without_a_name_has_no_id_where_the_name_is_it)
{
    const char *const packets[] = {
        "10 RL S'MQTT' 05 02 0000 00 S'x'",
        "10 RL S'MQTT' 05 02 0000 00 S''",
        "10 RL S'MQTT' 05 82 0000 00 S'x' S''",
        "10 RL S'MQTT' 04 02 0000 S'x'",
        "10 RL S'MQTT' 04 82 0000 S'x' S''",
    };

    server->listener.use_username_as_clientid = true;
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct peer *peer = peer_open(server);

        peer_send(peer, "%s", packets[i]);
        if (i < 3)
            peer_expect_end(peer, MQTT_NOT_AUTHORIZED);
        else
            peer_expect(peer, "20 02 00 05");
    }
    assert_int_equal(server_told(server, "client.refused"), 5);
    assert_int_equal(server_count(server, sessions), 0);
}

SERVER_TEST(NULL, name_that_was_given_but_not_proved_is_no_id)
{
    const char *const connect =
            "10 RL S'MQTT' 05 82 0000 (15 S'CHALLENGE' 16 S'answer') S'x' S'%s'";
    struct peer *bob;
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    server->listener.use_username_as_clientid = true;
    bob = peer_open(server);
    peer_send(bob, "10 RL S'MQTT' 04 82 0000 S'' S'bob'");
    peer_expect(bob, "20 02 00 00");
    peer_send(a, connect, "bob");
    peer_expect_end(a, MQTT_NOT_AUTHORIZED);
    peer_expect_nothing(bob);
    peer_send(b, connect, "challenged");
    peer_expect(b, "20 RL 00 00 *");
}

SERVER_TEST(NULL, name_that_a_certificate_proves_may_be_the_client_id)
{
    struct peer *a;

    server->listener.use_username_as_clientid = true;
    server->listener.user_name_proved = true;
    server->introduction = (struct introduction){
        .peer = BYTES("peer"), .tls_version = "", .tls_cipher = "", .user_name = BYTES("proved")
    };
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 82 0000 00 S'' S'claimed'");
    peer_expect(a, "20 RL 00 00 (12 S'proved' 21 0014 22 000a 27 001e8480)");
}

SERVER_TEST(NULL, client_ids_may_have_to_start_as_one_prefix_says)
{
    struct peer *peer;

    strcpy(server->settings.clientid_prefixes, "ab cd");
    peer_connected(server, "ab cd", MQTT_5_0);
    peer_connected(server, "ab cdx", MQTT_3_1_1);
    for (size_t i = 0; i < 3; i++) {
        const char *const ids[] = { "ab", "cd", "" };

        peer = peer_open(server);
        peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S'%s'", ids[i]);
        peer_expect_end(peer, MQTT_NOT_AUTHORIZED);
        peer = peer_open(server);
        peer_send(peer, "10 RL S'MQTT' 04 02 0000 S'%s'", ids[i]);
        peer_expect(peer, "20 02 00 05");
    }
    assert_int_equal(server_told(server, "client.refused"), 6);
}

SERVER_TEST(NULL, assigned_ids_and_names_have_to_start_so_too)
{
    struct peer *peer = peer_open(server);

    strcpy(server->settings.clientid_prefixes, "auto");
    peer_send(peer, "10 RL S'MQTT' 04 02 0000 S''");
    peer_expect(peer, "20 02 00 00");
    server->listener.use_username_as_clientid = true;
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 04 82 0000 S'x' S'autobob'");
    peer_expect(peer, "20 02 00 00");
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 04 82 0000 S'auto' S'bob'");
    peer_expect(peer, "20 02 00 05");
}

SERVER_TEST(NULL, each_listener_gives_ids_in_its_own_manner)
{
    struct peer *peer = peer_open(server);

    strcpy(server->side_listener.auto_id_prefix, "side-");
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S''");
    peer_expect(peer, "20 RL 00 00 29 12 001b 'auto-' *");
    server->at_side = true;
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S''");
    peer_expect(peer, "20 RL 00 00 29 12 001b 'side-' *");
    server->side_listener.allow_zero_length_clientid = false;
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S''");
    peer_expect_end(peer, MQTT_CLIENT_ID_NOT_VALID);
    server->at_side = false;
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S''");
    peer_expect(peer, "20 RL 00 00 *");
}
