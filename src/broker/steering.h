/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a running server is steered and watched: by signals, by the control socket, and by the
 * service manager that has started it.
 */
#ifndef BROKER_STEERING_H
#define BROKER_STEERING_H

struct server;

/*
 * Opens what needs the privileges of the start. A control socket at the usual place may be left
 * out, as another server has it or the process may not write there; one that is configured has to
 * be opened.
 *
 * Returns 0, or -errno, which is told.
 */
int steering_open(struct server *server);

/* Serves until a signal asks to stop. To be called when clients are served. */
void steering_serve(struct server *server);

/* Tells that the server stops, and closes the control socket. */
void steering_stop(struct server *server);

/* Also after a steering_open() that failed or was not called. */
void steering_close(struct server *server);

#endif
