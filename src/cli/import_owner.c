/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_owner.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A warning is the server's to tell when it starts. */
static void tell(void *context, enum report_severity severity, const char *text)
{
    (void)context;
    if (severity == REPORT_ERROR)
        fprintf(stderr, "nightjar import: %s\n", text);
}

/* As the server does: one who is not there by default is replaced by nobody. */
static const struct passwd *find_user(const struct config *config, bool is_configured)
{
    const struct passwd *found = getpwnam(config->user);

    if (!found && !is_configured)
        found = getpwnam("nobody");
    if (!found)
        fprintf(stderr, "nightjar import: there is no user %s, whom the configuration names\n",
                config->user);
    return found;
}

static bool take(struct import_owner *out, const struct config *config)
{
    const struct passwd *found;

    memcpy(out->location, config->store.location, sizeof(out->location));
    out->is_configured = config_origin(config, "user", -1).file != NULL;
    if (geteuid() != 0)
        return true;
    found = find_user(config, out->is_configured);
    if (!found)
        return false;
    snprintf(out->name, sizeof(out->name), "%s", found->pw_name);
    out->user = found->pw_uid;
    out->group = found->pw_gid;
    return true;
}

bool import_owner_find(struct import_owner *out, const char *config_file)
{
    struct config_request request = { .file = config_file };
    struct report report = { .tell = tell };
    struct config *config;
    bool good;

    *out = (struct import_owner){ .user = 0 };
    if (config_load(&config, &request, &report) < 0) {
        if (report.errors == 0)
            fprintf(stderr, "nightjar import: there is no memory\n");
        return false;
    }
    good = take(out, config);
    config_free(config);
    return good;
}
