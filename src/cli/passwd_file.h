/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password file on disk: read, and replaced as a whole, so that a reader sees the old text or the
 * new one, and a crash leaves one of them.
 */
#ifndef CLI_PASSWD_FILE_H
#define CLI_PASSWD_FILE_H

#include "base/bytes.h"

#include <sys/stat.h>

enum { PASSWD_FILE_BYTES_MAX = 16 << 20 }; /* what the server reads */

struct passwd_file {
    char *path;         /* with symbolic links followed: what they name is replaced, not they */
    int fd;             /* locked against others of this command; -1: the file is new */
    struct stat status; /* of an old file */
    char *text;
    size_t size;
};

/**
 * Opens a file to be changed and reads it; waits while another one changes it. Where `create` is
 * set the file need not be there, and its text is not looked at.
 *
 * Returns 0, or -errno with nothing to close.
 */
int passwd_file_open(struct passwd_file *out, const char *path, bool create);

/**
 * Puts a new text in the place of the old. The file keeps its owner and loses what rights others
 * had; a new one is its owner's alone.
 *
 * Returns 0, or -errno with the file as it was.
 */
int passwd_file_replace(const struct passwd_file *file, struct bytes text);

void passwd_file_close(struct passwd_file *file);

#endif
