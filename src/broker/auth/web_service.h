/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web service that auth_http names, as the configuration describes it. Counted, for questions
 * may be under way when a reload puts another one in its place.
 */
#ifndef BROKER_AUTH_WEB_SERVICE_H
#define BROKER_AUTH_WEB_SERVICE_H

#include "broker/auth/identity.h"
#include "broker/config/config.h"

#include <stdatomic.h>

/* Never changes once read but for the count; any thread may read it. */
struct web_service {
    atomic_uint holders;
    struct config_http wanted;
    struct bytes
            authorities; /* who may sign its certificate, as PEM; empty: whom the system trusts */
    struct proof proof;  /* of whom it has let in: another URL makes it another one */
};

/**
 * Reads what auth_http, which is not "", needs. It borrows nothing. `origin` is of that line, for
 * what is wrong with it.
 *
 * Returns 0 and a service with one holder, for web_service_unref(); or with *out untouched -EINVAL
 * when an error was told, -ENOMEM.
 */
int web_service_read(struct web_service **out, const struct config_http *wanted,
        struct report_origin origin, const struct source *source, struct report *report);

/* One holder more. */
struct web_service *web_service_ref(struct web_service *service);

/* One holder less; the last one frees it, its secrets wiped. NULL is fine. */
void web_service_unref(struct web_service *service);

#endif
