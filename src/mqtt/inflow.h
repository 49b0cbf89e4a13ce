/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiver's side of QoS 2: what one packet identifier does at each event. The message is
 * delivered at its PUBLISH, and the identifier held until its PUBREL.
 *
 * Pure: the caller keeps the state, and does the action.
 * (Source: MQTT 3.1.1 §4.3.3, MQTT 5.0 §4.3.3)
 */
#ifndef MQTT_INFLOW_H
#define MQTT_INFLOW_H

enum mqtt_inflow_state {
    IN_FREE,
    IN_HELD, /* a PUBLISH with this identifier was taken; its PUBREL has not come */
};

enum mqtt_inflow_event {
    GOT_PUBLISH,         /* QoS 2, DUP or not; it passed every check, where checks were due */
    GOT_PUBLISH_REFUSED, /* QoS 2; a check refused it with a code from 0x80 (5.0) */
    GOT_PUBREL,          /* with any reason code */
};

enum mqtt_inflow_action {
    IN_DELIVER,           /* take the message, then PUBREC */
    IN_SEND_PUBREC,       /* a repeat: PUBREC alone, no second delivery */
    IN_SEND_PUBREC_ERROR, /* PUBREC with the code of the refusal */
    IN_SEND_PUBCOMP,
    IN_SEND_PUBCOMP_NOT_FOUND, /* PUBCOMP with 0x92; before 5.0 a plain one */
};

struct mqtt_inflow_step {
    enum mqtt_inflow_state next;
    enum mqtt_inflow_action action;
};

/**
 * The step from any state at any event. A repeat of what is held is never refused any more.
 * Source: [MQTT5-4.3.3-8], [MQTT5-4.3.3-9], [MQTT5-4.3.3-10], [MQTT5-4.3.3-11], [MQTT5-4.3.3-12],
 * [U5-4.3.3-1], [MQTT311-4.3.3-2], wire format §9.2
 */
struct mqtt_inflow_step mqtt_inflow_step(
        enum mqtt_inflow_state state, enum mqtt_inflow_event event);

#endif
