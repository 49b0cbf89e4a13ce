/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that speak MQTT-SN to the server of a test (server.h): the gateway's translator joined to
 * a connection of core, with a false clock and a network that loses nothing unless it is told to.
 *
 *     SENSOR_TEST("SN-6.11-2", ping_is_answered)
 *     {
 *         struct sensor *a = sensor_connected(air, "a");
 *
 *         sensor_send(a, "02 16");
 *         sensor_expect(a, "02 17");
 *     }
 *
 * Datagrams are written in the notation of check/notation.h. air->server is a server of
 * SERVER_TEST(), and runs in all its rounds.
 */
#ifndef TESTS_HARNESS_SENSOR_H
#define TESTS_HARNESS_SENSOR_H

#include "gateway/client.h"
#include "tests/harness/peer.h"

struct sensor;

enum { SENSOR_GATEWAY_ID = 7 };

/* All sensors of a test, and their gateway, whose settings a test may change. */
struct air {
    struct server *server;
    struct gateway gateway;
    bool speaks_draft; /* 2.0 as well */
    unsigned trouble;  /* of a hundred datagrams so many are lost, and of the others doubled */
    uint64_t luck;     /* the seed of that */
    struct sensor *sensors;
    struct sensor *voice; /* the gateway's own connection; NULL before it is wanted */
};

struct air *air_new(struct server *server);
void air_end(struct air *air);

/* Time passes; whatever becomes due on the way happens at its time. */
void air_advance(struct air *air, int64_t ms);

/* A device at an address of its own; it lives until the end. */
struct sensor *sensor_new(struct air *air);

/* The gateway gets this datagram from it, and what that causes has happened when this returns. */
void sensor_send(struct sensor *sensor, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void sensor_send_bytes(struct sensor *sensor, struct bytes datagram);

/* These datagrams have come, and stand first. */
#define sensor_expect(sensor, ...) sensor_expect_at(__FILE__, __LINE__, (sensor), __VA_ARGS__)
#define sensor_expect_nothing(sensor) sensor_expect_nothing_at(__FILE__, __LINE__, (sensor))

/* The next datagram that has come, the caller's until the next call; empty when there is none. */
struct bytes sensor_take(struct sensor *sensor);

/* Connects with clean session and 60 s of keep alive; CONNACK is taken. */
#define sensor_connected(air, id) sensor_connected_at(__FILE__, __LINE__, (air), (id))

/* What the gateway takes it for; GATEWAY_NEW: it knows nobody there. */
enum gateway_phase sensor_phase(const struct sensor *sensor);

void sensor_expect_at(const char *file, int line, struct sensor *sensor, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
void sensor_expect_nothing_at(const char *file, int line, struct sensor *sensor);
struct sensor *sensor_connected_at(const char *file, int line, struct air *air, const char *id);

#define SENSOR_TEST(ids, function)                                                                 \
    static void function##_in(struct air *air);                                                    \
    SERVER_TEST(ids, function)                                                                     \
    {                                                                                              \
        struct air *air = air_new(server);                                                         \
                                                                                                   \
        function##_in(air);                                                                        \
        air_end(air);                                                                              \
    }                                                                                              \
    static void function##_in(struct air *air)

#endif
