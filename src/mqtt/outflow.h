/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sender's side of QoS 1 and 2: what one message in flight does at each event.
 *
 * Pure: the caller keeps the state, and does the action. A packet identifier that is not in flight
 * is in state OUT_DONE. (Source: MQTT 3.1.1 §4.3, MQTT 5.0 §4.3, §4.4)
 */
#ifndef MQTT_OUTFLOW_H
#define MQTT_OUTFLOW_H

enum mqtt_outflow_state {
    OUT_WAIT_PUBACK,  /* a QoS 1 PUBLISH was sent */
    OUT_WAIT_PUBREC,  /* a QoS 2 PUBLISH was sent */
    OUT_WAIT_PUBCOMP, /* PUBREL was sent; the message itself is no longer needed */
    OUT_DONE,         /* nothing is in flight under this identifier */
};

enum mqtt_outflow_event {
    GOT_PUBACK,       /* with any reason code */
    GOT_PUBREC,       /* with a reason code below 0x80 */
    GOT_PUBREC_ERROR, /* with one from 0x80 */
    GOT_PUBCOMP,      /* with any reason code */
    OUT_RESUMED,      /* the session goes on in a new connection */
};

enum mqtt_outflow_action {
    OUT_RELEASE_ID, /* the exchange is over: free the identifier, give back the quota */
    OUT_SEND_PUBREL,
    OUT_SEND_PUBREL_NOT_FOUND, /* PUBREL with 0x92; before 5.0 a plain one, which is harmless */
    OUT_RESEND_PUBLISH,        /* same identifier, DUP set */
    OUT_IGNORE,
    OUT_PROTOCOL_ERROR, /* the peer answers a QoS that the message has not: end with 0x82 */
};

struct mqtt_outflow_step {
    enum mqtt_outflow_state next;
    enum mqtt_outflow_action action;
};

/**
 * The step from any state at any event.
 * Source: [MQTT5-4.3.2-3], [MQTT5-4.3.3-4], [MQTT5-4.3.3-5], [MQTT5-4.3.3-6], [MQTT5-4.4.0-1],
 * [MQTT5-4.4.0-2], [MQTT311-4.3.2-1], [MQTT311-4.3.3-1], [MQTT311-4.4.0-1], wire format §9.1
 */
struct mqtt_outflow_step mqtt_outflow_step(
        enum mqtt_outflow_state state, enum mqtt_outflow_event event);

#endif
