/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client of the draft of MQTT-SN 2.0 has said of itself, and has to be told: one of 1.2 has
 * none. draft.c hears such a client, and draft_words.c speaks to it.
 */
#ifndef GATEWAY_DRAFT_H
#define GATEWAY_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

struct mqtt_connack;

/* All of it is the gateway's own. */
struct gateway_draft {
    const struct mqtt_connack *connack; /* the server's, while it is taken; else NULL */
    uint32_t sleep_s;
    uint32_t expiry_s;        /* of the session, as the server has it */
    uint32_t answered_s;      /* the second in which its CONNECT came to be answered */
    uint16_t connect_id;      /* of the CONNECT, or of the AUTH that came last */
    uint16_t asked_id;        /* of the PINGREQ or SLEEPREQ that came last */
    uint16_t packet_size_max; /* bytes of a datagram to it */
    uint8_t awake_max;        /* messages each time that it is awake; 0: all that wait */
    uint8_t awake_count;      /* that it has got this time */
    uint8_t waiting;          /* messages that PINGRESP says */
    uint8_t reason;           /* that DISCONNECT says */
    bool moves : 1;           /* it may use the connection's envelope */
    bool takes_advice : 1;    /* it may be told another session expiry than it has asked for */
    bool is_advised : 1;      /* it is told expiry_s */
    bool proves : 1;          /* it authenticates by AUTH */
    bool has_session : 1;     /* the server had one of it */
    bool is_hinted : 1;       /* it knows that something waits: there is no other WAKEUP */
};

#endif
