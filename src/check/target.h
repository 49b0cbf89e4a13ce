/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the cases may know about the server that they are put to.
 *
 * Some statements bind only a server that has, or lacks, something: it limits QoS, refuses someone,
 * listens for WebSockets. A case names what it needs; where the target does not offer it the case
 * is skipped, with the reason.
 */
#ifndef CHECK_TARGET_H
#define CHECK_TARGET_H

#include <stdbool.h>
#include <stdint.h>

enum check_need {
    NEED_NOTHING,
    NEED_LOGIN,      /* a name and password that are refused: target->wrong_user */
    NEED_REFUSED_ID, /* a client id that is refused */
    NEED_RIGHTS,     /* a topic that may be neither published nor subscribed to */
    NEED_METHOD,     /* an authentication method whose exchange is known: target->method */
    NEED_QOS_LIMIT,  /* Maximum QoS is 0 or 1 */
    NEED_NO_RETAIN,  /* Retain Available is 0 */
    NEED_NO_WILDCARD,
    NEED_NO_IDENTIFIER, /* Subscription Identifiers Available is 0 */
    NEED_NO_SHARED,
    NEED_NO_EMPTY_ID,      /* a client without an id is refused */
    NEED_KEEP_ALIVE_LIMIT, /* Server Keep Alive is given to a client that wants more */
    NEED_EXPIRY_LIMIT,     /* so is Session Expiry Interval */
    NEED_PACKET_LIMIT,     /* Maximum Packet Size is announced */
    NEED_RECEIVE_LIMIT,    /* Receive Maximum is announced */
    NEED_ALIASES,          /* Topic Alias Maximum is announced */
    NEED_NO_ALIASES,       /* it is not */
    NEED_STATUS,           /* the server publishes target->status_topic, retained */
    NEED_CONNECT_TIMEOUT,  /* a transport without CONNECT is closed within this time */
    NEED_WEBSOCKET,

    /* What the standard gives a server leave to do without. */
    NEED_QOS_2,
    NEED_RETAIN,
    NEED_WILDCARD,
    NEED_IDENTIFIER,
    NEED_SHARED,
    CHECK_NEEDS,
};

/* Texts are borrowed; NULL and 0 where the target has none. */
struct check_target {
    const char *user; /* what every client gives; NULL: nothing */
    const char *password;
    const char *wrong_user;
    const char *wrong_password;
    const char *refused_id;
    const char *denied_topic; /* '~' in it is the name of the run */
    const char *method;       /* its rounds: the server asks, the client's `answer` is right, any
                                 other one is wrong, and the server ends with data of its own */
    const char *answer;
    const char *status_topic; /* begins with $ */
    const char *websocket;    /* the path, such as "/mqtt" */
    const char *host;         /* for HTTP's Host */
    uint32_t connect_timeout_ms;
    bool refuses_empty_id;
    bool alone; /* nobody else uses the server: client ids that others may have are tried too */

    /* From a CONNACK of 5.0; the standard's defaults where it says nothing. */
    bool one_at_a_time;    /* no second message before the first one is acknowledged */
    bool speaks[6];        /* by enum mqtt_version */
    uint8_t maximum_qos;   /* 2 */
    bool retain_available; /* true */
    bool wildcards;        /* true */
    bool identifiers;      /* true */
    bool shared;           /* true */
    uint16_t receive_max;  /* 0: not announced */
    uint16_t alias_max;    /* 0 */
    uint32_t packet_max;   /* bytes; 0: not announced */
    uint16_t keep_alive_s; /* given to a client that wants 65,535; 0: what it wants */
    uint32_t expiry_s_max; /* given to a client that wants UINT32_MAX; 0: what it wants */
};

/* Nothing known but the defaults. */
void check_target_init(struct check_target *target);

/* Whether the target offers it. */
bool check_target_offers(const struct check_target *target, enum check_need need);

/* A sentence: what such a server is like, and how to have the case run. */
const char *check_need_text(enum check_need need);

#endif
