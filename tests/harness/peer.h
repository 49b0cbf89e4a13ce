/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the server under test, which writes and reads bytes and knows no MQTT but the fixed
 * header: what it says and expects stands in the test.
 *
 * Packets are written in the notation of check/notation.h, with printf's conversions put in first:
 *
 *     peer_send(a, "82 RL 0001 00 S'%s' 01 | C0 00", filter);
 *     peer_expect(a, "90 RL 0001 00 01 | D0 00");
 *     peer_expect(b, "32 RL S'a' .... 00 'x'");
 *     peer_expect(c, "20 RL 00 00 *");
 *
 * All functions that expect fail the test, with its line, when something else has come.
 */
#ifndef TESTS_HARNESS_PEER_H
#define TESTS_HARNESS_PEER_H

#include "mqtt/reason.h"
#include "mqtt/version.h"
#include "tests/harness/server.h"

#include <stdbool.h>

struct peer;

/* What core calls for the link of a peer; see core_setup. */
void peer_taken_over(void *link);

/* ---- Transports ---- */

/* A new transport to the next shard; it lives until the server's end. */
struct peer *peer_open(struct server *server);

/* The transport breaks: the server learns no more than that. */
void peer_cut(struct peer *peer);

/* The server ends it for its unfinished packet: core_evict(). */
void peer_evict(struct peer *peer);

/* From now on the peer's system takes no output, or takes it again. */
void peer_stop_reading(struct peer *peer);
void peer_read_on(struct peer *peer);

/* Its will is changed: core_change_will(). */
enum mqtt_reason peer_changes_will(struct peer *peer, const struct mqtt_will *will);

/* The id by which it is in; empty before. */
struct bytes peer_client_id(const struct peer *peer);

/* For how long core keeps its session, in seconds. */
uint32_t peer_session_expiry_s(const struct peer *peer);

/* False once the server has closed the transport or the peer has cut it. */
bool peer_is_open(const struct peer *peer);

/* ---- Bytes ---- */

/* Sends packets; the server has handled them when this returns, or leaves them unread. */
void peer_send(struct peer *peer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends bytes as they are. */
void peer_send_bytes(struct peer *peer, struct bytes bytes);

/* How many bytes the server leaves unread. */
size_t peer_unread(const struct peer *peer);

/* The next packet that has come, which is the caller's until the next call on this peer; empty when
 * there is none. */
struct bytes peer_take(struct peer *peer);

/* The first of the bytes that have come, packets or not; the caller's until the next call on this
 * peer. */
struct bytes peer_take_bytes(struct peer *peer, size_t size_max);

/* How many bytes have come that were not taken yet. */
size_t peer_untaken(const struct peer *peer);

/* How many messages the server has for it, or has sent without an answer. */
uint64_t peer_backlog(const struct peer *peer);

/* ---- Expectations ---- */

/* These packets have come, and stand first. */
#define peer_expect(peer, ...) peer_expect_at(__FILE__, __LINE__, (peer), __VA_ARGS__)

/* Nothing more has come, and the transport is open. */
#define peer_expect_nothing(peer) peer_expect_nothing_at(__FILE__, __LINE__, (peer))

/* The server has closed the transport. A last DISCONNECT or CONNACK may precede; its reason code
 * must be this one. */
#define peer_expect_end(peer, reason) peer_expect_end_at(__FILE__, __LINE__, (peer), (reason))

/* The server has closed the transport without another byte. */
#define peer_expect_closed(peer) peer_expect_closed_at(__FILE__, __LINE__, (peer))

/* ---- What most tests begin with ---- */

/* A peer that has connected: clean start, no keep alive, no will; CONNACK taken. */
#define peer_connected(server, id, version)                                                        \
    peer_connected_at(__FILE__, __LINE__, (server), (id), (version))

/* The same without clean start and with a session that never expires. */
#define peer_resumed(server, id, version, present)                                                 \
    peer_resumed_at(__FILE__, __LINE__, (server), (id), (version), (present))

/* Subscribes with these options, the SUBACK grants their QoS. */
#define peer_subscribed(peer, filter, options)                                                     \
    peer_subscribed_at(__FILE__, __LINE__, (peer), (filter), (options))

/* Publishes and takes what acknowledges it, in any of the ways that mean success. `flags` are those
 * of the fixed header: 1 is RETAIN, 2 QoS 1, 4 QoS 2. */
#define peer_publishes(peer, flags, topic, payload)                                                \
    peer_publishes_at(__FILE__, __LINE__, (peer), (flags), (topic), (payload))

void peer_expect_at(const char *file, int line, struct peer *peer, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
void peer_expect_nothing_at(const char *file, int line, struct peer *peer);
void peer_expect_end_at(const char *file, int line, struct peer *peer, enum mqtt_reason reason);
void peer_expect_closed_at(const char *file, int line, struct peer *peer);
struct peer *peer_connected_at(const char *file, int line, struct server *server, const char *id,
        enum mqtt_version version);
struct peer *peer_resumed_at(const char *file, int line, struct server *server, const char *id,
        enum mqtt_version version, bool present);
void peer_subscribed_at(
        const char *file, int line, struct peer *peer, const char *filter, uint8_t options);
void peer_publishes_at(const char *file, int line, struct peer *peer, uint8_t flags,
        const char *topic, const char *payload);

/* ---- For the server's turns ---- */

/* Reads every peer of the shard that may be read; true when there is more to do. */
void peers_read(struct server *server, unsigned shard);

/* Takes in those that came from other shards. */
void peers_take_parcels(struct server *server, unsigned shard);

/* Writes out what the shard's peers take. */
void peers_write(struct server *server, unsigned shard);

/* Writes out what core holds too much of. */
void peers_write_full(struct server *server, unsigned shard);

/* Those that were left unread may be read again. */
void peers_wake(struct server *server, unsigned shard);

/* The server's process is gone: all are closed, without a word to it. */
void peers_lose(struct server *server);

/* Closes and frees all. */
void peers_free(struct server *server);

#endif
