/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/fixture.h"

#include <assert.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int read_text(void *context, const char *path, struct bytes *out)
{
    struct fixture *fixture = context;

    fixture->reads++;
    for (size_t i = 0; i < fixture->count; i++) {
        size_t size = strlen(fixture->texts[i]);
        uint8_t *copy;

        if (strcmp(fixture->paths[i], path) != 0)
            continue;
        copy = malloc(size + 1);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, fixture->texts[i], size);
        *out = bytes_of(copy, size);
        return 0;
    }
    return -ENOENT;
}

static void tell(void *context, enum report_severity severity, const char *text)
{
    static const char *const names[] = { "error", "warning", "notice" };
    struct fixture *fixture = context;
    size_t used = strlen(fixture->told);

    snprintf(fixture->told + used, sizeof(fixture->told) - used, "%s: %s\n", names[severity], text);
}

void fixture_start(struct fixture *fixture)
{
    *fixture = (struct fixture){ .source = { .read = read_text, .context = fixture },
        .report = { .tell = tell, .context = fixture } };
}

void fixture_add(struct fixture *fixture, const char *path, const char *text)
{
    assert(fixture->count < FIXTURE_FILES_MAX);
    fixture->paths[fixture->count] = path;
    fixture->texts[fixture->count++] = text;
}

bool fixture_told(const struct fixture *fixture, const char *text)
{
    return strstr(fixture->told, text) != NULL;
}
