/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of MQTT-SN as a stream: datagrams come in at one side, and at the other side a link
 * reads and writes packets of MQTT, as of any other client. There is no descriptor of its own:
 * whoever hears or changes it calls traffic_stir().
 *
 * Its datagrams come to the shard that the kernel chose by its address, which keeps it in its table
 * (`ear`), and the client lives on the shard that is the home of its id (`home`): the one carries
 * them to the other. Only `home` touches a sensor; what `ear` reads of it never changes.
 */
#ifndef BROKER_SENSOR_H
#define BROKER_SENSOR_H

#include "base/list.h"
#include "base/timer.h"
#include "broker/errand.h"
#include "broker/link.h"
#include "broker/secured.h"
#include "gateway/client.h"
#include "net/address.h"

enum { SENSOR_NODE_MAX = 255 }; /* bytes of a forwarder's node id */

/* How a forwarder wraps what is for one of the nodes behind it, and from there. */
enum sensor_wrap {
    SENSOR_BARE, /* there is no forwarder */
    SENSOR_WRAP_1_2,
    SENSOR_WRAP_2_0,
};

/* Where datagrams come from, and go to. */
struct sensor_place {
    struct address address; /* none: nowhere, as that of the gateway's own connection */
    uint8_t entrance;       /* the number of its listener */
    uint8_t socket;         /* the index of the listener's socket */
    uint8_t wrap;           /* an enum sensor_wrap */
    struct bytes node_id;
};

enum { SENSOR_KEY_SIZE_MAX = 6 + 16 + 4 + SENSOR_NODE_MAX };

/* Writes what tells this place from every other one, and all of it. Returns its size. */
size_t sensor_key(const struct sensor_place *place, uint8_t key[SENSOR_KEY_SIZE_MAX]);

struct shard;

/* There are many, and most are idle: nothing is in it that can be found out otherwise. */
struct sensor {
    struct stream stream;
    struct link *link; /* NULL before it has one */
    union {
        struct timer timer;    /* home's, until it parts */
        struct errand parting; /* from then on: to ear, which forgets it, and back */
    };
    struct secured *secured; /* home's, but for its mark; NULL: it speaks in the clear */
    struct gateway_client client;
    uint8_t ear_number;
    uint8_t home_number; /* where it has been sent */
    bool travels;        /* it is on its way there */
    bool parts : 1;      /* these are home's */
    bool parted : 1;     /* no datagram names it any more */
    bool closed : 1;     /* its link is gone */
    bool is_heard : 1;   /* and still is when its link goes */
    uint16_t key_size;
    uint8_t key[]; /* of sensor_key() */
};

struct shard *sensor_ear(const struct sensor *sensor);

/* NULL on its way there. */
struct shard *sensor_home(const struct sensor *sensor);

/* The node id lies in its key. */
struct sensor_place sensor_place(const struct sensor *sensor);

static inline struct bytes sensor_key_bytes(const struct sensor *sensor)
{
    return bytes_of(sensor->key, sensor->key_size);
}

/* Its client has heard nothing yet. NULL when memory is short. */
struct sensor *sensor_new(struct shard *shard, struct bytes key);

/* Where the datagrams of its DTLS go: to its place. */
struct dtls_port sensor_port(struct sensor *sensor);

void sensor_free(struct sensor *sensor, const struct memory *memory);

/* The sensor of a link's stream; NULL when that is of another kind. */
struct sensor *sensor_of(struct stream *stream);

/* What the client of a link speaks; see core_setup. */
struct dialect sensor_dialect_of(const void *link);

/* Another connection takes the session of its client over; see core_setup. */
void sensor_taken_over(void *link);

/* What a gateway calls, see gateway/client.h. */
void sensor_send(struct gateway_client *client, struct bytes datagram);
enum mqtt_reason sensor_change_will(struct gateway_client *client, const struct mqtt_will *will);
struct bytes sensor_client_id(const struct gateway_client *client);
uint32_t sensor_session_expiry_s(const struct gateway_client *client);
void sensor_will_lost(struct gateway_client *client);

/* Its timer is set anew: after everything that its client has heard. */
void sensor_arm(struct sensor *sensor);

#endif
