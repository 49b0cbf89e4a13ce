/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT as a client sees it, written apart from src/mqtt so that a mistake there is not made twice:
 * drafts of what a client sends, and a strict reading of what a server sends.
 */
#ifndef TESTS_SIMULATION_WIRE_H
#define TESTS_SIMULATION_WIRE_H

#include "base/bytes.h"

enum wire_type {
    WIRE_CONNECT = 1,
    WIRE_CONNACK,
    WIRE_PUBLISH,
    WIRE_PUBACK,
    WIRE_PUBREC,
    WIRE_PUBREL,
    WIRE_PUBCOMP,
    WIRE_SUBSCRIBE,
    WIRE_SUBACK,
    WIRE_UNSUBSCRIBE,
    WIRE_UNSUBACK,
    WIRE_PINGREQ,
    WIRE_PINGRESP,
    WIRE_DISCONNECT,
};

enum wire_property {
    WIRE_PAYLOAD_FORMAT = 0x01,
    WIRE_MESSAGE_EXPIRY = 0x02,
    WIRE_CONTENT_TYPE = 0x03,
    WIRE_RESPONSE_TOPIC = 0x08,
    WIRE_CORRELATION = 0x09,
    WIRE_SUBSCRIPTION_ID = 0x0b,
    WIRE_SESSION_EXPIRY = 0x11,
    WIRE_ASSIGNED_ID = 0x12,
    WIRE_SERVER_KEEP_ALIVE = 0x13,
    WIRE_RESPONSE_WANTED = 0x19,
    WIRE_RESPONSE_INFORMATION = 0x1a,
    WIRE_SERVER_REFERENCE = 0x1c,
    WIRE_WILL_DELAY = 0x18,
    WIRE_REASON_STRING = 0x1f,
    WIRE_RECEIVE_MAX = 0x21,
    WIRE_ALIAS_MAX = 0x22,
    WIRE_ALIAS = 0x23,
    WIRE_MAX_QOS = 0x24,
    WIRE_RETAIN_AVAILABLE = 0x25,
    WIRE_USER_PROPERTY = 0x26,
    WIRE_PACKET_MAX = 0x27,
    WIRE_WILDCARDS_AVAILABLE = 0x28,
    WIRE_SUBSCRIPTION_IDS_AVAILABLE = 0x29,
    WIRE_SHARED_AVAILABLE = 0x2a,
    WIRE_PROPERTY_MAX = 0x2a,
};

enum { WIRE_SUBSCRIPTION_IDS_MAX = 16, WIRE_DRAFT_MAX = 40000 };

/* A packet of a server, its views borrowing from the bytes read. */
struct wire_packet {
    enum wire_type type;
    size_t size; /* the whole packet's */
    uint16_t id;
    uint8_t reason; /* or the return code of 3.x */
    bool session_present;
    bool dup;
    bool retain;
    uint8_t qos;
    struct bytes topic;
    struct bytes payload;
    struct bytes codes;
    uint64_t properties;                     /* bit n: property n is there */
    uint32_t numbers[WIRE_PROPERTY_MAX + 1]; /* of the properties that are numbers */
    struct bytes texts[WIRE_PROPERTY_MAX + 1];
    uint32_t subscription_ids[WIRE_SUBSCRIPTION_IDS_MAX];
    unsigned subscription_id_count;
};

enum wire_result {
    WIRE_MORE, /* not a whole packet yet */
    WIRE_READ,
    WIRE_BAD, /* no packet that a server of that version may send */
};

/* version: 3, 4 or 5. */
enum wire_result wire_read(struct wire_packet *out, struct bytes in, unsigned version);

static inline bool wire_has(const struct wire_packet *packet, enum wire_property property)
{
    return packet->properties >> property & 1;
}

/* A packet of a client while it is written. */
struct wire_draft {
    uint8_t bytes[WIRE_DRAFT_MAX];
    size_t size;
    size_t properties_at;
};

/* The fixed header is written at the end, so that the length is known. */
void wire_start(struct wire_draft *draft);
void wire_u8(struct wire_draft *draft, uint32_t value);
void wire_u16(struct wire_draft *draft, uint32_t value);
void wire_u32(struct wire_draft *draft, uint32_t value);
void wire_raw(struct wire_draft *draft, struct bytes bytes);
void wire_text(struct wire_draft *draft, struct bytes text);
void wire_varint(struct wire_draft *draft, uint32_t value);

/* Around the properties of a packet, at most 16,383 bytes of them. */
void wire_properties_start(struct wire_draft *draft);
void wire_properties_end(struct wire_draft *draft);

/* The whole packet, good until the draft is used again. */
struct bytes wire_finish(struct wire_draft *draft, enum wire_type type, unsigned flags);

#endif
