/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the payloads of `nightjar pub` and `rr` come from: the command line, a file, or standard
 * input; as a whole, or line by line, where "\n" ends a line and is no part of it.
 */
#ifndef CLI_CLIENT_SOURCE_H
#define CLI_CLIENT_SOURCE_H

#include "cli/client_options.h"

#include "nightjar/mqtt.h"

enum { CLIENT_PAYLOAD_MAX = 268435455 }; /* bytes; MQTT has no larger packet */

struct client_source {
    bool lines;
    bool ended; /* nothing more will be read */
    int fd;     /* of lines */
    char *memory;
    size_t size;
    size_t used;
    size_t taken;    /* of that, bytes of lines that were given */
    size_t searched; /* up to here there is no end of a line behind those, so that is not looked
                        at again: a line may be as long as a payload */
    struct nj_bytes whole;
};

/**
 * Opens the source that the options name; a whole payload is read at once. Says on stderr what is
 * wrong. In any case client_source_close() must follow.
 */
bool client_source_open(struct client_source *source, const struct client_options *options);

/* Reads more of a source of lines, which waits until there is some. False: it cannot be read, a
 * line is above CLIENT_PAYLOAD_MAX, or memory is short; it has ended then. */
bool client_source_read(struct client_source *source);

/* Gives the next line of those that were read, the last one also without its end; borrowed until
 * the next read. False: there is none yet, or no more. */
bool client_source_line(const struct client_source *source, struct nj_bytes *line);

/* Goes on behind the line that client_source_line() has given. */
void client_source_take(struct client_source *source, struct nj_bytes line);

void client_source_close(struct client_source *source);

#endif
