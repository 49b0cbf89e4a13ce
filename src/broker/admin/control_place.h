/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the control socket is when nobody says it: for a server of the whole machine in /run, for
 * one of a user below XDG_RUNTIME_DIR. The server takes the first place where it can be; who looks
 * for a server tries them in the same order.
 */
#ifndef BROKER_ADMIN_CONTROL_PLACE_H
#define BROKER_ADMIN_CONTROL_PLACE_H

#include <stdbool.h>

enum {
    CONTROL_PLACES = 2,
    CONTROL_PATH_MAX = 107, /* Linux's, without the NUL */
};

/* The place of that number, from 0. False where there is none for this process. */
bool control_place(unsigned number, char out[CONTROL_PATH_MAX + 1]);

#endif
