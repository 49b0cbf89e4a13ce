/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static int read_listener(struct credentials *credentials, const struct config *config,
        size_t number, struct report *report)
{
    const struct config_listener *listener = &config->listeners[number];
    const struct config_tls *tls = &listener->tls;
    const struct tls_server_options options = {
        .certificate_file = tls->certfile,
        .key_file = tls->keyfile,
        .ca_file = text_or_null(tls->cafile),
        .ca_folder = text_or_null(tls->capath),
        .crl_file = text_or_null(tls->crlfile),
        .ciphers = text_or_null(tls->ciphers),
        .suites = text_or_null(tls->suites),
        .version_min = tls->version_min == CONFIG_TLS_1_3 ? TLS_1_3 : TLS_1_2,
        .require_certificate = tls->require_certificate,
        .ignore_dates = tls->disable_client_cert_date_checks,
        .application = listener->protocol == CONFIG_PROTOCOL_WEBSOCKETS ? "http/1.1" : "mqtt",
    };
    char failure[TLS_FAILURE_SIZE];
    int result = 0;

    if (tls->certfile[0] != '\0')
        result = tls_server_new(&credentials->listeners[number], &options, failure);
    if (result < 0)
        report_tell(report, REPORT_ERROR, config_origin(config, "certfile", (int)number), "%s",
                failure);
    return result;
}

int credentials_read(struct credentials **out, const struct config *config, struct report *report)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));
    int result = 0;

    if (!credentials)
        return -ENOMEM;
    /* One that fails does not keep the others from telling what is wrong with them. */
    for (size_t i = 0; i < config->listener_count; i++) {
        if (read_listener(credentials, config, i, report) < 0)
            result = -EINVAL;
    }
    if (result < 0)
        credentials_free(credentials);
    else
        *out = credentials;
    return result;
}

void credentials_free(struct credentials *credentials)
{
    if (!credentials)
        return;
    for (size_t i = 0; i < CONFIG_LISTENERS_MAX; i++)
        tls_server_unref(credentials->listeners[i]);
    free(credentials);
}

static void check_file(const char *path, struct report *report)
{
    if (path[0] != '\0' && access(path, R_OK) < 0)
        report_tell(report, REPORT_WARNING, (struct report_origin){ path, 0 },
                "the user that the server runs as cannot read it (%s), so a reload would fail; "
                "let that user read the file",
                strerror(errno));
}

void credentials_check_access(const struct config *config, struct report *report)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_tls *tls = &config->listeners[i].tls;
        const char *files[] = { tls->certfile, tls->keyfile, tls->cafile, tls->capath,
            tls->crlfile };

        for (size_t j = 0; j < sizeof(files) / sizeof(files[0]); j++)
            check_file(files[j], report);
    }
}
