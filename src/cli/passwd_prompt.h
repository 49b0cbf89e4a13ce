/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password from whoever sits at the terminal, unseen.
 */
#ifndef CLI_PASSWD_PROMPT_H
#define CLI_PASSWD_PROMPT_H

#include <stddef.h>

enum { PASSWD_PROMPT_MAX = 1023 }; /* bytes of a password */

/**
 * Reads a line from stdin: of a terminal after the prompt and without showing it, else as it comes.
 * *out gets it with a closing NUL.
 *
 * Returns its size, or -ECANCELED when it was broken off (Ctrl-C, or the end of the input), -E2BIG
 * for more than PASSWD_PROMPT_MAX bytes, or another -errno.
 */
int passwd_prompt(const char *prompt, char out[PASSWD_PROMPT_MAX + 1]);

#endif
