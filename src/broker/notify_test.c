/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/notify.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A service manager's socket, at a path or, where that begins with '@', abstract. */
struct manager {
    int fd;
    char name[64];
};

static void manager_init(struct manager *manager, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t size = strlen(name);

    strcpy(manager->name, name);
    memcpy(address.sun_path, name, size);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager->fd, (struct sockaddr *)&address,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
            0);
}

static void expect(const struct manager *manager, const char *text)
{
    char got[1024];
    ssize_t size = recv(manager->fd, got, sizeof(got) - 1, 0);

    assert_true(size >= 0);
    got[size] = '\0';
    assert_string_equal(got, text);
}

static void expect_messages_at(const char *name)
{
    const struct notify_wishes wishes = { .socket = name };
    struct manager manager;
    struct notify notify;

    manager_init(&manager, name);
    assert_int_equal(notify_open(&notify, &wishes), 0);
    notify_send(&notify, "READY=1\nSTATUS=%s %d", "number", 7);
    expect(&manager, "READY=1\nSTATUS=number 7");
    notify_send(&notify, "STOPPING=1");
    expect(&manager, "STOPPING=1");
    notify_close(&notify);
    close(manager.fd);
}

TEST(messages_reach_a_socket_at_a_path)
{
    char folder[] = "/tmp/notify-XXXXXX";
    char path[64];

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    expect_messages_at(path);
    unlink(path);
    rmdir(folder);
}

TEST(messages_reach_an_abstract_socket)
{
    char name[64];

    snprintf(name, sizeof(name), "@nightjar-notify-test-%ld", (long)getpid());
    expect_messages_at(name);
}

TEST(a_manager_that_is_gone_holds_nobody_up)
{
    char name[64];
    struct notify_wishes wishes = { .socket = name };
    struct manager manager;
    struct notify notify;

    snprintf(name, sizeof(name), "@nightjar-notify-gone-%ld", (long)getpid());
    manager_init(&manager, name);
    close(manager.fd);
    assert_int_equal(notify_open(&notify, &wishes), 0);
    notify_send(&notify, "READY=1");
    notify_close(&notify);
}

/* As many as it takes until the manager's queue has no room. */
static void fill(struct notify *notify, struct manager *manager, int *count)
{
    struct notify_wishes wishes = { .socket = manager->name };

    assert_int_equal(notify_open(notify, &wishes), 0);
    for (*count = 0; notify->waiting_count == 0; ++*count)
        notify_send(notify, "STATUS=%d", *count);
}

TEST(a_manager_that_does_not_read_holds_nobody_up_and_is_told_later)
{
    struct manager manager;
    struct notify notify;
    char name[64];
    char text[32];
    int count;

    snprintf(name, sizeof(name), "@nightjar-notify-full-%ld", (long)getpid());
    manager_init(&manager, name);
    fill(&notify, &manager, &count);
    notify_send(&notify, "READY=1");
    notify_beat(&notify);
    assert_true(notify_go_on(&notify));
    assert_int_equal(notify.waiting_count, 2);
    for (int i = 0; i < count - 1; i++) {
        snprintf(text, sizeof(text), "STATUS=%d", i);
        expect(&manager, text);
    }
    assert_false(notify_go_on(&notify));
    snprintf(text, sizeof(text), "STATUS=%d", count - 1);
    expect(&manager, text);
    expect(&manager, "READY=1");
    notify_beat(&notify);
    expect(&manager, "WATCHDOG=1");
    notify_close(&notify);
    close(manager.fd);
}

TEST(of_too_many_that_wait_the_oldest_is_lost)
{
    struct manager manager;
    struct notify notify;
    char name[64];
    int count;

    snprintf(name, sizeof(name), "@nightjar-notify-many-%ld", (long)getpid());
    manager_init(&manager, name);
    fill(&notify, &manager, &count);
    for (int i = 0; i < NOTIFY_WAITING_MAX; i++)
        notify_send(&notify, "LATER=%d", i);
    assert_int_equal(notify.waiting_count, NOTIFY_WAITING_MAX);
    while (recv(manager.fd, name, sizeof(name), 0) >= 0)
        continue;
    notify_close(&notify);
    expect(&manager, "LATER=0");
    close(manager.fd);
}

TEST(without_a_socket_nothing_is_sent)
{
    const struct notify_wishes none = { 0 };
    const struct notify_wishes empty = { .socket = "" };
    const struct notify_wishes strange = { .socket = "vsock:2:1234" };
    char name[200] = "/";
    const struct notify_wishes too_long = { .socket = name };
    struct notify notify;

    memset(name + 1, 'x', sizeof(name) - 2);
    assert_int_equal(notify_open(&notify, &none), 0);
    notify_send(&notify, "READY=1");
    assert_int_equal(notify_open(&notify, &empty), 0);
    assert_int_equal(notify_open(&notify, &strange), -EAFNOSUPPORT);
    notify_send(&notify, "READY=1");
    assert_int_equal(notify_open(&notify, &too_long), -ENAMETOOLONG);
    assert_int_equal(notify.fd, -1);
    notify_close(&notify);
}

TEST(a_long_message_is_cut)
{
    char name[64];
    char text[NOTIFY_TEXT_MAX + 100];
    struct notify_wishes wishes = { .socket = name };
    struct manager manager;
    struct notify notify;

    snprintf(name, sizeof(name), "@nightjar-notify-long-%ld", (long)getpid());
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    manager_init(&manager, name);
    assert_int_equal(notify_open(&notify, &wishes), 0);
    notify_send(&notify, "%s", text);
    text[NOTIFY_TEXT_MAX] = '\0';
    expect(&manager, text);
    notify_close(&notify);
    close(manager.fd);
}

TEST(the_watchdog_is_read_where_it_is_ours)
{
    const struct {
        struct notify_wishes wishes;
        int64_t ms;
    } rows[] = {
        { { 0 }, 0 },
        { { .watchdog_usec = "30000000" }, 30000 },
        { { .watchdog_usec = "30000000", .watchdog_pid = "77" }, 30000 },
        { { .watchdog_usec = "30000000", .watchdog_pid = "78" }, 0 },
        { { .watchdog_usec = "30000000", .watchdog_pid = "" }, 0 },
        { { .watchdog_usec = "" }, 0 },
        { { .watchdog_usec = "-5000" }, 0 },
        { { .watchdog_usec = "5000x" }, 0 },
        { { .watchdog_usec = "99999999999999999999999" }, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(notify_watchdog_ms(&rows[i].wishes, 77), rows[i].ms);
}
