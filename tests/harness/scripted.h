/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream in memory: it gives the bytes that a test has written down, in pieces of a chosen size,
 * and keeps what is written to it, as far as it is said to take any. It fails when what it has not
 * taken does not come again as it was.
 */
#ifndef TESTS_HARNESS_SCRIPTED_H
#define TESTS_HARNESS_SCRIPTED_H

#include "net/stream.h"

#include <stdbool.h>

struct scripted {
    struct stream stream;
    struct bytes input; /* not read yet; when it is empty, reads give -EAGAIN */
    size_t read_max;    /* bytes that one read gives; 0: any */
    bool ended;         /* behind the input lies the end */
    size_t room;        /* bytes that it still takes; then writes give -EAGAIN */
    int write_error;    /* what writes give instead, where it is not 0 */
    struct stream_peer peer;
    bool shut;   /* stream_shutdown() was called */
    bool closed; /* stream_close() was called */
    enum stream_end how;

    uint8_t *output;
    size_t output_size;
    size_t output_taken;
    uint8_t *refused; /* what was offered last and not taken */
    size_t refused_size;
};

/* The input is borrowed. It takes all that is written, until `room` says otherwise. */
void scripted_init(struct scripted *scripted, struct bytes input);

/* After the stream was closed. */
void scripted_deinit(struct scripted *scripted);

/* What was written since this function was called last. Good until the next write. */
struct bytes scripted_take_output(struct scripted *scripted);

#endif
