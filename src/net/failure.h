/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why something cannot be, as one sentence for a person.
 */
#ifndef NET_FAILURE_H
#define NET_FAILURE_H

enum { FAILURE_SIZE = 640 }; /* a sentence with its NUL; a longer one is cut */

/* Writes the sentence as printf does, and returns `result`. */
int failure_tell(char failure[static FAILURE_SIZE], int result, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
