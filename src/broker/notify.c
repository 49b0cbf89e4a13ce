/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct notify_wishes notify_wishes(void)
{
    return (struct notify_wishes){
        .socket = getenv("NOTIFY_SOCKET"),
        .watchdog_usec = getenv("WATCHDOG_USEC"),
        .watchdog_pid = getenv("WATCHDOG_PID"),
    };
}

static int set_address(struct notify *notify, const char *name)
{
    size_t size = strlen(name);

    if (name[0] != '/' && name[0] != '@')
        return -EAFNOSUPPORT;
    if (size >= sizeof(notify->address.sun_path))
        return -ENAMETOOLONG;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, size);
    notify->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    if (name[0] == '@')
        notify->address.sun_path[0] = '\0';
    return 0;
}

int notify_open(struct notify *notify, const struct notify_wishes *wishes)
{
    int result;
    int fd;

    *notify = (struct notify){ .fd = -1 };
    if (!wishes->socket || wishes->socket[0] == '\0')
        return 0;
    result = set_address(notify, wishes->socket);
    if (result < 0)
        return result;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    notify->fd = fd;
    return 0;
}

void notify_close(struct notify *notify)
{
    notify_go_on(notify);
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

/* False: there is no room for it. */
static bool try(const struct notify *notify, const char *text)
{
    ssize_t sent;

    do
        sent = sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL,
                (const struct sockaddr *)&notify->address, notify->address_size);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 || errno != EAGAIN;
}

static void drop_oldest(struct notify *notify)
{
    notify->waiting_count--;
    memmove(notify->waiting[0], notify->waiting[1],
            notify->waiting_count * sizeof(notify->waiting[0]));
}

void notify_send(struct notify *notify, const char *format, ...)
{
    va_list arguments;

    if (notify->fd < 0)
        return;
    if (notify->waiting_count == NOTIFY_WAITING_MAX)
        drop_oldest(notify);
    va_start(arguments, format);
    vsnprintf(
            notify->waiting[notify->waiting_count], sizeof(notify->waiting[0]), format, arguments);
    va_end(arguments);
    notify->waiting_count++;
    notify_go_on(notify);
}

void notify_beat(struct notify *notify)
{
    if (notify->fd >= 0 && !notify_go_on(notify))
        try(notify, "WATCHDOG=1");
}

bool notify_go_on(struct notify *notify)
{
    while (notify->waiting_count > 0 && try(notify, notify->waiting[0]))
        drop_oldest(notify);
    return notify->waiting_count > 0;
}

/* A decimal number above 0, or 0 for anything else. */
static int64_t read_number(const char *text)
{
    char *end;
    long long number;

    if (!text || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    number = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : 0;
}

int64_t notify_watchdog_ms(const struct notify_wishes *wishes, pid_t pid)
{
    if (wishes->watchdog_pid && read_number(wishes->watchdog_pid) != pid)
        return 0;
    return read_number(wishes->watchdog_usec) / 1000;
}
