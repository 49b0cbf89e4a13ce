/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: a Unix socket by which those who may look after the server ask it something,
 * one request and one answer a line each (command.h), as often as they like.
 *
 * One thread serves it, the server's own, and calls nothing else meanwhile; so a client gets no
 * more than its turn: it is read when it has sent something, its answer is written as it takes it,
 * and one that is silent too long, or sends a line too long, is closed. Every peer's user is
 * checked (SO_PEERCRED), whatever the socket's mode is.
 */
#ifndef BROKER_ADMIN_CONTROL_H
#define BROKER_ADMIN_CONTROL_H

#include "base/event.h"
#include "broker/admin/command.h"

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    CONTROL_CLIENTS_MAX = 16,     /* at once; one more is closed at once */
    CONTROL_LINE_MAX = 128 << 10, /* bytes of a request; a topic of 64 KiB fits */
    CONTROL_SILENCE_MS = 60000,   /* that a client may take for a line, or to take an answer */
    CONTROL_WAITS_MAX = CONTROL_CLIENTS_MAX + 1,
};

struct control;

struct control_setup {
    const char *path; /* of the socket; borrowed for the call */
    /* Besides root and the user that the server runs as: who has started it. */
    uid_t starter;
    struct command_table commands;
    const struct journal *journal; /* borrowed as long as the control lives */
};

/**
 * Opens the socket, mode 0600. Who listens there already stays; a socket that nobody listens on any
 * more is replaced.
 *
 * Returns 0; or -errno: -EADDRINUSE where a server listens there.
 */
int control_open(struct control **out, const struct control_setup *setup);

/* Gives the socket's file to the user that the server is about to become. Returns 0, or -errno. */
int control_give_file(const struct control *control, uid_t user, gid_t group);

/* Where the socket is; as long as the control lives. */
const char *control_path(const struct control *control);

/* The socket is another process's from now on: control_close() leaves its file. NULL is fine. */
void control_leave(struct control *control);

/* Closes all and removes the socket's file, as far as the process may. NULL is fine. */
void control_close(struct control *control);

/* What to poll for, at most CONTROL_WAITS_MAX; returns how many. NULL: none. */
size_t control_waits(const struct control *control, struct pollfd out[]);

/* When it wants to be served next though nothing comes; INT64_MAX: not at all. NULL is fine. */
int64_t control_due_ms(const struct control *control);

/* Serves all that is ready, of what control_waits() has given and poll() has filled in. */
void control_serve(
        struct control *control, const struct pollfd waits[], size_t count, int64_t now_ms);

#endif
