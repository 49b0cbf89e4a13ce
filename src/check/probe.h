/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a case is written with: clients that send and expect bytes, in the notation of notation.h
 * with printf's conversions put in first.
 *
 * Client ids and topics begin with '~', which stands for the name of this run of this case, eight
 * letters and digits: cases run beside each other and beside whoever else uses the server.
 *
 * A case that does not hold ends at once, with the sentence and all bytes that went to and fro.
 * Probes live until the case ends, and need no care: what they leave at the server is cleared.
 *
 * Nothing here waits longer than needed; where it is to be seen that nothing comes, a fraction of a
 * second is waited for it. Through sockets a message may come later than the acknowledgement of
 * its publisher: expect it at its receivers before going on.
 */
#ifndef CHECK_PROBE_H
#define CHECK_PROBE_H

#include "base/bytes.h"
#include "check/case.h"

struct probe;

/* ---- The case ---- */

enum { CHECK_NAME_SIZE = 8 }; /* of what '~' stands for */

enum mqtt_version check_version(const struct check *check);

/* What is known of the server. Cases that use more than the standard's defaults name their need. */
const struct check_target *check_target(const struct check *check);

/* What the caller of check_run() has given. */
void *check_subject(const struct check *check);

/* Time passes. Keep it short: over sockets someone waits for it. */
void check_wait(struct check *check, int64_t ms);

/* Milliseconds since some start. */
int64_t check_now_ms(const struct check *check);

/* How long what must come is waited for, in milliseconds. */
int64_t check_patience_ms(const struct check *check);

/* The case does not hold: `format` says what was expected. */
_Noreturn void check_fail(struct check *check, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* The case cannot be shown at this server, which is allowed to be as it is; says why. */
_Noreturn void check_skip(struct check *check, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* ---- Transports ---- */

struct probe *probe_open(struct check *check);
struct probe *probe_open_websocket(struct check *check);

/* The transport breaks; the server is told nothing. */
void probe_cut(struct probe *probe);

/* ---- Clients that have connected ---- */

/* Clean start, no keep alive, no will, no properties. */
struct probe *probe_connected(struct check *check, const char *id);

/*
 * Connects and expects success. `format` is the CONNECT from its flags on, without the login, which
 * is added where the server wants one; the protocol's name and level are put before it.
 *
 *     a = probe_connects(check, "04 003C (11 0000000A) S'~a' 00 S'~/w' S'bye'");
 */
struct probe *probe_connects(struct check *check, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* The same by another version than the case's: what follows goes by that one. */
struct probe *probe_connects_as(struct check *check, enum mqtt_version version, const char *format,
        ...) __attribute__((format(printf, 3, 4)));

/* Sends the same CONNECT, and behind a '|' what is to be sent at once with it; awaits nothing. */
struct probe *probe_tries(struct check *check, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Without clean start, with a session that is kept for a minute (3.x: for good); whether there was
 * one must be as said (3.1 cannot tell). */
struct probe *probe_resumed(struct check *check, const char *id, bool present);

/* Whether its CONNACK said Session Present. */
bool probe_present(const struct probe *probe);

/* The whole CONNACK. */
struct bytes probe_connack(const struct probe *probe);

/* The login that every client gives, as the strings of a CONNECT in the notation; "" for none. */
void check_login(const struct check *check, char *out, size_t size);

/* A 5.0 DISCONNECT 00, an E0 00 for others, and the server's closing. */
void probe_disconnects(struct probe *probe);

/* ---- Packets ---- */

/* Sends packets, '|' between them, in one write. */
void probe_send(struct probe *probe, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, but of the last packet only the first `size` bytes. */
void probe_send_part(struct probe *probe, size_t size, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* These packets come, in this order. */
void probe_expect(struct probe *probe, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* These packets come, in any order. */
void probe_expect_all(struct probe *probe, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* One of these packets comes; gives which, from 0. */
unsigned probe_expect_one(struct probe *probe, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* This packet comes: true. Or the server closes the transport without another byte: false. */
bool probe_expect_or_closed(struct probe *probe, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/*
 * A PUBACK, PUBREC, PUBREL or PUBCOMP comes, in any of the forms that say the same: `type` is its
 * first byte, `codes` the reason codes in hex that 5.0 may give ("00 10").
 */
void probe_expect_ack(struct probe *probe, uint8_t type, uint16_t id, const char *codes);

/* Nothing more comes, and the transport stays open. */
void probe_expect_nothing(struct probe *probe);

/* Nothing more comes for any probe whose transport is open: one wait for all of them. */
void probes_expect_nothing(struct check *check);

/* The server closes the transport. In 5.0 a last DISCONNECT, or a CONNACK where there was none, may
 * precede and then has one of these codes in hex ("81 82"); 3.x closes without another byte. */
void probe_expect_end(struct probe *probe, const char *codes);

/* The server closes the transport without another byte. */
void probe_expect_closed(struct probe *probe);

/* The next packet, for the caller's own judgement: its bytes until the next call for this probe;
 * empty when none comes. */
struct bytes probe_take(struct probe *probe);

/* The same, where it is all right that nothing comes: waits only as long as for nothing. */
struct bytes probe_take_any(struct probe *probe);

/* All bytes that have come, packets or not; waits for the first. Empty when none comes, or the
 * transport is closed. For the caller until the next call for this probe. */
struct bytes probe_take_bytes(struct probe *probe);

/* False once the server has closed the transport. Does not wait. */
bool probe_is_open(struct probe *probe);

/* The packet id that "id" (0) or "id1" .. "id9" stand for, 0 where none was read. */
uint16_t probe_id(const struct probe *probe, unsigned which);

/* Forgets what id1 .. id9 were. */
void probe_forget_ids(struct probe *probe);

/* For long texts: `part`, so many times. Returns `out`. */
const char *check_repeat(char *out, size_t size, const char *part, unsigned times);

/* The bytes of the packets that the text says, until the next call for any probe of the case. */
struct bytes probe_bytes(struct probe *probe, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Their size. */
size_t probe_size(struct probe *probe, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* ---- What most cases do; messages that come before an answer stay for later ---- */

/* Subscribes with these options (in 3.x: the QoS), and is granted their QoS. `filter` is in the
 * notation's characters: "~/a". */
void probe_subscribes(struct probe *probe, const char *filter, uint8_t options);

/* No client can subscribe with any of these filters and options, "S'~/a#' 00 | S'' 00": in 5.0 a
 * SUBACK 8F may say so; else the transport ends as in probe_expect_end(), with 81, 82 or 8F. */
void check_refuses_filters(struct check *check, const char *filters);

/* Publishes and finishes the exchange, with success. `flags` are those of the fixed header: 1 is
 * RETAIN, 2 QoS 1, 4 QoS 2. */
void probe_publishes(struct probe *probe, uint8_t flags, const char *topic, const char *payload);

/* A PUBLISH with this first byte comes, without properties in 5.0; its QoS 1 or 2 exchange is
 * finished. */
void probe_receives(struct probe *probe, uint8_t first, const char *topic, const char *payload);

/* The server cuts the client off for its silence; it may look for that only every few seconds, so
 * some more are waited for it. */
void probe_expect_timeout(struct probe *probe);

/* The value of an integer property of the packet that came last (CONNACK, PUBLISH ...); false where
 * it has none. Byte, two byte, four byte and variable byte integers. */
bool probe_property(struct bytes packet, uint8_t property, uint32_t *value);

/* Whether the packet has the property, of any kind. */
bool probe_has(struct bytes packet, uint8_t property);

/* The same for strings and binary data (of a pair, its second half); empty where it has none. */
struct bytes probe_property_text(struct bytes packet, uint8_t property);

#endif
