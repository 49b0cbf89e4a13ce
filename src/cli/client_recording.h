/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages in a file, as `nightjar record` writes them and `nightjar replay` plays them back. It is
 * text, one JSON object a line. The first line says the version:
 *
 *     {"nightjar-recording":1}
 *
 * and each other one is a message, in the order in which they came:
 *
 *     {"s":0.250000,"topic":"a/b","qos":1,"retain":false,"payload":"hello"}
 *
 * "s" is seconds since recording began. A payload that is no UTF-8, or has U+0000, stands in "hex"
 * instead of "payload". "properties" is a list of pairs of a name and a number or text, of triples
 * ["user-property",name,value], and for binary data of triples [name,"hex",digits]; it is left out
 * where there are none. Members that are not known are passed over.
 */
#ifndef CLI_CLIENT_RECORDING_H
#define CLI_CLIENT_RECORDING_H

#include "cli/client_properties.h"

#include "nightjar/mqtt.h"

#include <stdio.h>

enum {
    RECORDING_VERSION = 1,
    RECORDING_LINE_MAX = 1 << 30, /* bytes */
};

/* Writes the first line, and then each message; false when the file cannot be written. */
bool recording_begin(FILE *out);
bool recording_write(FILE *out, const struct nj_message *message, int64_t time_us);

enum recording_result {
    RECORDING_MESSAGE,
    RECORDING_END,
    RECORDING_NONE,    /* the first line is not that of a recording */
    RECORDING_NEWER,   /* its version is not ours */
    RECORDING_BROKEN,  /* a line is no message */
    RECORDING_FAILURE, /* the file cannot be read, a line is too long, or memory is short */
};

/* A file that is read; all zero but `in` before. */
struct recording {
    FILE *in;
    char *line;
    size_t capacity;
    size_t number; /* of the line */
    bool begun;
    int64_t time_us;           /* of the message */
    struct nj_message message; /* good until the next one is read */
    char *topic;
    uint8_t *payload;
    struct client_properties properties;
};

/* Reads the next message. */
enum recording_result recording_next(struct recording *recording);

/* Frees all but the file. */
void recording_deinit(struct recording *recording);

#endif
