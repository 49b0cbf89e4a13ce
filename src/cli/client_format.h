/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a message is printed: the format of -F, as mosquitto_sub has it.
 *
 * "%" begins a field of the message, with an optional "-" (to the left), "0" (filled with zeros),
 * width, "." and greatest width, and, of "%x" and "%X", a character that parts the bytes; "@"
 * begins a part of the time as strftime() knows it, and "@N" nanoseconds; "\" begins one of
 * \\ \0 \a \e \n \r \t \v. nightjar-sub(1) lists the fields.
 *
 * Of %p, %x and %X the width is the greatest as well, and of %x and %X at most half as many bytes
 * are shown as the payload has: so mosquitto_sub does it, and scripts cut its columns.
 */
#ifndef CLI_CLIENT_FORMAT_H
#define CLI_CLIENT_FORMAT_H

#include "cli/client_message.h"

#include <stdio.h>

enum { CLIENT_FORMAT_WIDTH_MAX = 65535 }; /* of a field; a larger number counts as this one */

enum client_format_fault {
    CLIENT_FORMAT_GOOD,
    CLIENT_FORMAT_INCOMPLETE,
    CLIENT_FORMAT_INVALID,
    CLIENT_FORMAT_ESCAPE_INCOMPLETE,
    CLIENT_FORMAT_ESCAPE_INVALID,
};

/* Whether it is one; *letter becomes the character that is not known, where one is not. */
enum client_format_fault client_format_check(const char *format, char *letter);

/**
 * Prints the message to `out`, without a line's end. `format` has passed the check.
 *
 * Returns false when it has %J and the payload is no JSON; the rest is printed then.
 */
bool client_format_print(
        FILE *out, const char *format, const struct client_message *message, bool pretty);

#endif
