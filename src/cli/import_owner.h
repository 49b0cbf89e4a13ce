/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To whom a new data directory is to belong, so that the server can write there: whom that becomes
 * when root starts it.
 */
#ifndef CLI_IMPORT_OWNER_H
#define CLI_IMPORT_OWNER_H

#include "broker/config/config.h"

#include <sys/types.h>

struct import_owner {
    char name[CONFIG_USER_MAX + 1]; /* "": what is made stays the caller's, who is not root */
    uid_t user;
    gid_t group;
    bool is_configured;                /* a file says so; else it is the user by default */
    char location[STORE_PATH_MAX + 1]; /* the data directory that the file names; "": none */
};

/**
 * Reads a configuration (NULL: the defaults). Only root can give files away, so there is a name for
 * root alone. Says on stderr what is wrong with it.
 *
 * Returns whether it could be read, and names a user that there is.
 */
bool import_owner_find(struct import_owner *out, const char *config_file);

#endif
