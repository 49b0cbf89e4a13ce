/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as one JSON object: tst, topic, qos, retain, payloadlen, mid (with QoS 1 and 2),
 * properties (MQTT 5.0, where it has any; user properties in an object of their own), payload.
 * Members, their order and the blanks are those of mosquitto_sub.
 *
 * Bytes that are no UTF-8 are printed as they are, as mosquitto_sub does.
 */
#ifndef CLI_CLIENT_JSON_H
#define CLI_CLIENT_JSON_H

#include "cli/client_message.h"

#include <stdio.h>

enum client_json_payload {
    CLIENT_JSON_TEXT,  /* the payload is a string */
    CLIENT_JSON_VALUE, /* the payload is JSON itself */
};

/* Returns false when the payload ought to be JSON and is not, or memory is short; nothing is
 * printed then. */
bool client_json_print(FILE *out, const struct client_message *message,
        enum client_json_payload payload, bool pretty);

#endif
