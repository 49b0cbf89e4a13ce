/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include "net/multicast.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG_DEFAULT = 1024,
    PORT_TRIES = 16,  /* for a free port that is free on every address */
    PATH_MODE = 0770, /* of a Unix socket, as Mosquitto's */
};

static int switch_on(int fd, int level, int option)
{
    static const int on = 1;

    return setsockopt(fd, level, option, &on, sizeof(on)) == 0 ? 0 : -errno;
}

/* What must be said before bind. */
static int prepare(
        int fd, const struct address *address, const struct listener_options *options, bool shared)
{
    int result = 0;

    /* With it several UDP sockets could have one port without anybody's knowing. */
    if (!options->datagrams)
        result = switch_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (result == 0 && shared)
        result = switch_on(fd, SOL_SOCKET, SO_REUSEPORT);
    if (result == 0 && options->no_delay &&
            !options->datagrams) /* accepted connections inherit it */
        result = switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    if (result == 0 && address_family(address) == ADDRESS_IPV6) /* IPv4 has a socket of its own */
        result = switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (result == 0 && options->datagrams)
        result = multicast_hear_own(fd, address_family(address));
    return result;
}

static int bind_interface(int fd, const char *interface)
{
    socklen_t size;

    if (!interface)
        return 0;
    size = (socklen_t)strlen(interface);
    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, size) == 0 ? 0 : -errno;
}

static int start_listening(int fd, const struct listener_options *options)
{
    if (options->datagrams)
        return 0;
    return listen(fd, options->backlog > 0 ? options->backlog : BACKLOG_DEFAULT) == 0 ? 0 : -errno;
}

static int bind_address(int fd, struct address *address)
{
    struct address bound = { 0 };
    socklen_t size = sizeof(bound.socket);

    if (bind(fd, &address->socket.any, address_size(address)) < 0 ||
            getsockname(fd, &bound.socket.any, &size) < 0)
        return -errno;
    *address = bound;
    return 0;
}

/* Opens one socket, which does not listen yet; `step` tells how far it came. */
static int open_one(struct listener *out, const struct address *address,
        const struct listener_options *options, bool shared, enum listener_step *step)
{
    struct listener listener = { .address = *address };
    int type = (options->datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int result;

    *step = LISTENER_LISTEN;
    listener.fd = socket(address->socket.any.sa_family, type, 0);
    if (listener.fd < 0)
        return -errno;
    result = prepare(listener.fd, address, options, shared);
    if (result < 0)
        goto out;
    *step = LISTENER_INTERFACE;
    result = bind_interface(listener.fd, options->interface);
    if (result < 0)
        goto out;
    *step = LISTENER_LISTEN;
    result = bind_address(listener.fd, &listener.address);
out:
    if (result < 0)
        close(listener.fd);
    else
        *out = listener;
    return result;
}

static int open_and_listen(struct listener *out, const struct address *address,
        const struct listener_options *options, bool shared, enum listener_step *step)
{
    struct listener listener = { .fd = -1 };
    int result = open_one(&listener, address, options, shared, step);

    if (result < 0)
        return result;
    result = start_listening(listener.fd, options);
    if (result < 0)
        listener_close(&listener);
    else
        *out = listener;
    return result;
}

/*
 * A port that others may share would be opened in silence where another server, or this one
 * started twice, has it already. So a socket that does not share is bound first, which fails then.
 * It never listens: who connects at that moment is not to be cut off when it is closed.
 */
static int open_first(struct listener *out, const struct address *address,
        const struct listener_options *options, enum listener_step *step)
{
    struct listener probe = { .fd = -1 };
    int result;

    if (!options->shared)
        return open_and_listen(out, address, options, false, step);
    result = open_one(&probe, address, options, false, step);
    if (result < 0)
        return result;
    listener_close(&probe);
    return open_and_listen(out, &probe.address, options, true, step);
}

static void close_all(struct listener listeners[], int count)
{
    for (int i = 0; i < count; i++)
        listener_close(&listeners[i]);
}

static void note_failure(struct listener_failure *failure, enum listener_step step, int result,
        const struct address *address, const char *interface)
{
    *failure = (struct listener_failure){ .step = step, .error = -result };
    address_format(address, failure->place);
    if (interface)
        snprintf(failure->interface, sizeof(failure->interface), "%s", interface);
}

/* Opens them all, or none; with port 0 all get the port that the first one got. */
static int open_all(struct listener out[], struct address addresses[], int count,
        const struct listener_options *options, struct listener_failure *failure)
{
    uint16_t port = options->port;
    int opened = 0;

    for (int i = 0; i < count; i++) {
        enum listener_step step;
        int result;

        address_set_port(&addresses[i], port);
        result = open_first(&out[opened], &addresses[i], options, &step);
        if (result < 0)
            note_failure(failure, step, result, &addresses[i], options->interface);
        /* "Every interface" means every family that this machine has. */
        if (!options->host && (opened > 0 || i + 1 < count) &&
                (result == -EAFNOSUPPORT || result == -EADDRNOTAVAIL))
            continue;
        if (result < 0) {
            close_all(out, opened);
            return result;
        }
        port = address_port(&out[opened++].address);
    }
    return opened;
}

int listener_try(const struct address *address, bool datagrams)
{
    struct listener_options options = { .datagrams = datagrams };
    struct address any_port = *address;
    struct listener listener;
    enum listener_step step;
    int result;

    address_set_port(&any_port, 0);
    result = open_one(&listener, &any_port, &options, false, &step);
    if (result == 0)
        listener_close(&listener);
    return result;
}

/* ---- Unix sockets ---- */

static_assert(LISTENER_PATH_MAX == sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
        "a path that we take has room");

/* Whether someone listens there, or may do so: that a connect has to wait is no answer. */
static bool is_listened_on(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
            errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return !refused;
}

/* Makes room for a socket at the path. Returns 0 or -errno. */
static int clear_path(const struct sockaddr_un *address)
{
    struct stat status;

    if (lstat(address->sun_path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    if (is_listened_on(address))
        return -EADDRINUSE;
    return unlink(address->sun_path) == 0 ? 0 : -errno;
}

/*
 * The file is made with the descriptor's mode less the process's mask, so that it is never open to
 * more than it is to be; then it gets what the mask took.
 */
static int bind_path(
        int fd, const struct sockaddr_un *address, const struct listener_options *options)
{
    mode_t mode = options->mode != 0 ? options->mode : PATH_MODE;
    int backlog = options->backlog > 0 ? options->backlog : BACKLOG_DEFAULT;

    if (fchmod(fd, mode) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return -errno;
    /* No link is followed, which someone may have put there meanwhile. */
    if (fchmodat(AT_FDCWD, address->sun_path, mode, AT_SYMLINK_NOFOLLOW) < 0 ||
            listen(fd, backlog) < 0) {
        int result = -errno;

        unlink(address->sun_path);
        return result;
    }
    return 0;
}

static int open_path(struct listener *out, const struct listener_options *options)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct listener listener = { .fd = -1 };
    int result;

    if (strlen(options->path) > LISTENER_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, options->path, strlen(options->path));
    result = clear_path(&address);
    if (result < 0)
        return result;
    listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener.fd < 0)
        return -errno;
    result = bind_path(listener.fd, &address, options);
    if (result < 0) {
        close(listener.fd);
        return result;
    }
    *out = listener;
    return 1;
}

void listener_remove(const struct listener_options *options)
{
    if (options->path)
        unlink(options->path);
}

/* ---- The whole ---- */

static int open_at_path(struct listener out[], const struct listener_options *options,
        struct listener_failure *failure)
{
    int result = open_path(out, options);

    if (result < 0) {
        *failure = (struct listener_failure){ .step = LISTENER_LISTEN, .error = -result };
        snprintf(failure->place, sizeof(failure->place), "%s", options->path);
    }
    return result;
}

static int open_at_host(struct listener out[], const struct listener_options *options,
        struct listener_failure *failure)
{
    struct address addresses[LISTENER_SOCKETS_MAX];
    int count = address_resolve(
            addresses, LISTENER_SOCKETS_MAX, options->host, options->port, options->family);
    int result;

    if (count < 0) {
        *failure = (struct listener_failure){ .step = LISTENER_RESOLVE, .error = -count };
        snprintf(failure->place, sizeof(failure->place), "%s:%u", options->host, options->port);
        return count;
    }
    for (int tries = 1;; tries++) {
        result = open_all(out, addresses, count, options, failure);
        if (result != -EADDRINUSE || options->port != 0 || tries == PORT_TRIES)
            return result;
    }
}

int listener_open(struct listener out[LISTENER_SOCKETS_MAX], const struct listener_options *options,
        struct listener_failure *failure)
{
    return options->path ? open_at_path(out, options, failure)
                         : open_at_host(out, options, failure);
}

/*
 * What is sent to all comes to each socket that has the port, and is to be answered once: those
 * that share one take only what is for this host alone.
 */
static int leave_to_first(int fd)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog filter = { sizeof(steps) / sizeof(steps[0]), steps };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0 ? 0 : -errno;
}

static int share_datagrams(
        struct listener *out, const struct listener *first, const struct listener_options *options)
{
    enum listener_step step;
    struct listener again;
    int result = open_and_listen(&again, &first->address, options, true, &step);

    if (result < 0)
        return result;
    result = leave_to_first(again.fd);
    if (result < 0)
        listener_close(&again);
    else
        *out = again;
    return result;
}

int listener_share(
        struct listener *out, const struct listener *first, const struct listener_options *options)
{
    enum listener_step step;

    if (options->path) {
        struct listener again = { .fd = fcntl(first->fd, F_DUPFD_CLOEXEC, 0) };

        if (again.fd < 0)
            return -errno;
        *out = again;
        return 0;
    }
    if (options->datagrams)
        return share_datagrams(out, first, options);
    return open_and_listen(out, &first->address, options, true, &step);
}

void listener_close(struct listener *listener)
{
    close(listener->fd);
}

/* Errors of one connection that broke while it waited; accept(2) says to treat them like EAGAIN. */
static bool is_of_connection(int error)
{
    static const int errors[] = {
        ECONNABORTED,
        EINTR,
        ENETDOWN,
        EPROTO,
        ENOPROTOOPT,
        EHOSTDOWN,
        ENONET,
        EHOSTUNREACH,
        EOPNOTSUPP,
        ENETUNREACH,
        EPERM,
    };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i] == error)
            return true;
    }
    return false;
}

int listener_accept(struct listener *listener, struct listener_accepted out[], size_t max)
{
    size_t count = 0;

    /* Broken ones count as tries, so that a flood of them cannot keep the caller here. */
    for (size_t tries = 0; tries < max; tries++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);
        int fd = accept4(
                listener->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            out[count].fd = fd;
            out[count++].peer = address_of((struct sockaddr *)&peer, size);
        } else if (!is_of_connection(errno)) {
            return count > 0 || errno == EAGAIN ? (int)count : -errno;
        }
    }
    return (int)count;
}

static const char *reason_of(const struct listener_failure *failure)
{
    if (failure->step != LISTENER_RESOLVE)
        return strerror(failure->error);
    switch (failure->error) {
    case ENOENT:
        return "the name has no address";
    case EAGAIN:
        return "the name server does not answer";
    default:
        return strerror(failure->error);
    }
}

static const char *advice_of(const struct listener_failure *failure)
{
    if (failure->error == EADDRINUSE)
        return "; another program has it: end that one, or listen elsewhere";
    if (failure->error == EACCES && failure->step == LISTENER_LISTEN && failure->place[0] != '/')
        return "; ports below 1024 are for root, or with CAP_NET_BIND_SERVICE";
    return "";
}

const char *listener_failure_text(
        const struct listener_failure *failure, char text[static LISTENER_FAILURE_SIZE])
{
    const char *reason = reason_of(failure);

    if (failure->step == LISTENER_INTERFACE)
        snprintf(text, LISTENER_FAILURE_SIZE, "cannot listen on interface %s: %s",
                failure->interface, reason);
    else if (failure->step == LISTENER_GROUP)
        snprintf(text, LISTENER_FAILURE_SIZE, "cannot join the group %s: %s", failure->place,
                failure->error == EAFNOSUPPORT
                        ? "the listener has no address of its family; give it one, or take "
                          "another group"
                        : strerror(failure->error));
    else
        snprintf(text, LISTENER_FAILURE_SIZE, "cannot listen on %s: %s%s", failure->place, reason,
                advice_of(failure));
    return text;
}
