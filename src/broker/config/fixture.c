/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/fixture.h"

#include <errno.h>
#include <stdlib.h>

static int fixture_read(void *context, const char *path, struct bytes *out)
{
    const struct fixture *fixture = context;

    for (size_t i = 0; i < fixture->file_count; i++) {
        const struct fixture_file *file = &fixture->files[i];
        uint8_t *copy;

        if (strcmp(file->path, path) != 0)
            continue;
        copy = malloc(file->text.size + 1);
        if (!copy)
            return -ENOMEM;
        if (file->text.size > 0)
            memcpy(copy, file->text.data, file->text.size);
        *out = bytes_of(copy, file->text.size);
        return 0;
    }
    return -ENOENT;
}

/* The files whose paths start with the directory, the newest first: sorting is the reader's. */
static int fixture_list(void *context, const char *directory, struct source_names *out)
{
    const struct fixture *fixture = context;
    struct source_names names = { calloc(FIXTURE_FILES_MAX, sizeof(char *)), 0 };

    if (!names.paths)
        return -ENOMEM;
    for (size_t i = fixture->file_count; i-- > 0;) {
        const char *path = fixture->files[i].path;

        if (strncmp(path, directory, strlen(directory)) != 0 || path[strlen(directory)] != '/')
            continue;
        names.paths[names.count] = strdup(path);
        if (!names.paths[names.count++]) {
            source_names_free(&names);
            return -ENOMEM;
        }
    }
    if (names.count == 0) {
        source_names_free(&names);
        return -ENOENT;
    }
    *out = names;
    return 0;
}

static const char *fixture_variable(void *context, const char *name)
{
    const struct fixture *fixture = context;

    for (size_t i = 0; i < fixture->variable_count; i++) {
        if (strcmp(fixture->variables[i].path, name) == 0)
            return (const char *)fixture->variables[i].text.data;
    }
    return NULL;
}

static void fixture_tell(void *context, enum report_severity severity, const char *text)
{
    static const char *const severities[] = { "error", "warning", "notice" };
    struct fixture *fixture = context;
    size_t used = strlen(fixture->told);

    snprintf(fixture->told + used, sizeof(fixture->told) - used, "%s: %s\n", severities[severity],
            text);
}

void fixture_add(struct fixture *fixture, const char *path, const char *text)
{
    fixture->files[fixture->file_count++] = (struct fixture_file){ path, bytes_of_text(text) };
}

void fixture_set(struct fixture *fixture, const char *name, const char *text)
{
    fixture->variables[fixture->variable_count++] =
            (struct fixture_file){ name, bytes_of_text(text) };
}

static int load(struct fixture *fixture, const char *file)
{
    struct source source = { fixture_read, fixture_list, fixture_variable, fixture };
    int result;

    fixture->request.file = file;
    fixture->request.source = &source;
    fixture->report.tell = fixture_tell;
    fixture->report.context = fixture;
    result = config_load(&fixture->config, &fixture->request, &fixture->report);
    fixture->request.source = NULL;
    return result;
}

int fixture_load_bytes(struct fixture *fixture, struct bytes text)
{
    fixture->files[fixture->file_count++] = (struct fixture_file){ "conf", text };
    return load(fixture, "conf");
}

int fixture_load(struct fixture *fixture, const char *text)
{
    return text ? fixture_load_bytes(fixture, bytes_of_text(text)) : load(fixture, NULL);
}

bool fixture_told(const struct fixture *fixture, const char *text)
{
    return strstr(fixture->told, text) != NULL;
}

void fixture_end(struct fixture *fixture)
{
    config_free(fixture->config);
    memset(fixture, 0, sizeof(*fixture));
}
