/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams over loopback, read and sent many at a time. */
#include "net/datagrams.h"
#include "net/listener.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

/* Two sockets, and the datagrams of a program that has both. */
struct pair {
    struct test_memory memory;
    struct datagrams datagrams;
    struct listener here;
    struct listener there;
};

static struct listener open_socket(void)
{
    static const struct listener_options options = { .host = "127.0.0.1", .datagrams = true };
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;

    assert_int_equal(listener_open(listeners, &options, &failure), 1);
    return listeners[0];
}

static void pair_open(struct pair *pair)
{
    *pair = (struct pair){ .here = open_socket(), .there = open_socket() };
    pair->memory = test_memory_start();
    pair->datagrams.memory = &pair->memory.memory;
}

static void pair_close(struct pair *pair)
{
    datagrams_deinit(&pair->datagrams);
    test_memory_end(&pair->memory);
    listener_close(&pair->here);
    listener_close(&pair->there);
}

static void send_text(struct pair *pair, const char *head, const char *tail)
{
    struct iovec pieces[] = {
        { (void *)(uintptr_t)head, strlen(head) },
        { (void *)(uintptr_t)tail, strlen(tail) },
    };

    datagrams_send(&pair->datagrams, pair->here.fd, &pair->there.address, pieces, 2);
}

static int read_there(struct pair *pair, struct datagram out[])
{
    struct pollfd wait = { .fd = pair->there.fd, .events = POLLIN };

    assert_int_equal(poll(&wait, 1, 5000), 1);
    return datagrams_read(&pair->datagrams, pair->there.fd, out);
}

static void expect(const struct pair *pair, const struct datagram *datagram, const char *text)
{
    assert_true(bytes_equal(datagram->data, bytes_of_text(text)));
    assert_true(address_equal(&datagram->peer, &pair->here.address));
}

TEST(what_waits_is_sent_together_in_order)
{
    struct pair pair;
    struct datagram came[DATAGRAMS_READ_MAX];

    pair_open(&pair);
    send_text(&pair, "a", "b");
    send_text(&pair, "", "");
    send_text(&pair, "c", "");
    assert_int_equal(datagrams_read(&pair.datagrams, pair.there.fd, came), -EAGAIN);
    datagrams_flush(&pair.datagrams);
    assert_int_equal(read_there(&pair, came), 3);
    expect(&pair, &came[0], "ab");
    expect(&pair, &came[1], "");
    expect(&pair, &came[2], "c");
    datagrams_flush(&pair.datagrams);
    assert_int_equal(datagrams_read(&pair.datagrams, pair.there.fd, came), -EAGAIN);
    pair_close(&pair);
}

TEST(more_than_may_wait_goes_out_at_once)
{
    struct pair pair;
    struct datagram came[DATAGRAMS_READ_MAX];
    char text[12];

    pair_open(&pair);
    for (int i = 0; i <= DATAGRAMS_WAIT_MAX; i++) {
        snprintf(text, sizeof(text), "%d", i);
        send_text(&pair, text, "");
    }
    for (int i = 0; i < DATAGRAMS_WAIT_MAX; i += DATAGRAMS_READ_MAX) {
        assert_int_equal(read_there(&pair, came), DATAGRAMS_READ_MAX);
        snprintf(text, sizeof(text), "%d", i);
        expect(&pair, &came[0], text);
    }
    assert_int_equal(datagrams_read(&pair.datagrams, pair.there.fd, came), -EAGAIN);
    datagrams_deinit(&pair.datagrams);
    assert_int_equal(read_there(&pair, came), 1);
    pair_close(&pair);
}

TEST(two_large_ones_do_not_wait_together)
{
    static uint8_t large[40000];
    struct pair pair;
    struct datagram came[DATAGRAMS_READ_MAX];
    struct iovec piece = { large, sizeof(large) };

    pair_open(&pair);
    datagrams_send(&pair.datagrams, pair.here.fd, &pair.there.address, &piece, 1);
    datagrams_send(&pair.datagrams, pair.here.fd, &pair.there.address, &piece, 1);
    assert_int_equal(read_there(&pair, came), 1);
    assert_int_equal(came[0].data.size, sizeof(large));
    pair_close(&pair);
}

TEST(one_that_cannot_be_sent_does_not_stop_the_others)
{
    struct pair pair;
    struct datagram came[DATAGRAMS_READ_MAX];
    struct address wrong = { 0 };
    char byte = 'x';
    struct iovec piece = { &byte, 1 };

    pair_open(&pair);
    datagrams_send(&pair.datagrams, pair.here.fd, &wrong, &piece, 1);
    datagrams_send(&pair.datagrams, pair.there.fd, &pair.there.address, &piece, 1);
    send_text(&pair, "a", "");
    datagrams_flush(&pair.datagrams);
    assert_int_equal(read_there(&pair, came), 2);
    expect(&pair, &came[1], "a");
    pair_close(&pair);
}

TEST(without_memory_one_is_thrown_away_and_others_are_sent_at_once)
{
    struct pair pair;
    struct datagram came[DATAGRAMS_READ_MAX];

    pair_open(&pair);
    pair.memory.state->fail_at = 1;
    pair.memory.state->fail_until = UINT64_MAX;
    send_text(&pair, "a", "b");
    assert_int_equal(read_there(&pair, came), -ENOMEM);
    assert_int_equal(datagrams_read(&pair.datagrams, pair.there.fd, came), -EAGAIN);
    pair_close(&pair);
}
