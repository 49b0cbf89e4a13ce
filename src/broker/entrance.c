/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/entrance.h"

#include "net/multicast.h"
#include "net/tcp.h"
#include "net/tls.h"

#include <assert.h>
#include <errno.h>

enum address_family entrance_family(const struct config_listener *listener)
{
    switch ((enum config_domain)listener->socket_domain) {
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

/* The socket of the group's family that speaks to it; -EAFNOSUPPORT: the listener has none. */
static int find_speaker(const struct entrance *entrance, const struct address *group)
{
    for (size_t i = 0; i < entrance->socket_count; i++) {
        if (address_family(&entrance->sockets[i].address) == address_family(group))
            return (int)i;
    }
    return -EAFNOSUPPORT;
}

static int open_group(struct entrance *entrance, const struct config_listener *listener,
        const struct address *group, struct listener_failure *failure)
{
    const char *interface = text_or_null(listener->sn_multicast_interface);
    int speaker = find_speaker(entrance, group);
    int result;

    *failure = (struct listener_failure){ .step = LISTENER_GROUP, .error = EAFNOSUPPORT };
    address_format(group, failure->place);
    if (speaker < 0)
        return speaker;
    if (!interface)
        interface = entrance->options.interface;
    result = multicast_open(&entrance->groups[entrance->group_count], group, interface, failure);
    if (result < 0)
        return result;
    entrance->group_sockets[entrance->group_count++] = (uint8_t)speaker;
    result = multicast_aim(entrance->sockets[speaker].fd, address_family(group), interface,
            listener->sn_multicast_hops);
    failure->error = -result;
    return result;
}

/* Returns 0, or -errno with nothing of the entrance left open. */
static int open_groups(struct entrance *entrance, const struct config_listener *listener,
        const struct journal *journal)
{
    for (size_t i = 0; i < listener->sn_multicast.count; i++) {
        struct address group = network_address(
                &listener->sn_multicast.networks[i], address_port(&entrance->sockets[0].address));
        struct listener_failure failure;
        char text[LISTENER_FAILURE_SIZE];
        int result = open_group(entrance, listener, &group, &failure);

        if (result < 0) {
            journal_tell(journal, EVENT_ERROR, "listener.failed",
                    field_text("text", listener_failure_text(&failure, text)));
            entrance_close(entrance);
            entrance->socket_count = entrance->group_count = 0;
            return result;
        }
        journal_tell(journal, EVENT_INFO, "listener.joined",
                field_text("group", address_format(&group, text)));
    }
    return 0;
}

int entrance_open(struct entrance *entrance, const struct config *config, unsigned number,
        bool shared, const struct journal *journal)
{
    const struct config_listener *listener = &config->listeners[number];
    struct listener_failure failure;
    char text[LISTENER_FAILURE_SIZE];
    int result;

    entrance->options = (struct listener_options){
        .family = entrance_family(listener),
        .interface = text_or_null(listener->interface),
        .datagrams = listener->protocol == CONFIG_PROTOCOL_MQTTSN,
        .no_delay = config->set_tcp_nodelay,
        /* A group's socket has the same port. */
        .shared = shared || listener->sn_multicast.count > 0,
    };
    entrance->hidden = false;
    entrance->number = number;
    entrance->socket_count = entrance->group_count = 0;
    choose_place(entrance, listener);
    result = listener_open(entrance->sockets, &entrance->options, &failure);
    if (result < 0) {
        journal_tell(journal, EVENT_ERROR, "listener.failed",
                field_text("text", listener_failure_text(&failure, text)));
        return result;
    }
    entrance->socket_count = (size_t)result;
    if (listener->protocol == CONFIG_PROTOCOL_WEBSOCKETS)
        websocket_prepare();
    tell_opened(entrance, journal);
    return open_groups(entrance, listener, journal);
}

bool entrance_is_missed(const struct config *config, int result)
{
    return result == -EADDRINUSE || result == -EACCES || (result < 0 && !config->local_only);
}

void entrance_close(struct entrance *entrance)
{
    for (size_t i = 0; i < entrance->socket_count; i++) {
        if (entrance->sockets[i].fd >= 0)
            listener_close(&entrance->sockets[i]);
        entrance->sockets[i].fd = -1;
    }
    for (size_t i = 0; i < entrance->group_count; i++) {
        if (entrance->groups[i].fd >= 0)
            listener_close(&entrance->groups[i]);
        entrance->groups[i].fd = -1;
    }
}

void entrance_leave(struct entrance *entrance)
{
    entrance->hidden = true;
}

void entrance_hide(struct entrance *entrance)
{
    if (entrance->socket_count > 0 && !entrance->hidden)
        listener_remove(&entrance->options);
    entrance->hidden = true;
}

size_t entrance_door_count(const struct entrance *entrance, bool first)
{
    return entrance->socket_count + (first ? entrance->group_count : 0);
}

int door_open(struct door *door, struct entrance *entrance, size_t number, bool first)
{
    bool is_group = number >= entrance->socket_count;
    size_t group = number - entrance->socket_count;
    struct listener *original = is_group ? &entrance->groups[group] : &entrance->sockets[number];

    *door = (struct door){
        .waiter = { WAITER_DOOR },
        .entrance = entrance,
        .socket = is_group ? entrance->group_sockets[group] : (uint8_t)number,
        .is_group = is_group,
    };
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

struct entrance_layers entrance_layers_of(const struct config *config, unsigned number)
{
    const struct config_listener *listener = &config->listeners[number];
    const struct network_list *trusted = &listener->trusted_proxies;

    if (trusted->count == 0)
        trusted = NULL;
    return (struct entrance_layers){
        .is_behind_proxy = listener->proxy_protocol > 0,
        .speaks_websocket = listener->protocol == CONFIG_PROTOCOL_WEBSOCKETS,
        .proxy = {
            .version = (enum proxy_version)listener->proxy_protocol,
            .require_tls = listener->proxy_requires_tls,
            .trusted = trusted,
        },
        .websocket = {
            .path = text_or_null(listener->websockets_path),
            .origins = text_or_null(listener->websockets_origins),
            .head_size_max = config->websockets_headers_size,
            .compression = listener->websockets_compression,
            .trusted = trusted,
        },
    };
}

bool entrance_is_veiled(const struct entrance_layers *layers, const struct address *peer)
{
    const struct network_list *trusted = layers->websocket.trusted;

    return layers->is_behind_proxy ||
            (layers->speaks_websocket && trusted && network_list_contains(trusted, peer));
}

int entrance_open_stream(struct stream **out, const struct listener_accepted *accepted,
        const struct entrance_layers *layers, struct tls_server *tls)
{
    struct stream *top;
    int result = tcp_open(&top, accepted->fd, &accepted->peer);

    if (result == 0 && layers->is_behind_proxy)
        result = proxy_open(&top, top, &layers->proxy);
    if (result == 0 && tls)
        result = tls_accept(&top, top, tls);
    if (result == 0 && layers->speaks_websocket)
        result = websocket_open(&top, top, &layers->websocket);
    if (result == 0)
        *out = top;
    return result;
}
