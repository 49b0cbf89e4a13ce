/* SPDX-License-Identifier: Apache-2.0 */
/* Mount points: the side listener's clients live below "m/" and do not know it. */
#include "tests/harness/peer.h"

#include <string.h>

/* One client of either listener. */
struct pair {
    struct peer *outside;
    struct peer *inside;
};

static struct peer *inside_connected(
        struct server *server, const char *mount_point, const char *id, enum mqtt_version version)
{
    struct peer *peer;

    strcpy(server->side_listener.mount_point, mount_point);
    server->at_side = true;
    peer = peer_connected(server, id, version);
    server->at_side = false;
    return peer;
}

static struct pair pair_connected(struct server *server)
{
    return (struct pair){ peer_connected(server, "outside", MQTT_5_0),
        inside_connected(server, "m/", "inside", MQTT_5_0) };
}

SERVER_TEST(NULL, what_is_published_inside_has_the_mount_point_outside)
{
    struct pair pair = pair_connected(server);

    peer_subscribed(pair.outside, "#", 0);
    peer_publishes(pair.inside, 0, "x", "1");
    peer_expect(pair.outside, "30 RL S'm/x' 00 '1'");
    peer_publishes(pair.inside, 2, "/", "2");
    peer_expect(pair.outside, "30 RL S'm//' 00 '2'");
    peer_publishes(pair.inside, 4, "m/x", "3");
    peer_expect(pair.outside, "30 RL S'm/m/x' 00 '3'");
}

SERVER_TEST(NULL, what_is_published_outside_loses_the_mount_point_inside)
{
    struct pair pair = pair_connected(server);

    peer_subscribed(pair.inside, "#", 2);
    peer_publishes(pair.outside, 0, "m/x", "1");
    peer_expect(pair.inside, "30 RL S'x' 00 '1'");
    peer_publishes(pair.outside, 2, "m/a/b", "2");
    peer_expect(pair.inside, "32 RL S'a/b' .... 00 '2'");
    peer_publishes(pair.inside, 0, "own", "3");
    peer_expect(pair.inside, "30 RL S'own' 00 '3'");
    peer_publishes(pair.outside, 0, "x", "4");
    peer_publishes(pair.outside, 0, "mm/x", "5");
    peer_expect_nothing(pair.inside);
}

SERVER_TEST(NULL, filter_inside_ends_at_the_mount_point)
{
    struct pair pair = pair_connected(server);

    peer_subscribed(pair.inside, "+/y", 0);
    peer_publishes(pair.outside, 0, "m/x/y", "1");
    peer_expect(pair.inside, "30 RL S'x/y' 00 '1'");
    peer_publishes(pair.outside, 0, "n/y", "2");
    peer_publishes(pair.outside, 0, "m/y", "3");
    peer_expect_nothing(pair.inside);
    peer_send(pair.inside, "a2 RL 0009 00 S'x/y' S'+/y'");
    peer_expect(pair.inside, "b0 RL 0009 00 11 00");
    peer_publishes(pair.outside, 0, "m/x/y", "4");
    peer_expect_nothing(pair.inside);
}

SERVER_TEST(NULL, topic_that_is_the_mount_point_itself_has_no_name_inside)
{
    struct pair pair = pair_connected(server);

    peer_subscribed(pair.inside, "#", 2);
    peer_publishes(pair.outside, 0, "m", "1");
    peer_publishes(pair.outside, 0, "m/", "2");
    peer_publishes(pair.outside, 2, "m", "3");
    peer_publishes(pair.outside, 4, "m/", "4");
    peer_expect_nothing(pair.inside);
    assert_int_equal(server_count(server, dropped[DROP_NOT_ALLOWED]), 4);
    peer_publishes(pair.outside, 2, "m/x", "5");
    peer_expect(pair.inside, "32 RL S'x' .... 00 '5'");
}

SERVER_TEST(NULL, shared_filter_is_mounted_behind_its_name)
{
    struct pair pair = pair_connected(server);

    peer_subscribed(pair.inside, "$share/g/s/#", 2);
    peer_publishes(pair.outside, 2, "m/s/1", "1");
    peer_expect(pair.inside, "32 RL S's/1' .... 00 '1'");
    peer_publishes(pair.outside, 0, "s/1", "2");
    peer_expect_nothing(pair.inside);
    /* The group is the one that is called so outside. */
    peer_send(pair.outside, "82 RL 0001 00 S'$share/g/m/s/#' 01");
    peer_expect(pair.outside, "90 RL 0001 00 01");
    peer_send(pair.inside, "a2 RL 0002 00 S'$share/g/s/#'");
    peer_expect(pair.inside, "b0 RL 0002 00 00");
    peer_publishes(pair.inside, 0, "s/1", "3");
    peer_expect(pair.outside, "30 RL S'm/s/1' 00 '3'");
    peer_expect_nothing(pair.inside);
}

SERVER_TEST(NULL, share_name_that_is_none_is_refused_inside_too)
{
    struct peer *inside = inside_connected(server, "m/", "inside", MQTT_3_1_1);

    peer_send(inside, "82 RL 0001 S'$share/g' 00 S'$share//x' 00 S'ok' 00");
    peer_expect(inside, "90 RL 0001 80 80 00");
}

SERVER_TEST(NULL, servers_own_topics_are_not_to_be_had_inside)
{
    struct pair pair = pair_connected(server);

    server_announces(server, "$SYS/x", "1", true);
    peer_subscribed(pair.inside, "$SYS/#", 0);
    peer_subscribed(pair.inside, "#", 0);
    peer_subscribed(pair.outside, "#", 0);
    server_announces(server, "$SYS/x", "2", false);
    peer_send(pair.inside, "32 RL S'$SYS/x' 0001 00 'y' | 32 RL S'$other' 0002 00 'y'");
    peer_expect(pair.inside, "40 RL 0001 87 * | 40 RL 0002 87 *");
    peer_expect_nothing(pair.inside);
    peer_expect_nothing(pair.outside);
}

SERVER_TEST(NULL, retained_message_is_found_under_either_name)
{
    struct pair pair = pair_connected(server);

    peer_publishes(pair.inside, 3, "in", "1");
    peer_publishes(pair.outside, 1, "m/out", "2");
    peer_publishes(pair.outside, 1, "far", "3");
    peer_subscribed(pair.inside, "out", 0);
    peer_expect(pair.inside, "31 RL S'out' 00 '2'");
    peer_subscribed(pair.outside, "m/in", 0);
    peer_expect(pair.outside, "31 RL S'm/in' 00 '1'");
    peer_publishes(pair.inside, 1, "out", "");
    peer_expect(pair.inside, "30 RL S'out' 00");
    peer_subscribed(pair.outside, "m/out", 0);
    peer_expect_nothing(pair.outside);
    peer_subscribed(pair.inside, "far", 0);
    peer_expect_nothing(pair.inside);
}

SERVER_TEST(NULL, will_inside_has_the_mount_point_outside)
{
    struct peer *outside = peer_connected(server, "outside", MQTT_5_0);
    struct peer *inside;

    strcpy(server->side_listener.mount_point, "m/");
    peer_subscribed(outside, "#", 0);
    server->at_side = true;
    inside = peer_open(server);
    peer_send(inside, "10 RL S'MQTT' 05 06 0000 00 S'dying' 00 S'last/word' S'bye'");
    peer_expect(inside, "20 RL 00 00 *");
    peer_cut(inside);
    peer_expect(outside, "30 RL S'm/last/word' 00 'bye'");
    inside = peer_open(server);
    peer_send(inside, "10 RL S'MQTT' 05 06 0000 00 S'dying' 00 S'$SYS/word' S'bye'");
    peer_expect_end(inside, MQTT_NOT_AUTHORIZED);
}

SERVER_TEST(NULL, rights_are_judged_by_the_full_name)
{
    struct pair pair;

    server->unreadable = "hidden";
    pair.outside = peer_connected(server, "outside", MQTT_5_0);
    pair.inside = inside_connected(server, "denied/", "inside", MQTT_5_0);
    peer_send(pair.inside, "32 RL S'x' 0001 00 'y' | 82 RL 0002 00 S'x' 00");
    peer_expect(pair.inside, "40 RL 0001 87 * | 90 RL 0002 00 87");
    server->at_side = true;
    pair.inside = peer_open(server);
    peer_send(pair.inside, "10 RL S'MQTT' 05 06 0000 00 S'inside' 00 S'x' S'bye'");
    peer_expect_end(pair.inside, MQTT_NOT_AUTHORIZED);
    server->at_side = false;
    pair.inside = inside_connected(server, "hidden/", "inside", MQTT_5_0);
    peer_subscribed(pair.inside, "x", 0);
    peer_publishes(pair.outside, 0, "hidden/x", "y");
    peer_expect_nothing(pair.inside);
}

SERVER_TEST(NULL, topic_aliases_stand_for_the_short_name)
{
    struct peer *outside = peer_connected(server, "outside", MQTT_5_0);
    struct peer *inside;

    strcpy(server->side_listener.mount_point, "m/");
    server->at_side = true;
    inside = peer_open(server);
    peer_send(inside, "10 RL S'MQTT' 05 02 0000 (22 000a) S'inside'");
    peer_expect(inside, "20 RL 00 00 *");
    peer_subscribed(outside, "#", 0);
    peer_subscribed(inside, "back", 0);
    peer_send(inside, "30 RL S'x' (23 0001) '1' | 30 RL 0000 (23 0001) '2'");
    peer_expect(outside, "30 RL S'm/x' 00 '1' | 30 RL S'm/x' 00 '2'");
    peer_publishes(outside, 0, "m/back", "3");
    peer_publishes(outside, 0, "m/back", "4");
    peer_expect(inside, "30 RL S'back' (23 0001) '3' | 30 RL 0000 (23 0001) '4'");
}

SERVER_TEST(NULL, response_topic_is_the_publishers_word)
{
    struct pair pair = pair_connected(server);

    peer_subscribed(pair.outside, "m/ask", 0);
    peer_send(pair.inside, "30 RL S'ask' (08 S'answer') '?'");
    peer_expect(pair.outside, "30 RL S'm/ask' (08 S'answer') '?'");
}

SERVER_TEST(NULL, mount_point_need_not_end_a_level)
{
    struct peer *outside = peer_connected(server, "outside", MQTT_5_0);
    struct peer *inside = inside_connected(server, "m", "inside", MQTT_5_0);

    peer_subscribed(inside, "x/+", 0);
    peer_publishes(outside, 0, "mx/y", "1");
    peer_expect(inside, "30 RL S'x/y' 00 '1'");
    /* Here the mount point makes something else of a wildcard. */
    peer_send(inside, "82 RL 0002 00 S'#' 00 S'+/y' 00 S'/#' 00 S'$share/g/#' 00");
    peer_expect(inside, "90 RL 0002 00 8f 8f 00 8f");
    peer_send(inside, "a2 RL 0003 00 S'#' S'/#'");
    peer_expect(inside, "b0 RL 0003 00 8f 00");
}

/* Sends a packet that starts so, with the longest text behind it; then 1, as a number of two bytes,
 * and another byte. */
static void send_long(struct peer *peer, const uint8_t *start, size_t start_size)
{
    enum { TEXT_SIZE = 65535 };
    static uint8_t packet[TEXT_SIZE + 64];
    size_t size = start_size + 2 + TEXT_SIZE + 3;
    size_t remaining = size - 4;

    memcpy(packet, start, start_size);
    packet[1] = 0x80 | (remaining & 0x7f);
    packet[2] = 0x80 | (remaining >> 7 & 0x7f);
    packet[3] = (uint8_t)(remaining >> 14);
    packet[start_size] = packet[start_size + 1] = 0xff;
    memset(packet + start_size + 2, 'x', TEXT_SIZE);
    memcpy(packet + size - 3, start[0] == 0x10 ? "\0\1x" : "\0\1\0", 3);
    peer_send_bytes(peer, bytes_of(packet, size));
}

SERVER_TEST(NULL, full_name_that_is_too_long_is_refused)
{
    const uint8_t publish[] = { 0x32, 0, 0, 0 };
    const uint8_t connect[] = { 0x10, 0, 0, 0, 0, 4, 'M', 'Q', 'T', 'T', 5, 6, 0, 0, 0, 0, 1, 'w',
        0 };
    struct peer *inside = inside_connected(server, "m/", "inside", MQTT_5_0);
    struct peer *dying;

    send_long(inside, publish, sizeof(publish));
    peer_expect(inside, "40 RL 0001 90 *");
    /* The three bytes behind the topic are the will's payload. */
    server->at_side = true;
    dying = peer_open(server);
    send_long(dying, connect, sizeof(connect));
    peer_expect_end(dying, MQTT_TOPIC_NAME_INVALID);
}

SERVER_TEST(NULL, session_keeps_the_full_names_at_another_listener)
{
    struct pair pair = pair_connected(server);
    struct peer *moved;

    server->at_side = true;
    moved = peer_resumed(server, "moved", MQTT_5_0, false);
    peer_subscribed(moved, "#", 1);
    peer_send(moved, "e0 00");
    peer_publishes(pair.outside, 2, "m/x", "1");
    peer_publishes(pair.outside, 2, "m/y", "2");
    /* Outside the mount point it may have all that it has subscribed to. */
    server->at_side = false;
    moved = peer_resumed(server, "moved", MQTT_5_0, true);
    peer_expect(moved, "32 RL S'm/x' 0001 00 '1' | 32 RL S'm/y' 0002 00 '2'");
    peer_send(moved, "40 02 0001 | a2 RL 0009 00 S'#' | e0 00");
    peer_expect(moved, "b0 RL 0009 00 11");
    /* Behind another one it has no name for any of it: not for what is sent again either. */
    strcpy(server->side_listener.mount_point, "n/");
    server->at_side = true;
    moved = peer_resumed(server, "moved", MQTT_5_0, true);
    peer_publishes(pair.outside, 2, "m/z", "3");
    peer_publishes(pair.outside, 0, "m/z", "4");
    peer_expect_nothing(moved);
    assert_int_equal(server_count(server, dropped[DROP_NOT_ALLOWED]), 3);
    peer_subscribed(moved, "x", 1);
    peer_publishes(pair.outside, 2, "n/x", "5");
    peer_expect(moved, "32 RL S'x' .... 00 '5'");
}
