/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running server can be asked (admin/command.h): its state, its clients, what its rules say,
 * and to take over its files again. Commands run on the server's own thread.
 */
#ifndef BROKER_COMMANDS_H
#define BROKER_COMMANDS_H

#include "broker/admin/command.h"

struct server;

/* The table for this server, which must stay where it is. */
struct command_table commands_of(struct server *server);

#endif
