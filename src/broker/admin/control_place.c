/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/control_place.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static const char name[] = "nightjar/control.sock";

bool control_place(unsigned number, char out[CONTROL_PATH_MAX + 1])
{
    const char *folder = number == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
    int size;

    if (!folder || folder[0] != '/')
        return false;
    size = snprintf(out, CONTROL_PATH_MAX + 1, "%s/%s", folder, name);
    return size <= CONTROL_PATH_MAX;
}
