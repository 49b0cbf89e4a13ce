/* SPDX-License-Identifier: Apache-2.0 */
/* struct ucred is Linux's. */
#define _GNU_SOURCE
#include "broker/admin/control.h"

#include "net/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_SIZE = 4096,
    NO_CLIENT = -1,
};

struct control_client {
    int fd; /* NO_CLIENT: the place is free */
    int64_t due_ms;
    char *request; /* the line so far; NULL before its first byte */
    size_t request_size;
    char *answer; /* NULL: none is to be written */
    size_t answer_size;
    size_t answer_written;
};

struct control {
    struct listener listener;
    bool left; /* the file is another process's */
    char path[LISTENER_PATH_MAX + 1];
    uid_t starter;
    struct command_table commands;
    const struct journal *journal;
    struct control_client clients[CONTROL_CLIENTS_MAX];
};

/* ---- The socket ---- */

static struct listener_options options_of(const char *path)
{
    return (struct listener_options){
        .mode = S_IRUSR | S_IWUSR, .path = path, .backlog = CONTROL_CLIENTS_MAX
    };
}

int control_open(struct control **out, const struct control_setup *setup)
{
    struct control *control = calloc(1, sizeof(*control));
    struct listener_options options = options_of(setup->path);
    struct listener sockets[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;
    int result = control ? 0 : -ENOMEM;

    if (result == 0)
        result = listener_open(sockets, &options, &failure);
    if (result < 0) {
        free(control);
        return result;
    }
    /* Loads the library: when somebody asks, clients may have left no descriptor for it. */
    json_delete(json_object());
    control->listener = sockets[0];
    memcpy(control->path, setup->path, strlen(setup->path)); /* It fits: the listener is open. */
    control->starter = setup->starter;
    control->commands = setup->commands;
    control->journal = setup->journal;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control->clients[i].fd = NO_CLIENT;
    *out = control;
    return 0;
}

int control_give_file(const struct control *control, uid_t user, gid_t group)
{
    return lchown(control->path, user, group) < 0 ? -errno : 0;
}

const char *control_path(const struct control *control)
{
    return control->path;
}

void control_leave(struct control *control)
{
    if (control)
        control->left = true;
}

static void close_client(struct control_client *client)
{
    close(client->fd);
    free(client->request);
    free(client->answer);
    *client = (struct control_client){ .fd = NO_CLIENT };
}

void control_close(struct control *control)
{
    struct listener_options options;

    if (!control)
        return;
    options = options_of(control->path);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd != NO_CLIENT)
            close_client(&control->clients[i]);
    }
    if (!control->left)
        listener_remove(&options);
    listener_close(&control->listener);
    free(control);
}

/* ---- Coming in ---- */

static void refuse(const struct control *control, int fd, uid_t user, const char *text)
{
    journal_tell(control->journal, EVENT_WARN, "control.refused",
            field_number("user", (int64_t)user), field_text("text", text));
    close(fd);
}

static bool is_allowed(const struct control *control, uid_t user)
{
    return user == 0 || user == geteuid() || user == control->starter;
}

static void admit(struct control *control, int fd, int64_t now_ms)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        close(fd);
        return;
    }
    if (!is_allowed(control, peer.uid)) {
        refuse(control, fd, peer.uid, "this user may not control the server");
        return;
    }
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd == NO_CLIENT) {
            client->fd = fd;
            client->due_ms = now_ms + CONTROL_SILENCE_MS;
            return;
        }
    }
    refuse(control, fd, peer.uid, "as many as may be are connected");
}

static void accept_clients(struct control *control, int64_t now_ms)
{
    struct listener_accepted accepted[CONTROL_CLIENTS_MAX];
    int count = listener_accept(&control->listener, accepted, CONTROL_CLIENTS_MAX);

    for (int i = 0; i < count; i++)
        admit(control, accepted[i].fd, now_ms);
}

/* ---- Requests and answers ---- */

/* False: the client is to be closed. */
static bool write_answer(struct control_client *client, int64_t now_ms)
{
    ssize_t size = send(client->fd, client->answer + client->answer_written,
            client->answer_size - client->answer_written, MSG_NOSIGNAL);

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    client->due_ms = now_ms + CONTROL_SILENCE_MS;
    client->answer_written += (size_t)size;
    if (client->answer_written < client->answer_size)
        return true;
    free(client->answer);
    client->answer = NULL;
    return true;
}

/* Answers the first line that has come whole, if one has; what is behind it waits. */
static bool answer_next(struct control *control, struct control_client *client, int64_t now_ms)
{
    char *end = client->request ? memchr(client->request, '\n', client->request_size) : NULL;
    size_t line_size;

    if (!end)
        return client->request_size < CONTROL_LINE_MAX;
    line_size = (size_t)(end - client->request);
    client->answer = command_answer(&control->commands, bytes_of(client->request, line_size));
    if (!client->answer)
        return false;
    client->answer_size = strlen(client->answer);
    client->answer_written = 0;
    client->request_size -= line_size + 1;
    memmove(client->request, end + 1, client->request_size);
    return write_answer(client, now_ms);
}

/* Reads once. False: the client is to be closed. */
static bool read_request(struct control_client *client, int64_t now_ms)
{
    size_t room = CONTROL_LINE_MAX - client->request_size;
    ssize_t size;

    if (!client->request)
        client->request = malloc(CONTROL_LINE_MAX);
    if (!client->request)
        return false;
    size = recv(client->fd, client->request + client->request_size,
            room < READ_SIZE ? room : READ_SIZE, 0);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (client->request_size == 0) /* a line begins; its bytes do not prolong its time */
        client->due_ms = now_ms + CONTROL_SILENCE_MS;
    client->request_size += (size_t)size;
    return size > 0;
}

/* A client that has sent more than one line is served on without reading. */
static bool has_line(const struct control_client *client)
{
    return client->request && !client->answer &&
            memchr(client->request, '\n', client->request_size);
}

static void serve_client(struct control *control, struct control_client *client, int64_t now_ms)
{
    bool stays = true;

    if (client->answer)
        stays = write_answer(client, now_ms);
    else if (!has_line(client))
        stays = read_request(client, now_ms);
    if (stays && !client->answer)
        stays = answer_next(control, client, now_ms);
    if (!stays)
        close_client(client);
}

/* ---- Waiting ---- */

size_t control_waits(const struct control *control, struct pollfd out[])
{
    size_t count = 0;

    if (!control)
        return 0;
    out[count++] = (struct pollfd){ .fd = control->listener.fd, .events = POLLIN };
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const struct control_client *client = &control->clients[i];
        bool writes = client->answer || has_line(client);

        if (client->fd != NO_CLIENT)
            out[count++] = (struct pollfd){ .fd = client->fd, .events = writes ? POLLOUT : POLLIN };
    }
    return count;
}

int64_t control_due_ms(const struct control *control)
{
    int64_t due_ms = INT64_MAX;

    for (size_t i = 0; control && i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd != NO_CLIENT && control->clients[i].due_ms < due_ms)
            due_ms = control->clients[i].due_ms;
    }
    return due_ms;
}

static bool is_ready(const struct pollfd waits[], size_t count, int fd)
{
    for (size_t i = 0; i < count; i++) {
        if (waits[i].fd == fd)
            return waits[i].revents != 0;
    }
    return false;
}

void control_serve(
        struct control *control, const struct pollfd waits[], size_t count, int64_t now_ms)
{
    if (!control)
        return;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd == NO_CLIENT)
            continue;
        if (is_ready(waits, count, client->fd))
            serve_client(control, client, now_ms);
        else if (client->due_ms <= now_ms)
            close_client(client);
    }
    /* Last, for a new client may get a descriptor that an old one had. */
    if (is_ready(waits, count, control->listener.fd))
        accept_clients(control, now_ms);
}
