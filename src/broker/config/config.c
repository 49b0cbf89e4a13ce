/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "broker/config/option.h"
#include "broker/config/parse.h"
#include "broker/config/value.h"

enum { DEFAULT_PORT = 1883 };

static const struct report_origin nowhere;

static struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof(*config));

    if (!config)
        return NULL;
    core_settings_init(&config->core);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->scope == SCOPE_GLOBAL && option->initial && option->size > 0)
            value_reset(option, (char *)config + option->offset);
    }
    return config;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->setting_count; i++)
        free(config->settings[i].value);
    for (size_t i = 0; i < config->file_count; i++)
        free(config->files[i]);
    free(config->settings);
    free(config->files);
    free(config);
}

struct report_origin config_origin(const struct config *config, const char *key, int listener)
{
    for (size_t i = 0; i < config->setting_count; i++) {
        const struct config_setting *setting = &config->settings[i];

        if (setting->listener == listener && strcmp(setting->option->name, key) == 0)
            return setting->origin;
    }
    return nowhere;
}

/* One listener of the local-only mode, with the settings that lines gave to the first one. */
static void open_local(struct parser *parser, const struct config_listener *settings,
        const char *address, uint16_t port)
{
    struct config_listener *listener = parse_open_listener(parser, nowhere);

    assert(listener); /* CONFIG_PORTS_MAX ports, two addresses each: the limit is not reached */
    if (listener > parser->config->listeners)
        memcpy(parser->listener_seen[parser->config->listener_count - 1], parser->listener_seen[0],
                sizeof(parser->listener_seen[0]));
    *listener = *settings;
    listener->origin = nowhere;
    listener->settings.port = port;
    strcpy(listener->address, address);
}

/*
 * No line says where to listen: listen on this machine only. Where lines set what belongs to a
 * listener all the same, they hold for these.
 */
static void listen_locally(struct parser *parser, const struct config_request *request)
{
    static const uint16_t default_port = DEFAULT_PORT;
    const uint16_t *ports = request->port_count > 0 ? request->ports : &default_port;
    size_t port_count = request->port_count > 0 ? request->port_count : 1;
    struct config *config = parser->config;
    struct config_listener settings;

    if (parser->default_listener < 0)
        parse_open_listener(parser, nowhere);
    settings = config->listeners[0];
    config->listener_count = 0;
    config->local_only = true;
    assert(port_count <= CONFIG_PORTS_MAX);
    for (size_t i = 0; i < port_count; i++) {
        if (settings.socket_domain != CONFIG_DOMAIN_IPV6)
            open_local(parser, &settings, "127.0.0.1", ports[i]);
        if (settings.socket_domain != CONFIG_DOMAIN_IPV4)
            open_local(parser, &settings, "::1", ports[i]);
    }
    if (parser->report->errors > 0)
        return; /* What was not read may well open one. */
    report_tell(parser->report, REPORT_NOTICE, nowhere,
            "no listener is set, so only this machine can connect, on port %u%s; to open it to "
            "others, write \"listener %u\" and \"allow_anonymous true\" as two lines to %s",
            ports[0], port_count > 1 ? " and others" : "", ports[0],
            request->file ? request->file : "a file and start with -c FILE");
}

/* Gives listeners what they do not say themselves. */
static void inherit(struct parser *parser)
{
    struct config *config = parser->config;

    for (size_t i = 0; i < option_count; i++) {
        const struct option *general = &option_table[i];
        const struct option *own =
                general->per_listener ? option_find(bytes_of_text(general->per_listener)) : NULL;

        for (size_t j = 0; own && own->size > 0 && j < config->listener_count; j++) {
            assert(own->size == general->size);
            if (!parse_seen(parser, own, (int)j))
                memcpy((char *)&config->listeners[j] + own->offset,
                        (char *)config + general->offset, own->size);
        }
    }
}

static bool is_same_place(const struct config_listener *a, const struct config_listener *b)
{
    return a->settings.port == b->settings.port && a->socket_domain == b->socket_domain &&
            strcmp(a->address, b->address) == 0 && strcmp(a->interface, b->interface) == 0;
}

/* Tells what is wrong with a key of a listener. */
static void tell_of_key(struct parser *parser, enum report_severity severity, size_t listener,
        const char *key, const char *problem)
{
    report_tell(parser->report, severity, config_origin(parser->config, key, (int)listener),
            "%s %s", key, problem);
}

/* What asks for more than clear text, where there is nothing else. */
static void check_clear_text(struct parser *parser, size_t index)
{
    const struct config_listener *listener = &parser->config->listeners[index];
    const struct config_tls *tls = &listener->tls;
    bool proxy_names = listener->proxy_protocol == 2; /* it tells the name in a certificate */
    const struct {
        const char *key;
        bool set;
    } claims[] = {
        { "cafile", tls->cafile[0] != '\0' },
        { "capath", tls->capath[0] != '\0' },
        { "crlfile", tls->crlfile[0] != '\0' },
        { "require_certificate", tls->require_certificate },
        { "use_identity_as_username", tls->use_identity_as_username && !proxy_names },
        { "use_subject_as_username", tls->use_subject_as_username },
    };

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (claims[i].set)
            tell_of_key(parser, REPORT_ERROR, index, claims[i].key,
                    "belongs to TLS, which this listener does not speak; give it a certfile and a "
                    "keyfile, or remove the key");
    }
}

static void check_tls(struct parser *parser, size_t index)
{
    struct config_listener *listener = &parser->config->listeners[index];
    const struct config_tls *tls = &listener->tls;
    bool has_certificate = tls->certfile[0] != '\0';
    bool names = tls->use_identity_as_username || tls->use_subject_as_username;

    listener->settings.user_name_proved = names;
    if (has_certificate != (tls->keyfile[0] != '\0'))
        tell_of_key(parser, REPORT_ERROR, index, has_certificate ? "certfile" : "keyfile",
                has_certificate ? "needs a keyfile too" : "needs a certfile too");
    else if (!has_certificate)
        check_clear_text(parser, index);
    if (!has_certificate)
        return;
    if (tls->require_certificate && tls->cafile[0] == '\0' && tls->capath[0] == '\0')
        tell_of_key(parser, REPORT_ERROR, index, "require_certificate",
                "needs a cafile or capath, for without one no certificate is good");
    if (!tls->require_certificate && tls->crlfile[0] != '\0')
        tell_of_key(parser, REPORT_WARNING, index, "crlfile",
                "has no effect, as no certificates are asked for; add \"require_certificate "
                "true\"");
    if (!tls->require_certificate && names)
        tell_of_key(parser, REPORT_WARNING, index,
                tls->use_identity_as_username ? "use_identity_as_username"
                                              : "use_subject_as_username",
                "lets nobody in, as no certificates are asked for; add \"require_certificate "
                "true\"");
    if (tls->use_identity_as_username && tls->use_subject_as_username)
        tell_of_key(parser, REPORT_WARNING, index, "use_subject_as_username",
                "has no effect beside use_identity_as_username; remove one of the two");
}

static void check_proxy(struct parser *parser, size_t index)
{
    const struct config_listener *listener = &parser->config->listeners[index];

    if (listener->proxy_protocol == 2 && listener->tls.certfile[0] != '\0')
        tell_of_key(parser, REPORT_ERROR, index, "certfile",
                "cannot be beside enable_proxy_protocol 2, where the proxy speaks TLS with the "
                "clients; remove one of the two");
    if (listener->proxy_protocol != 2 && listener->proxy_requires_tls)
        tell_of_key(parser, REPORT_ERROR, index, "proxy_protocol_v2_require_tls",
                "needs \"enable_proxy_protocol 2\", for nothing else tells of TLS");
}

static void check_listeners(struct parser *parser)
{
    struct config *config = parser->config;
    bool someone = false;

    for (size_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];

        listener->settings.number = (uint16_t)i;
        check_tls(parser, i);
        check_proxy(parser, i);
        someone |= listener->settings.allow_anonymous || listener->password_file[0] != '\0' ||
                listener->settings.user_name_proved;
        for (size_t j = 0; j < i; j++) {
            if (is_same_place(listener, &config->listeners[j]))
                report_tell(parser->report, REPORT_ERROR, listener->origin,
                        "listener %u is opened twice; remove one of the two",
                        listener->settings.port);
        }
    }
    if (!someone && parser->report->errors == 0)
        report_tell(parser->report, REPORT_WARNING, nowhere,
                "nobody can connect: there is no password_file; name one, or to let everyone in, "
                "add \"allow_anonymous true\"");
}

static void finish(struct parser *parser, const struct config_request *request)
{
    struct config *config = parser->config;

    if (!parser->opened)
        listen_locally(parser, request);
    else if (request->port_count > 0)
        report_tell(parser->report, REPORT_WARNING, nowhere,
                "-p %u is not used, as the configuration file opens a listener", request->ports[0]);
    if (parser->opened && parser->implicit)
        report_tell(parser->report, REPORT_WARNING, parser->implicit_origin,
                "%s stands before any listener and so opens one on port %u; if that is not meant, "
                "put it after a listener line",
                parser->implicit->name, DEFAULT_PORT);
    if (config->local_only && !parse_seen(parser, option_find(BYTES("allow_anonymous")), -1))
        config->allow_anonymous = true;
    inherit(parser);
    check_listeners(parser);
    if (request->verbose)
        config->log.types = LOG_TYPE_ALL;
    if (request->quiet)
        config->log.types = 0;
}

int config_load(struct config **out, const struct config_request *request, struct report *report)
{
    struct source system = source_system();
    struct parser *parser = calloc(1, sizeof(*parser));
    struct config *config = config_new();
    unsigned errors_before = report->errors;
    int result = -ENOMEM;

    if (!parser || !config)
        goto out;
    parser->config = config;
    parser->source = request->source ? request->source : &system;
    parser->report = report;
    parser->default_listener = -1;
    result = request->file ? parse_file(parser, request->file) : 0;
    if (result < 0)
        goto out;
    finish(parser, request);
    if (report->errors > errors_before) {
        result = -EINVAL;
        goto out;
    }
    *out = config;
    config = NULL;
out:
    config_free(config);
    free(parser);
    return result;
}
