/* SPDX-License-Identifier: Apache-2.0 */
/* explicit_bzero() is not in POSIX. */
#define _DEFAULT_SOURCE
#include "broker/config/config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/config/option.h"
#include "broker/config/parse.h"
#include "broker/config/predefined.h"
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
    explicit_bzero(config, sizeof(*config)); /* There may be secrets in it. */
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

struct report_origin config_listener_origin(
        const struct config *config, const char *key, size_t listener)
{
    const struct option *general = option_find(bytes_of_text(key));
    struct report_origin own = config_origin(config, general->per_listener, (int)listener);

    return own.file ? own : config_origin(config, key, -1);
}

void config_check_access(const struct config *config, struct report *report)
{
    for (size_t i = 0; i < config->file_count; i++)
        source_check_access(config->files[i], report);
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
    snprintf(listener->address, sizeof(listener->address), "%s", address);
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
    /* Ports of UDP are other ports. */
    return (a->protocol == CONFIG_PROTOCOL_MQTTSN) == (b->protocol == CONFIG_PROTOCOL_MQTTSN) &&
            a->settings.port == b->settings.port && a->socket_domain == b->socket_domain &&
            strcmp(a->address, b->address) == 0 && strcmp(a->interface, b->interface) == 0;
}

/* Tells what is wrong with a key of a listener. */
static void tell_of_key(struct parser *parser, enum report_severity severity, size_t listener,
        const char *key, const char *problem)
{
    report_tell(parser->report, severity, config_origin(parser->config, key, (int)listener),
            "%s %s", key, problem);
}

/* What asks for more than the listener has: clear text only, or pre-shared keys. */
static void check_claims(struct parser *parser, size_t index)
{
    const struct config_listener *listener = &parser->config->listeners[index];
    const struct config_tls *tls = &listener->tls;
    bool keys = tls->psk_hint[0] != '\0';
    bool proxy_names = listener->proxy_protocol == 2; /* it tells the name in a certificate */
    const struct {
        const char *key;
        bool set;
    } claims[] = {
        { "cafile", tls->cafile[0] != '\0' },
        { "capath", tls->capath[0] != '\0' },
        { "crlfile", tls->crlfile[0] != '\0' },
        { "ocsp_file", tls->ocsp_file[0] != '\0' },
        { "sni_certificate", tls->named[0] != '\0' },
        { "require_certificate", tls->require_certificate },
        { "use_identity_as_username", tls->use_identity_as_username && !proxy_names && !keys },
        { "use_subject_as_username", tls->use_subject_as_username },
    };

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (claims[i].set)
            tell_of_key(parser, REPORT_ERROR, index, claims[i].key,
                    keys ? "belongs to certificates, and cannot be beside psk_hint; remove one of "
                           "the two"
                         : "belongs to TLS, which this listener does not speak; give it a "
                           "certfile and a keyfile, or remove the key");
    }
}

static void check_keys(struct parser *parser, size_t index)
{
    const struct config_listener *listener = &parser->config->listeners[index];

    if (listener->tls.certfile[0] != '\0')
        tell_of_key(parser, REPORT_ERROR, index, "psk_hint",
                "cannot be beside certfile, for a listener has certificates or pre-shared keys; "
                "remove one of the two, or open another listener");
    if (listener->psk_file[0] == '\0')
        tell_of_key(parser, REPORT_ERROR, index, "psk_hint",
                "needs a psk_file, for without keys nobody could come in");
    if (listener->proxy_protocol == 2)
        tell_of_key(parser, REPORT_ERROR, index, "psk_hint",
                "cannot be beside enable_proxy_protocol 2, where the proxy speaks TLS with the "
                "clients; remove one of the two");
}

static void check_tls(struct parser *parser, size_t index)
{
    struct config_listener *listener = &parser->config->listeners[index];
    const struct config_tls *tls = &listener->tls;
    bool has_certificate = tls->certfile[0] != '\0';
    bool names = tls->use_identity_as_username || tls->use_subject_as_username;

    listener->settings.user_name_proved = names;
    if (tls->psk_hint[0] != '\0')
        check_keys(parser, index);
    if (has_certificate != (tls->keyfile[0] != '\0'))
        tell_of_key(parser, REPORT_ERROR, index, has_certificate ? "certfile" : "keyfile",
                has_certificate ? "needs a keyfile too" : "needs a certfile too");
    else if (!has_certificate)
        check_claims(parser, index);
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
    if (listener->trusted_proxies.count > 0 && listener->proxy_protocol == 0 &&
            listener->protocol != CONFIG_PROTOCOL_WEBSOCKETS)
        tell_of_key(parser, REPORT_ERROR, index, "trusted_proxies",
                "needs enable_proxy_protocol or \"protocol websockets\", for by nothing else a "
                "proxy tells who the client is; add one of them, or remove it");
}

/* A Unix socket's peers have no address, but a proxy may tell one. */
static void check_addresses(struct parser *parser, size_t index)
{
    static const char problem[] =
            "cannot be about a Unix socket, whose clients have no address; remove it";
    const struct config_listener *listener = &parser->config->listeners[index];

    if (listener->settings.port > 0 || listener->proxy_protocol > 0)
        return;
    if (listener->allowed.count > 0)
        tell_of_key(parser, REPORT_ERROR, index, "allow_address", problem);
    if (listener->denied.count > 0)
        tell_of_key(parser, REPORT_ERROR, index, "deny_address", problem);
}

/* Mosquitto takes max_connections 0 for no limit. What no line says, as the second listener of the
 * local-only mode, has been told of with the first. */
static void warn_of_shut_door(struct parser *parser, const char *key, int listener, int64_t max)
{
    struct report_origin origin = config_origin(parser->config, key, listener);

    if (max == 0 && origin.file)
        report_tell(parser->report, REPORT_WARNING, origin,
                "%s 0 lets nobody in; write how many may come in, or -1 for no limit", key);
}

static void warn_of_shut_doors(struct parser *parser)
{
    const struct config *config = parser->config;

    warn_of_shut_door(parser, "global_max_connections", -1, config->core.global_max_connections);
    for (size_t i = 0; i < config->listener_count; i++)
        warn_of_shut_door(
                parser, "max_connections", (int)i, config->listeners[i].settings.max_connections);
    if (config->core.global_max_clients == 0)
        report_tell(parser->report, REPORT_WARNING, config_origin(config, "global_max_clients", -1),
                "global_max_clients 0 lets nobody in but by a session that was kept; write how "
                "many there may be, or -1 for no limit");
}

/* A mount point is the start of a topic. */
static void check_mount_point(struct parser *parser, size_t index)
{
    const char *mount_point = parser->config->listeners[index].settings.mount_point;

    if (strpbrk(mount_point, "+#"))
        tell_of_key(parser, REPORT_ERROR, index, "mount_point",
                "has a wildcard, and is to be the start of a topic; remove + and # from it");
    if (strncmp(mount_point, "$share/", 7) == 0)
        tell_of_key(parser, REPORT_ERROR, index, "mount_point",
                "would make every subscription a shared one; choose another name");
}

static void warn_of_unused_keys(struct parser *parser)
{
    const struct config *config = parser->config;
    bool any = false;

    for (size_t i = 0; i < config->listener_count; i++)
        any |= config->listeners[i].tls.psk_hint[0] != '\0';
    if (!any && config->psk_file[0] != '\0')
        report_tell(parser->report, REPORT_WARNING, config_origin(config, "psk_file", -1),
                "psk_file has no effect, as no listener has a psk_hint; add one to those that are "
                "to speak TLS by pre-shared keys");
}

/* MQTT-SN comes by UDP alone, and clients of 1.2 have no passwords, and names by DTLS alone. */
static void check_sensors(struct parser *parser, size_t index)
{
    const struct config_listener *listener = &parser->config->listeners[index];
    const struct {
        const char *key;
        bool set;
        const char *problem;
    } claims[] = {
        { "tls_version", listener->tls.version_min == CONFIG_TLS_1_3,
                "cannot be tlsv1.3 beside \"protocol mqttsn\", for DTLS has no such version here; "
                "remove it" },
        { "enable_proxy_protocol", listener->proxy_protocol != 0,
                "cannot be beside \"protocol mqttsn\", for no such proxy speaks UDP; remove it" },
        { "use_username_as_clientid",
                listener->settings.use_username_as_clientid &&
                        !listener->settings.user_name_proved && !listener->sn_draft,
                "cannot be beside \"protocol mqttsn\" without use_identity_as_username, for its "
                "clients have no user names; add that and DTLS, or remove it" },
        { "protocol", listener->settings.port == 0,
                "mqttsn needs a port, and cannot be a Unix socket's; give the listener one" },
        { "accept_protocol_versions", !(listener->settings.protocol_versions >> 5 & 1),
                "needs 5 beside \"protocol mqttsn\", for by that its clients are served; add it, "
                "or remove the line" },
    };

    if (listener->protocol != CONFIG_PROTOCOL_MQTTSN) {
        if (listener->sn_draft)
            tell_of_key(parser, REPORT_ERROR, index, "sn_draft_2_0",
                    "is for listeners of MQTT-SN; add \"protocol mqttsn\", or remove it");
        return;
    }
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (claims[i].set)
            tell_of_key(parser, REPORT_ERROR, index, claims[i].key, claims[i].problem);
    }
    if (!listener->settings.allow_anonymous && !listener->settings.user_name_proved &&
            !listener->sn_draft && parser->config->http.url[0] == '\0')
        report_tell(parser->report, REPORT_WARNING, listener->origin,
                "no device can connect to listener %u, for MQTT-SN has no user names; add "
                "\"listener_allow_anonymous true\" below this line, or DTLS with "
                "use_identity_as_username",
                listener->settings.port);
}

/* At most one group of either family. */
static bool are_groups(const struct network_list *groups)
{
    const struct network *first = &groups->networks[0];
    const struct network *second = &groups->networks[1];

    return groups->count <= 2 && network_is_group(first) &&
            (groups->count < 2 || (network_is_group(second) && second->family != first->family));
}

static void check_multicast(struct parser *parser, size_t index)
{
    const struct config_listener *listener = &parser->config->listeners[index];

    if (listener->sn_multicast.count == 0)
        return;
    if (listener->protocol != CONFIG_PROTOCOL_MQTTSN)
        tell_of_key(parser, REPORT_ERROR, index, "sn_multicast",
                "is for listeners of MQTT-SN; add \"protocol mqttsn\", or remove it");
    else if (!are_groups(&listener->sn_multicast))
        tell_of_key(parser, REPORT_ERROR, index, "sn_multicast",
                "takes the address of one group of IPv4, of one of IPv6, or both, as "
                "\"239.192.18.84 ff02::1884\"; correct it");
}

static void check_predefined(struct parser *parser)
{
    struct config *config = parser->config;
    struct bytes rest = bytes_of_text(config->sn.predefined);
    enum predefined_result result = PREDEFINED_LINE;
    struct predefined_line line;

    while (result == PREDEFINED_LINE)
        result = predefined_next(&rest, &line);
    if (result == PREDEFINED_WRONG)
        report_tell(parser->report, REPORT_ERROR, config_origin(config, "sn_predefined", -1),
                "sn_predefined needs an id from 1 to 65534, a topic without wildcards and blanks, "
                "and maybe a client id, as \"7 plant/temperature sensor-1\"; correct this line or "
                "one before it");
    else if (predefined_repeats(bytes_of_text(config->sn.predefined), &line))
        report_tell(parser->report, REPORT_ERROR, config_origin(config, "sn_predefined", -1),
                "sn_predefined gives the id %u twice, to the same devices; remove one of these "
                "lines, or name a client in it",
                line.id);
}

/* A token in the user name's place is a secret, and no name. */
static void check_token_place(struct parser *parser, size_t index)
{
    const struct config_jwt *jwt = &parser->config->jwt;
    struct listener_settings *settings = &parser->config->listeners[index].settings;

    settings->user_name_hidden = jwt->file[0] != '\0' && jwt->from == CONFIG_JWT_FROM_USER_NAME &&
            !settings->user_name_proved;
    if (settings->user_name_hidden && settings->use_username_as_clientid)
        tell_of_key(parser, REPORT_ERROR, index, "use_username_as_clientid",
                "cannot be beside \"auth_jwt_from username\", for a token would be the client id; "
                "remove one of the two");
}

static void check_listeners(struct parser *parser)
{
    struct config *config = parser->config;
    bool someone = config->jwt.file[0] != '\0' || config->http.url[0] != '\0';
    bool sensors_alone = true; /* of them check_sensors() has told */

    for (size_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];

        listener->settings.number = (uint16_t)i;
        check_tls(parser, i);
        check_proxy(parser, i);
        check_addresses(parser, i);
        check_mount_point(parser, i);
        check_token_place(parser, i);
        check_sensors(parser, i);
        check_multicast(parser, i);
        sensors_alone &= listener->protocol == CONFIG_PROTOCOL_MQTTSN;
        someone |= listener->settings.allow_anonymous || listener->password_file[0] != '\0' ||
                listener->settings.user_name_proved;
        for (size_t j = 0; j < i; j++) {
            if (is_same_place(listener, &config->listeners[j]))
                report_tell(parser->report, REPORT_ERROR, listener->origin,
                        "listener %u is opened twice; remove one of the two",
                        listener->settings.port);
        }
    }
    warn_of_unused_keys(parser);
    warn_of_shut_doors(parser);
    check_predefined(parser);
    if (!someone && !sensors_alone && parser->report->errors == 0)
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
