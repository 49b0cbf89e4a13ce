/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change of a password file's text. Lines that it is not about stay as they are.
 */
#ifndef CLI_PASSWD_EDIT_H
#define CLI_PASSWD_EDIT_H

#include "broker/auth/password_hash.h"

#include <stdio.h>

enum passwd_action {
    PASSWD_SET,    /* the user has this hash; added at the end where there is no such user */
    PASSWD_REMOVE, /* the user is gone */
    PASSWD_HASH,   /* passwords in clear text become hashes; those that are stay */
};

struct passwd_edit {
    enum passwd_action action;
    struct bytes user;                 /* but for PASSWD_HASH */
    const char *hash;                  /* for PASSWD_SET */
    enum password_algorithm algorithm; /* for PASSWD_HASH, as is the next */
    uint32_t rounds;                   /* 0: the cost of today */
};

/**
 * Writes the changed text to `out`.
 *
 * Returns how many lines have changed (0: there is no such user, or nothing was in clear text), or
 * -EIO or -ENOMEM when a password could not be hashed.
 */
int passwd_edit_apply(const struct passwd_edit *edit, struct bytes text, FILE *out);

/* Why a name cannot stand in a password file; NULL: it can. */
const char *passwd_name_fault(struct bytes name);

#endif
