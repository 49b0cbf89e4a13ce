/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/notation.h"

#include <stdio.h>
#include <stdlib.h>

struct notation notation_read(const char *text)
{
    static const struct notation_scope scope;
    struct notation notation;
    struct writer out = { .data = notation.data, .size = sizeof(notation.data) };
    const char *rest = text;

    if (notation_write(&out, &rest, &scope) || out.failed || *rest) {
        fprintf(stderr, "not in the notation, or too long: %s\n", text);
        abort();
    }
    notation.size = out.used;
    return notation;
}
