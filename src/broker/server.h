/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server as a program: from its command line to its exit status.
 *
 * This thread reads the configuration, opens what needs privileges, drops them, starts a thread for
 * each shard, and then serves those who steer it: signals, the control socket, the service manager.
 */
#ifndef BROKER_SERVER_H
#define BROKER_SERVER_H

enum server_status {
    SERVER_OK = 0,
    SERVER_FAILED = 1,     /* it could not start: an address in use, no such user, no memory;
                              or the answer is no: --explain denied, --diff found differences */
    SERVER_BAD_CONFIG = 3, /* the command line or a file is wrong; stderr says where */
};

/* Runs until the server is told to stop. Returns the status to exit with. */
enum server_status server_main(int argc, char *const argv[]);

#endif
