/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/surroundings.h"

#include "broker/data_folder.h"
#include "broker/entrance.h"
#include "broker/process.h"

#include <errno.h>

/* Who is not root becomes nobody else. */
static void check_user(const struct config *config, struct report *report)
{
    struct report_origin origin = config_origin(config, "user", -1);
    struct process_user user;
    int result;

    if (!process_is_root() || strcmp(config->user, "root") == 0)
        return;
    result = process_find_runner(&user, config->user);
    if (result < 0)
        report_tell(report, REPORT_ERROR, origin,
                "user %s: this machine has no such user; create it, or name another one",
                config->user);
    else if (result == 1 && origin.file)
        report_tell(report, REPORT_WARNING, origin,
                "user %s: this machine has no such user, so the server will run as nobody; create "
                "it, or name another one",
                config->user);
}

/* ---- Addresses ---- */

/* The line that says a listener's address. */
static struct report_origin place_of(const struct config *config, size_t number)
{
    struct report_origin origin = config_origin(config, "listener", (int)number);

    return origin.file ? origin : config_origin(config, "bind_address", (int)number);
}

static void check_numeric(const struct config_listener *listener, const struct address *address,
        struct report_origin origin, struct report *report)
{
    enum address_family wanted = entrance_family(listener);
    int result;

    if (wanted != ADDRESS_ANY && wanted != address_family(address)) {
        report_tell(report, REPORT_ERROR, origin,
                "%s is an address of IPv%d, and socket_domain is for the other; change one of them",
                listener->address, address_family(address) == ADDRESS_IPV6 ? 6 : 4);
        return;
    }
    result = listener_try(address, listener->protocol == CONFIG_PROTOCOL_MQTTSN);
    if (result == -EADDRNOTAVAIL || result == -EAFNOSUPPORT)
        report_tell(report, REPORT_ERROR, origin,
                "this machine does not have the address %s; name one that it has, or none to "
                "listen on all",
                listener->address);
}

static void check_name(const struct config_listener *listener, struct report_origin origin,
        struct report *report)
{
    struct address addresses[LISTENER_SOCKETS_MAX];
    int count;

    if (!address_is_name(listener->address)) {
        report_tell(report, REPORT_ERROR, origin,
                "%s is neither an address nor a host's name; write an address of this machine, or "
                "none to listen on all",
                listener->address);
        return;
    }
    if (strcmp(listener->address, "localhost") == 0)
        return;
    count = address_look_up_here(
            addresses, LISTENER_SOCKETS_MAX, listener->address, 0, entrance_family(listener));
    for (int i = 0; i < count; i++)
        check_numeric(listener, &addresses[i], origin, report);
    if (count == 0)
        report_tell(report, REPORT_WARNING, origin,
                "%s is no address, and no name that this machine knows by itself, so the server "
                "starts only where a name server knows it; an address needs none",
                listener->address);
}

static void check_listener(const struct config *config, size_t number, struct report *report)
{
    const struct config_listener *listener = &config->listeners[number];
    struct report_origin origin = place_of(config, number);
    struct address address;

    if (listener->settings.port == 0 || listener->address[0] == '\0')
        return;
    if (address_parse(&address, listener->address, 0) == 0)
        check_numeric(listener, &address, origin, report);
    else
        check_name(listener, origin, report);
}

/* ---- The folder ---- */

static void check_folder(const struct config *config, struct report *report)
{
    const char *path = config->store.location;
    struct report_origin origin = config_origin(config, "persistence_location", -1);
    int result = config->store.kept && path[0] != '\0' ? data_folder_try(path) : 0;

    if (result == -ENOTDIR)
        report_tell(report, REPORT_ERROR, origin,
                "persistence_location %s cannot be a directory, as it is a file or below one; name "
                "another one",
                path);
    else if (result < 0)
        report_tell(report, REPORT_ERROR, origin,
                "persistence_location %s: the folder that it is to lie in is not there; make that, "
                "or name another one",
                path);
}

bool surroundings_suit(const struct config *config, struct report *report)
{
    unsigned errors = report->errors;

    check_user(config, report);
    /* In local-only mode one of the two addresses is enough. */
    for (size_t i = 0; !config->local_only && i < config->listener_count; i++)
        check_listener(config, i, report);
    check_folder(config, report);
    return report->errors == errors;
}
