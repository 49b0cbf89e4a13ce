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
    struct datagram came[DATAGRAMS_READ_MAX]; /* by the last read */
    int came_count;
    int looked_at; /* of them */
    int reads;
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

static int read_there(struct pair *pair)
{
    struct pollfd wait = { .fd = pair->there.fd, .events = POLLIN };

    assert_int_equal(poll(&wait, 1, 5000), 1);
    pair->looked_at = 0;
    pair->reads++;
    pair->came_count = datagrams_read(&pair->datagrams, pair->there.fd, pair->came);
    return pair->came_count;
}

static void expect_none(struct pair *pair)
{
    assert_int_equal(pair->looked_at, pair->came_count);
    assert_int_equal(datagrams_read(&pair->datagrams, pair->there.fd, pair->came), -EAGAIN);
}

/* The next one, from that socket. The system may take a moment from one to the next. */
static void expect(struct pair *pair, const struct listener *from, const char *text)
{
    const struct datagram *datagram;

    if (pair->looked_at == pair->came_count)
        assert_in_range(read_there(pair), 1, DATAGRAMS_READ_MAX);
    datagram = &pair->came[pair->looked_at++];
    assert_true(bytes_equal(datagram->data, bytes_of_text(text)));
    assert_true(address_equal(&datagram->peer, &from->address));
}

TEST(what_waits_is_sent_together_in_order)
{
    struct pair pair;

    pair_open(&pair);
    send_text(&pair, "a", "b");
    send_text(&pair, "", "");
    send_text(&pair, "c", "");
    expect_none(&pair);
    datagrams_flush(&pair.datagrams);
    expect(&pair, &pair.here, "ab");
    expect(&pair, &pair.here, "");
    expect(&pair, &pair.here, "c");
    datagrams_flush(&pair.datagrams);
    expect_none(&pair);
    pair_close(&pair);
}

TEST(more_than_may_wait_goes_out_at_once)
{
    struct pair pair;
    char text[12];

    pair_open(&pair);
    for (int i = 0; i <= DATAGRAMS_WAIT_MAX; i++) {
        snprintf(text, sizeof(text), "%d", i);
        send_text(&pair, text, "");
    }
    for (int i = 0; i < DATAGRAMS_WAIT_MAX; i++) {
        snprintf(text, sizeof(text), "%d", i);
        expect(&pair, &pair.here, text);
    }
    assert_true(pair.reads < DATAGRAMS_WAIT_MAX); /* some gave many */
    expect_none(&pair);
    datagrams_deinit(&pair.datagrams);
    assert_int_equal(read_there(&pair), 1);
    pair_close(&pair);
}

TEST(two_large_ones_do_not_wait_together)
{
    static uint8_t large[40000];
    struct pair pair;
    struct iovec piece = { large, sizeof(large) };

    pair_open(&pair);
    datagrams_send(&pair.datagrams, pair.here.fd, &pair.there.address, &piece, 1);
    datagrams_send(&pair.datagrams, pair.here.fd, &pair.there.address, &piece, 1);
    assert_int_equal(read_there(&pair), 1);
    assert_int_equal(pair.came[0].data.size, sizeof(large));
    pair_close(&pair);
}

TEST(one_that_cannot_be_sent_does_not_stop_the_others)
{
    struct pair pair;
    struct address wrong = { 0 };
    char byte = 'x';
    struct iovec piece = { &byte, 1 };

    pair_open(&pair);
    datagrams_send(&pair.datagrams, pair.here.fd, &wrong, &piece, 1);
    datagrams_send(&pair.datagrams, pair.there.fd, &pair.there.address, &piece, 1);
    send_text(&pair, "a", "");
    datagrams_flush(&pair.datagrams);
    expect(&pair, &pair.there, "x");
    expect(&pair, &pair.here, "a");
    pair_close(&pair);
}

TEST(without_memory_one_is_thrown_away_and_others_are_sent_at_once)
{
    struct pair pair;

    pair_open(&pair);
    pair.memory.state->fail_at = 1;
    pair.memory.state->fail_until = UINT64_MAX;
    send_text(&pair, "a", "b");
    assert_int_equal(read_there(&pair), -ENOMEM);
    assert_int_equal(datagrams_read(&pair.datagrams, pair.there.fd, pair.came), -EAGAIN);
    pair_close(&pair);
}
