/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions of MQTT, numbered as the protocol level of CONNECT says them.
 */
#ifndef MQTT_VERSION_H
#define MQTT_VERSION_H

enum mqtt_version {
    MQTT_3_1 = 3,
    MQTT_3_1_1 = 4,
    MQTT_5_0 = 5,
};

#endif
