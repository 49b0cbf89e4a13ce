/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_field.h"

#include "cli/decode_packet.h"

#include <inttypes.h>

enum { NAME_WIDTH = 22 };

void decode_field_number(FILE *out, const char *name, int64_t number)
{
    fprintf(out, "  %-*s %" PRId64 "\n", NAME_WIDTH, name, number);
}

void decode_field_flag(FILE *out, const char *name, bool flag)
{
    fprintf(out, "  %-*s %s\n", NAME_WIDTH, name, flag ? "yes" : "no");
}

void decode_field_bytes(FILE *out, const char *name, struct bytes bytes)
{
    fprintf(out, "  %-*s ", NAME_WIDTH, name);
    decode_print_bytes(out, bytes);
    fputc('\n', out);
}
