/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts as text: UTF-8 as MQTT restricts it.
 */
#ifndef MQTT_UTF8_H
#define MQTT_UTF8_H

#include "base/bytes.h"

/**
 * Whether text is well-formed UTF-8 without U+0000: no overlong form, no surrogate, nothing above
 * U+10FFFF, nothing cut short. U+FEFF is an ordinary character. The empty text is valid.
 *
 * Source: MQTT 5.0 §1.5.4, [MQTT5-1.5.4-1], [MQTT5-1.5.4-2], [MQTT5-1.5.4-3], [MQTT311-1.5.3-1],
 * [MQTT311-1.5.3-2], [MQTT311-1.5.3-3]
 */
bool mqtt_utf8_valid(struct bytes text);

/**
 * Whether valid text also lacks what a receiver may refuse: control characters (U+0001 to U+001F,
 * U+007F to U+009F) and Unicode's non-characters. `text` must have passed mqtt_utf8_valid().
 *
 * Source: MQTT 5.0 §1.5.4, [U5-1.5.4-1], [U5-1.5.4-2], [U311-1.5.3-a]
 */
bool mqtt_utf8_strict(struct bytes text);

#endif
