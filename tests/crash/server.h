/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server under test as a process that is started, killed and started again, with its data in a
 * folder of its own and one listener on a Unix socket.
 */
#ifndef TESTS_CRASH_SERVER_H
#define TESTS_CRASH_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

enum { SERVER_PATH_MAX = 100 };

struct server {
    char folder
            [SERVER_PATH_MAX]; /* made below the working directory: on a disk, as /tmp may not be */
    char socket_folder[SERVER_PATH_MAX]; /* a socket's path must be short */
    char socket[SERVER_PATH_MAX + 16];
    const char *program; /* NIGHTJAR in the environment; its name tells Mosquitto from ours */
    const char *lines;   /* of the configuration, besides those that each has */
    pid_t process;       /* 0: none */
};

/* Makes the folder. `lines` is borrowed. */
void server_init(struct server *server, const char *lines);

/* Starts it with so many threads, where it is ours; clients find out when it listens. */
void server_start(struct server *server, unsigned threads);

/* Ends it as a crash does, and waits until it is gone. */
void server_kill(struct server *server);

/* Asks for a clean end, and waits; false: it ended in another way. */
bool server_stop(struct server *server);

/* True when it has ended by itself; *status is of waitpid(). */
bool server_ended(struct server *server, int *status);

/* Bytes of the files in its folder's folder for data; those that hold nothing are not counted. */
unsigned long long server_data_bytes(const struct server *server);

/* Prints the end of its log, for a person who looks for what went wrong. */
void server_print_log(const struct server *server);

/* Kills what runs, and removes the folder. */
void server_deinit(struct server *server);

#endif
