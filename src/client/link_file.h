/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a link: a log of what must outlive the program, so that after kill -9 between any two
 * steps the next run goes on where this one ended.
 *
 * Records are added at the end, each in one write, and are read once, when the file is opened. Of
 * what they say only this file knows the form; what it means is the queue's and the link's. When
 * most of the file is about messages that are gone, it is written anew beside the old one and put
 * in its place.
 */
#ifndef CLIENT_LINK_FILE_H
#define CLIENT_LINK_FILE_H

#include "client/link_options.h"

/* A message that is kept. */
struct link_record {
    uint64_t number; /* which one; given once, and greater than those before */
    uint64_t tag;
    struct nj_message message;
};

/* A slot of the engine that is filled, and the message that is in it; without holes, for it is
 * written as it is. */
struct link_flight {
    uint64_t number;
    uint32_t id;
    uint32_t state;
};

/* What the engine must know to go on with the session, whole, and what is gone since last time. */
struct link_states {
    const struct link_flight *flights;
    const uint16_t *held;
    const uint64_t *done;
    uint32_t flight_count;
    uint32_t held_count;
    uint32_t done_count;
};

/* Takes what a file says, in order; what it is given is borrowed. An error ends the reading. */
struct link_file_reader {
    enum nj_error (*client)(void *context, struct nj_bytes client_id);
    enum nj_error (*record)(void *context, const struct link_record *record);
    enum nj_error (*states)(void *context, const struct link_states *states);
    void *context;
};

struct link_file;

/*
 * Opens the file at options->file, or begins one, and reads it. A record at the end that was not
 * written whole is cut off: nothing had been done yet that rests on it. What is wrong before the
 * last record is no such end, but broken.
 *
 * NJ_OK; NJ_NO_MEMORY; NJ_FILE with a sentence: it cannot be used, is in use by another link, or is
 * broken; or what the reader has returned. The sentences of all that is done with the file later
 * go to `failure` as well, so that lives as long.
 */
enum nj_error link_file_open(struct link_file **out, const struct nj_link_options *options,
        const struct link_file_reader *reader, char failure[static FAILURE_SIZE]);

/* NULL is fine. */
void link_file_close(struct link_file *file);

/*
 * Each adds a record; when they return NJ_OK it outlives the program. NJ_FULL: file_bytes would be
 * passed, which holds for messages alone; NJ_FILE with a sentence.
 */
enum nj_error link_file_add_client(struct link_file *file, struct nj_bytes client_id);
enum nj_error link_file_add(
        struct link_file *file, uint64_t number, uint64_t tag, const struct nj_message *message);
enum nj_error link_file_add_states(struct link_file *file, const struct link_states *states);

/* Bytes that a message takes in the file. */
uint64_t link_file_size_of(const struct nj_message *message);

/* Whether it is worth to write it anew, when so many bytes of messages in it are still needed. */
bool link_file_is_wasteful(const struct link_file *file, uint64_t needed);

/*
 * Writes it anew: from here on records go to the new file, until link_file_replace() puts it in
 * the place of the old one, or link_file_keep() drops it. NJ_OK, NJ_FILE with a sentence.
 */
enum nj_error link_file_begin(struct link_file *file);
enum nj_error link_file_replace(struct link_file *file);
void link_file_keep(struct link_file *file);

#endif
