/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of datagrams in words, one line each: two blanks, the name, and the value.
 */
#ifndef CLI_DECODE_FIELD_H
#define CLI_DECODE_FIELD_H

#include "base/bytes.h"

#include <stdio.h>

void decode_field_number(FILE *out, const char *name, int64_t number);

/* "yes" or "no". */
void decode_field_flag(FILE *out, const char *name, bool flag);

/* As decode_print_bytes() shows them. */
void decode_field_bytes(FILE *out, const char *name, struct bytes bytes);

#endif
