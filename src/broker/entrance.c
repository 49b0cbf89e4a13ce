/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/entrance.h"

#include "net/tcp.h"
#include "net/tls.h"

#include <assert.h>
#include <errno.h>

static enum address_family family_of(enum config_domain domain)
{
    switch (domain) {
    case CONFIG_DOMAIN_IPV4:
        return ADDRESS_IPV4;
    case CONFIG_DOMAIN_IPV6:
        return ADDRESS_IPV6;
    case CONFIG_DOMAIN_ANY:
        break;
    }
    return ADDRESS_ANY;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void tell_opened(const struct entrance *entrance, const struct journal *journal)
{
    for (size_t i = 0; i < entrance->socket_count; i++) {
        const struct address *address = &entrance->sockets[i].address;
        char text[ADDRESS_TEXT_SIZE];

        if (entrance->options.path) {
            journal_tell(journal, EVENT_INFO, "listener.opened", field_text("family", "unix"),
                    field_text("path", entrance->options.path));
            continue;
        }
        journal_tell(journal, EVENT_INFO, "listener.opened",
                field_text("address", address_format(address, text)),
                field_text("family", address_family(address) == ADDRESS_IPV6 ? "ipv6" : "ipv4"),
                field_number("port", address_port(address)));
    }
}

/* Copies a text of the configuration, which a reload replaces. NULL for an empty one. */
static const char *keep_text(char *out, size_t size, const char *text)
{
    assert(strlen(text) < size);
    memcpy(out, text, strlen(text) + 1);
    return text_or_null(out);
}

static void choose_place(struct entrance *entrance, const struct config_listener *listener)
{
    struct listener_options *options = &entrance->options;

    options->port = listener->settings.port;
    if (options->port == 0)
        options->path = keep_text(entrance->path, sizeof(entrance->path), listener->address);
    else
        options->host = text_or_null(listener->address);
}

static void choose_layers(struct entrance *entrance, const struct config *config)
{
    const struct config_listener *listener = &config->listeners[entrance->number];

    entrance->is_behind_proxy = listener->proxy_protocol > 0;
    entrance->proxy = (struct proxy_options){
        .version = (enum proxy_version)listener->proxy_protocol,
        .require_tls = listener->proxy_requires_tls,
    };
    entrance->speaks_websocket = listener->protocol == CONFIG_PROTOCOL_WEBSOCKETS;
    entrance->websocket = (struct websocket_options){
        .path = keep_text(
                entrance->web_path, sizeof(entrance->web_path), listener->websockets_path),
        .origins = keep_text(
                entrance->origins, sizeof(entrance->origins), listener->websockets_origins),
        .head_size_max = config->websockets_headers_size,
    };
}

int entrance_open(struct entrance *entrance, const struct config *config, unsigned number,
        bool shared, const struct journal *journal)
{
    const struct config_listener *listener = &config->listeners[number];
    struct listener_failure failure;
    char text[LISTENER_FAILURE_SIZE];
    int result;

    *entrance = (struct entrance){
        .options = {
            .family = family_of(listener->socket_domain),
            .interface = text_or_null(listener->interface),
            .no_delay = config->set_tcp_nodelay,
            .shared = shared,
        },
        .number = number,
    };
    choose_place(entrance, listener);
    choose_layers(entrance, config);
    result = listener_open(entrance->sockets, &entrance->options, &failure);
    if (result < 0) {
        journal_tell(journal, EVENT_ERROR, "listener.failed",
                field_text("text", listener_failure_text(&failure, text)));
        return result;
    }
    entrance->socket_count = (size_t)result;
    tell_opened(entrance, journal);
    return 0;
}

void entrance_close(struct entrance *entrance)
{
    for (size_t i = 0; i < entrance->socket_count; i++) {
        if (entrance->sockets[i].fd >= 0)
            listener_close(&entrance->sockets[i]);
        entrance->sockets[i].fd = -1;
    }
}

void entrance_hide(struct entrance *entrance)
{
    if (entrance->socket_count > 0 && !entrance->hidden)
        listener_remove(&entrance->options);
    entrance->hidden = true;
}

int door_open(struct door *door, struct entrance *entrance, size_t socket, bool first)
{
    struct listener *original = &entrance->sockets[socket];

    *door = (struct door){ .waiter = { WAITER_DOOR }, .entrance = entrance };
    if (!first)
        return listener_share(&door->listener, original, &entrance->options);
    door->listener = *original;
    original->fd = -1;
    return 0;
}

void door_close(struct door *door)
{
    listener_close(&door->listener);
}

int entrance_open_stream(struct stream **out, struct entrance *entrance,
        const struct listener_accepted *accepted, struct tls_server *tls)
{
    struct stream *top;
    int result = tcp_open(&top, accepted->fd, &accepted->peer);

    if (result == 0 && entrance->is_behind_proxy)
        result = proxy_open(&top, top, &entrance->proxy);
    if (result == 0 && tls)
        result = tls_accept(&top, top, tls);
    if (result == 0 && entrance->speaks_websocket)
        result = websocket_open(&top, top, &entrance->websocket);
    if (result == 0)
        *out = top;
    return result;
}
