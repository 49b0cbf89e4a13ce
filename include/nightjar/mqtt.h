/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all parts of the client library speak of: bytes, messages, properties, errors.
 */
#ifndef NIGHTJAR_MQTT_H
#define NIGHTJAR_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that lie elsewhere. What the library gives is good until the next call; what it is given is
 * copied before the call returns, unless a function says otherwise. */
struct nj_bytes {
    const void *data;
    size_t size;
};

static inline struct nj_bytes nj_bytes_of(const void *data, size_t size)
{
    struct nj_bytes bytes;

    bytes.data = data;
    bytes.size = size;
    return bytes;
}

/* The bytes of a text; none of NULL. */
static inline struct nj_bytes nj_text(const char *text)
{
    return nj_bytes_of(text, text ? strlen(text) : 0);
}

/* 3.1 is for servers that know nothing newer; what is said of 3.1.1 holds for it, but that it does
 * not say whether a session was there: it is taken for none. */
enum nj_version { NJ_MQTT_3_1 = 3, NJ_MQTT_3_1_1 = 4, NJ_MQTT_5_0 = 5 };

enum nj_error {
    NJ_OK = 0,
    NJ_LATER,         /* not now: what is under way must get on first */
    NJ_NOT_CONNECTED, /* the server has not let the client in, or has ended the connection */
    NJ_INVALID,       /* an argument that MQTT does not allow */
    NJ_TOO_LARGE,     /* for a buffer, or for what the server takes */
    NJ_NOT_OFFERED,   /* the server has said that it does not do this */
    NJ_UNKNOWN_ID,    /* nothing is in flight under that id */

    /* Of nightjar/link.h. */
    NJ_NO_MEMORY,   /* there is none, or the system has no descriptor or thread left */
    NJ_TIMED_OUT,   /* the time that the caller gave is over */
    NJ_FULL,        /* a limit of the options is reached */
    NJ_REFUSED,     /* the server says no; a reason code says why */
    NJ_LOST,        /* the server has lost the session; it may have taken the message, or not */
    NJ_CLOSED,      /* the link was told to end, or not to try again */
    NJ_IN_CALLBACK, /* a call that waits was made where nothing may wait */
    NJ_NO_ADDRESS,  /* the name of the host leads to no address */
    NJ_NETWORK,     /* there is no connection to the server, or no longer */
    NJ_TLS,         /* the two cannot speak safely with each other */
    NJ_WEBSOCKET,   /* the server does not speak WebSocket there, or not by its rules */
    NJ_FILE         /* the file for messages cannot be used */
};

/* A sentence about an error. */
const char *nj_error_text(enum nj_error error);

/* A reason code of MQTT 5.0 as a sentence; those of 3.1.1's CONNACK are given as 5.0's. */
const char *nj_reason_text(unsigned reason);

/* ---- Properties (MQTT 5.0) ---- */

enum nj_property {
    NJ_PAYLOAD_FORMAT_INDICATOR = 0x01,
    NJ_MESSAGE_EXPIRY_INTERVAL = 0x02,
    NJ_CONTENT_TYPE = 0x03,
    NJ_RESPONSE_TOPIC = 0x08,
    NJ_CORRELATION_DATA = 0x09,
    NJ_SUBSCRIPTION_IDENTIFIER = 0x0B,
    NJ_SESSION_EXPIRY_INTERVAL = 0x11,
    NJ_ASSIGNED_CLIENT_IDENTIFIER = 0x12,
    NJ_SERVER_KEEP_ALIVE = 0x13,
    NJ_AUTHENTICATION_METHOD = 0x15,
    NJ_AUTHENTICATION_DATA = 0x16,
    NJ_REQUEST_PROBLEM_INFORMATION = 0x17,
    NJ_WILL_DELAY_INTERVAL = 0x18,
    NJ_REQUEST_RESPONSE_INFORMATION = 0x19,
    NJ_RESPONSE_INFORMATION = 0x1A,
    NJ_SERVER_REFERENCE = 0x1C,
    NJ_REASON_STRING = 0x1F,
    NJ_RECEIVE_MAXIMUM = 0x21,
    NJ_TOPIC_ALIAS_MAXIMUM = 0x22,
    NJ_TOPIC_ALIAS = 0x23,
    NJ_MAXIMUM_QOS = 0x24,
    NJ_RETAIN_AVAILABLE = 0x25,
    NJ_USER_PROPERTY = 0x26,
    NJ_MAXIMUM_PACKET_SIZE = 0x27,
    NJ_WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28,
    NJ_SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29,
    NJ_SHARED_SUBSCRIPTION_AVAILABLE = 0x2A
};

/*
 * Properties are kept as they go over the wire. To send some, add them one after the other to
 * memory of yours:
 *
 *     uint8_t memory[64];
 *     struct nj_properties properties = nj_properties_in(memory, sizeof(memory));
 *
 *     nj_add_number(&properties, NJ_MESSAGE_EXPIRY_INTERVAL, 60);
 *     nj_add_pair(&properties, nj_text("unit"), nj_text("kPa"));
 *     message.properties = nj_properties_bytes(&properties);
 *
 * What does not fit, or does not exist, makes the whole invalid: it is refused when it is sent.
 */
struct nj_properties {
    uint8_t *memory;
    size_t size;
    size_t used;
    bool failed;
};

static inline struct nj_properties nj_properties_in(void *memory, size_t size)
{
    struct nj_properties properties;

    properties.memory = (uint8_t *)memory;
    properties.size = size;
    properties.used = 0;
    properties.failed = false;
    return properties;
}

/* One that is a number of whatever width. */
void nj_add_number(struct nj_properties *properties, enum nj_property property, uint32_t value);

/* One that is a text or binary data. */
void nj_add_bytes(
        struct nj_properties *properties, enum nj_property property, struct nj_bytes value);

/* A user property. */
void nj_add_pair(struct nj_properties *properties, struct nj_bytes name, struct nj_bytes value);

/* What to send; it lies in the memory given. */
struct nj_bytes nj_properties_bytes(const struct nj_properties *properties);

/* One property that was received. */
struct nj_property_value {
    enum nj_property property;
    uint32_t number;       /* of a number */
    struct nj_bytes bytes; /* of a text, of binary data, and the value of a user property */
    struct nj_bytes name;  /* of a user property */
};

/* Takes the next one off *rest, which begins as the properties that were received. False at the
 * end. */
bool nj_next_property(struct nj_bytes *rest, struct nj_property_value *out);

/* The first one of its kind. False when there is none. */
bool nj_find_property(
        struct nj_bytes properties, enum nj_property property, struct nj_property_value *out);

/* ---- Messages ---- */

struct nj_message {
    struct nj_bytes topic;
    struct nj_bytes payload;
    struct nj_bytes properties; /* MQTT 5.0 */
    uint8_t qos;
    bool retain;
    bool dup;    /* received: it may have come before */
    uint16_t id; /* received: its packet identifier; 0 with QoS 0 */
};

struct nj_subscription {
    struct nj_bytes filter;
    uint8_t qos;
    /* MQTT 5.0 */
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling; /* 0: retained messages come; 1: only if it is new; 2: they do not */
};

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
