/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What -d prints: a line on standard output for each packet that goes or comes, in the words of
 * Mosquitto's tools, for scripts wait for some of them.
 */
#ifndef CLI_CLIENT_TRACE_H
#define CLI_CLIENT_TRACE_H

#include "mqtt/version.h"
#include "nightjar/mqtt.h"

struct client_trace {
    enum mqtt_version version;
    bool tells_subscribed; /* a line with the codes of each SUBACK, as mosquitto_sub has it */
    char client_id[65536]; /* "": there is none yet */
};

/* `size` is the packet's, of which `packet` may have only the front. */
void client_trace_packet(
        struct client_trace *trace, bool written, struct nj_bytes packet, size_t size);

#endif
