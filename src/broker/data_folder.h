/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder for what outlives the server: which one it is, and that it is there.
 */
#ifndef BROKER_DATA_FOLDER_H
#define BROKER_DATA_FOLDER_H

#include "broker/config/store_settings.h"
#include "broker/process.h"

#define DATA_FOLDER_USUAL "/var/lib/nightjar"
#define DATA_FOLDER_HERE "./nightjar-data"
#define DATA_FOLDER_VARIABLE "MOSQUITTO_PERSISTENCE_LOCATION"

/* What the choice goes by. */
struct data_folder_wishes {
    const char *configured; /* "": nothing */
    const char *variable;   /* of the environment; NULL or "": not set */
    const char *usual;      /* where a service keeps its data */
    bool is_root;
};

/* Without the slashes at its end; what is too long is cut. */
void data_folder_trim(const char *path, char out[STORE_PATH_MAX + 1]);

/* The first that there is of: what is configured, the variable, the usual place where root starts
 * the server or that may be written, and one below the working directory. Without a slash at its
 * end; a path that is too long is cut, and will not be there. */
void data_folder_choose(const struct data_folder_wishes *wishes, char out[STORE_PATH_MAX + 1]);

/**
 * Makes the folder where it is not there, for its owner alone, and gives it to the user (NULL: it
 * stays the process's); one that is there stays as it is.
 *
 * Returns 0; -ENOENT: the folder that it is to lie in is not there; -ENOTDIR; or -errno.
 */
int data_folder_make(const char *path, const struct process_user *user);

/* Whether it is there or could be made, whoever may do so. Returns 0, -ENOENT or -ENOTDIR as
 * above. */
int data_folder_try(const char *path);

/* Whether this process may make files in it. Returns 0, or -errno. */
int data_folder_check(const char *path);

/* Whether there is something of that name in it. */
bool data_folder_has(const char *path, const char *name);

#endif
