/* SPDX-License-Identifier: Apache-2.0 */
/* What ends a connection once it is up, and how it is told. */
#include "tests/harness/peer.h"

SERVER_TEST("MQTT5-2.1.3-1 MQTT5-3.15.1-1 MQTT5-3.15.2-1 U5-3.15.2-1 U5-3.15.0-1 MQTT5-4.12.0-7 "
            "U5-3.12-1 MQTT5-4.13.1-1 MQTT5-3.14.2-2 MQTT5-2.2.2-1",
        protocol_errors_end_the_connection)
{
    const struct {
        const char *packet;
        enum mqtt_reason reason;
    } rows[] = {
        { "c1 00", MQTT_MALFORMED },
        { "c0 01 00", MQTT_MALFORMED },
        { "d0 00", MQTT_PROTOCOL_ERROR },
        { "20 03 00 00 00", MQTT_PROTOCOL_ERROR },
        { "90 04 0001 00 00", MQTT_PROTOCOL_ERROR },
        { "b0 04 0001 00 00", MQTT_PROTOCOL_ERROR },
        { "00 00", MQTT_MALFORMED },
        { "f1 RL 18 (15 S'm')", MQTT_MALFORMED },
        { "f0 RL 01 (15 S'm')", MQTT_PROTOCOL_ERROR },
        { "f0 RL 00 (15 S'm')", MQTT_PROTOCOL_ERROR },
        { "f0 02 18 00", MQTT_PROTOCOL_ERROR },
        { "f0 RL 18 (15 S'm' 15 S'm')", MQTT_PROTOCOL_ERROR },
        { "f0 RL 18 (15 S'm')", MQTT_PROTOCOL_ERROR },
        { "f0 RL 19 (15 S'm')", MQTT_PROTOCOL_ERROR },
        { "f0 00", MQTT_PROTOCOL_ERROR },
        { "c0 80808080 01", MQTT_MALFORMED },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_connected(server, "c", MQTT_5_0);

        server_note(server, "row %zu", i);
        peer_send(peer, "%s", rows[i].packet);
        peer_expect(peer, "e0 RL %02x *", (unsigned)rows[i].reason);
        peer_expect_closed(peer);
    }
}

SERVER_TEST("MQTT311-4.8.0-1 MQTT311-2.2.2-2 MQTT311-2.2.2-1", protocol_errors_of_3_x_are_closed)
{
    const char *const rows[] = { "c1 00", "c0 01 00", "d0 00", "20 02 00 00", "90 03 0001 00",
        "b0 02 0001", "00 00", "f0 00", "c0 80808080 01" };

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_connected(server, "c", i % 2 ? MQTT_3_1 : MQTT_3_1_1);

        server_note(server, "row %zu", i / 2);
        peer_send(peer, "%s", rows[i / 2]);
        peer_expect_closed(peer);
    }
}

SERVER_TEST("U5-3.14.2.1-1 U5-3.14.4-1 U311-3.14.4-a MQTT5-3.14.4-1 MQTT311-3.14.4-2 "
            "MQTT5-3.14.4-2",
        disconnect_is_followed_by_the_end)
{
    const char *const forms[] = { "e0 00", "e0 01 00", "e0 02 00 00", "e0 RL 04 (1f S'tired')",
        "e0 RL 00 (26 S'k' S'v')" };
    struct peer *all = peer_connected(server, "all", MQTT_5_0);
    struct peer *peer;

    peer_subscribed(all, "#", 0);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        peer = peer_connected(server, "c", MQTT_5_0);
        peer_send(peer, "%s | 30 RL S'late' 00 'x' | c0 00", forms[i]);
        peer_expect_closed(peer);
    }
    peer = peer_connected(server, "c", MQTT_3_1_1);
    peer_send(peer, "e0 00 | 30 RL S'late' 'x' | c0 00");
    peer_expect_closed(peer);
    peer_expect_nothing(all);
}

SERVER_TEST("MQTT5-3.14.4-2 MQTT5-4.13.2-1", a_stopping_server_says_so)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);
    struct peer *c = peer_open(server);
    struct peer *d;

    server_shuts_down(server);
    peer_expect(a, "e0 RL 8b *");
    peer_expect_closed(a);
    peer_expect_closed(b);
    peer_expect_closed(c);
    d = peer_open(server);
    peer_send(d, "10 RL S'MQTT' 05 02 0000 00 S'd'");
    peer_expect_end(d, MQTT_SERVER_UNAVAILABLE);
}

SERVER_TEST("MQTT5-4.13.1-1", who_does_not_read_his_end_is_dropped)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_stop_reading(a);
    peer_send(a, "c1 00");
    assert_true(peer_is_open(a));
    clock_advance(server, 1900);
    assert_true(peer_is_open(a));
    clock_advance(server, 200);
    assert_false(peer_is_open(a));
}

SERVER_TEST("MQTT5-3.14.2-3", reason_string_of_disconnect_is_within_the_limit)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (27 00000018) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_send(a, "c1 00");
    peer_expect(a, "e0 01 81");
    peer_expect_closed(a);
}

/* Every packet that a client sends, byte by byte and all at once: the answers are the same. */
SERVER_TEST("MQTT5-4.2.0-1 MQTT311-7.1.1-1", packets_come_in_any_pieces)
{
    const uint8_t stream[] = { 0x10, 0x0E, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0, 0, 1, 'c', /**/
        0x82, 0x07, 0, 1, 0, 0, 1, 'a', 2,                                                     /**/
        0x32, 0x07, 0, 1, 'a', 0, 2, 0, 'x',                                                   /**/
        0xC0, 0x00,                                                                            /**/
        0xA2, 0x06, 0, 3, 0, 0, 1, 'a',                                                        /**/
        0xE0, 0x00 };

    for (size_t piece = 1; piece <= sizeof(stream); piece += piece < 4 ? 1 : 9) {
        struct peer *peer = peer_open(server);

        for (size_t at = 0; at < sizeof(stream); at += piece) {
            size_t size = sizeof(stream) - at < piece ? sizeof(stream) - at : piece;

            peer_send_bytes(peer, bytes_of(stream + at, size));
        }
        peer_expect(peer, "20 RL 00 00 * | 90 RL 0001 00 02");
        /* Acknowledgements may overtake the message. */
        if (piece == 1)
            peer_expect(peer, "40 02 0002 | 32 RL S'a' 0001 00 'x' | d0 00 | b0 RL 0003 00 00");
        while (peer_take(peer).size > 0)
            ;
        peer_expect_closed(peer);
    }
}
