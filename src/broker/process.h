/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process as its system sees it: its limits, its user, its place in the background, its pid
 * file. All of it is for the start, before any thread serves clients.
 */
#ifndef BROKER_PROCESS_H
#define BROKER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * Raises the number of descriptors that the process may have to what the system allows it.
 *
 * Returns 0 and the number, or -errno.
 */
int process_raise_descriptors(uint64_t *out);

struct process_user {
    const char *name; /* as asked for; borrowed */
    uid_t user;
    gid_t group;
};

/* Whether there is any privilege to drop. */
bool process_is_root(void);

/**
 * Finds a user by name. Returns 0, or -errno: -ENOENT when there is none.
 */
int process_find_user(struct process_user *out, const char *name);

/**
 * Finds whom a server that root has started is to become: that user, or where there is no
 * "mosquitto", nobody.
 *
 * Returns 0, 1 when it is nobody instead, or -errno as above.
 */
int process_find_runner(struct process_user *out, const char *name);

/* Becomes that user and its groups, for good: no program that it might be made to start gets more,
 * as sudo would; that holds for this thread and those that it starts. Returns 0, or -errno. */
int process_become(const struct process_user *user);

/**
 * Goes on in the background, without terminal, input and output.
 *
 * Returns 0 in the process that goes on, 1 in the one that is to end now, or -errno.
 */
int process_daemonise(void);

/**
 * Writes the process's number to a file and gives that to the user (NULL: leaves it); what is no
 * ordinary file keeps its owner.
 *
 * Returns 0, or -errno: -ELOOP where the path is a symbolic link, -EMLINK where the file has
 * another name, too.
 */
int process_write_pid(const char *path, const struct process_user *user);

/* Fills a buffer from the system's source of secrets. Returns 0, or -errno. */
int process_random(void *out, size_t size);

#endif
