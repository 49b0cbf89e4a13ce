/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ctl_socket.h"

#include "broker/admin/control_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10 };

/* ---- Connecting ---- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval wait = { .tv_sec = CTL_WAIT_S };
    int result;
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
            connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    result = -errno;
    close(fd);
    return result;
}

static void complain(const char *path, int error)
{
    const char *advice = "; is the server running, and does its control_socket name this path?";

    if (error == EACCES)
        advice = "; run this as the server's user or as root";
    fprintf(stderr, "nightjar ctl: %s: %s%s\n", path, strerror(error), advice);
}

/* The first of the usual places where a server listens. Returns its descriptor, or -errno. */
static int connect_to_usual(int errors[CONTROL_PLACES])
{
    char place[CONTROL_PATH_MAX + 1];
    int result = -ENOENT;

    for (unsigned i = 0; i < CONTROL_PLACES && result < 0; i++) {
        result = control_place(i, place) ? connect_to(place) : -ENXIO;
        errors[i] = -result;
    }
    return result;
}

static void complain_of_usual(const int errors[CONTROL_PLACES])
{
    char place[CONTROL_PATH_MAX + 1];

    fputs("nightjar ctl: no server answers at the usual places:\n", stderr);
    for (unsigned i = 0; i < CONTROL_PLACES; i++) {
        if (control_place(i, place))
            fprintf(stderr, "  %s: %s\n", place, strerror(errors[i]));
    }
    fputs("Is one running, and are you its user or root? The first lines of its log say where its\n"
          "control socket is, or why it has none; --socket names another place.\n",
            stderr);
}

int ctl_connect(const char *path)
{
    int errors[CONTROL_PLACES];
    int result = path ? connect_to(path) : connect_to_usual(errors);

    if (result < 0 && path)
        complain(path, -result);
    else if (result < 0)
        complain_of_usual(errors);
    return result;
}

/* ---- Asking ---- */

/* Sends all of it. Returns 0, or -errno. */
static int send_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            return -errno;
        if (sent > 0) {
            text += sent;
            size -= (size_t)sent;
        }
    }
    return 0;
}

static int send_request(int fd, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    int result = text ? send_all(fd, text, strlen(text)) : -ENOMEM;

    if (result == 0)
        result = send_all(fd, "\n", 1);
    free(text);
    return result;
}

/* Reads up to a line's end, which is cut off. Returns 0 and a text for free(), or -errno. */
static int receive_line(int fd, char **out)
{
    char *line = NULL;
    size_t size = 0;
    int result = 0;

    while (result == 0 && (size == 0 || line[size - 1] != '\n')) {
        char *more = size < CTL_ANSWER_MAX ? realloc(line, size + READ_SIZE) : NULL;
        ssize_t got;

        if (!more) {
            result = -ENOMEM;
            break;
        }
        line = more;
        got = recv(fd, line + size, READ_SIZE, 0);
        if (got == 0)
            result = -ECONNRESET;
        else if (got < 0 && errno != EINTR)
            result = errno == EAGAIN ? -ETIMEDOUT : -errno;
        else if (got > 0)
            size += (size_t)got;
    }
    if (result < 0) {
        free(line);
        return result;
    }
    line[size - 1] = '\0';
    *out = line;
    return 0;
}

json_t *ctl_ask(int fd, const json_t *request, bool raw)
{
    json_error_t error;
    json_t *answer;
    char *line = NULL;
    int result = send_request(fd, request);

    if (result == 0)
        result = receive_line(fd, &line);
    if (result < 0) {
        fprintf(stderr, "nightjar ctl: no answer: %s%s\n", strerror(-result),
                result == -ECONNRESET || result == -EPIPE
                        ? "; the server serves its own user, who has started it, and root"
                        : "");
        return NULL;
    }
    if (raw)
        puts(line);
    answer = json_loads(line, 0, &error);
    free(line);
    if (!answer)
        fprintf(stderr, "nightjar ctl: the answer is no JSON: %s\n", error.text);
    return answer;
}
