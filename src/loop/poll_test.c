/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/poll.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
    struct poll *poll;
    int near;
    int far;
};

static struct pair pair_open(unsigned waits)
{
    struct pair pair;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    pair.near = fds[0];
    pair.far = fds[1];
    assert_int_equal(poll_open(&pair.poll), 0);
    assert_int_equal(poll_add(pair.poll, pair.near, waits, &fds), 0);
    assert_int_equal(poll_change(pair.poll, pair.near, waits, pair.poll), 0);
    return pair;
}

static void pair_close(struct pair *pair)
{
    poll_close(pair->poll);
    close(pair->near);
    if (pair->far >= 0)
        close(pair->far);
}

TEST(nothing_ready_gives_no_event)
{
    struct pair pair = pair_open(POLL_READ);
    struct poll_event event;

    assert_int_equal(poll_wait(pair.poll, &event, 1, 0), 0);
    pair_close(&pair);
}

TEST(bytes_that_are_left_are_told_again_with_the_owner)
{
    struct pair pair = pair_open(POLL_READ);

    assert_int_equal(write(pair.far, "ab", 2), 2);
    for (int turn = 0; turn < 2; turn++) {
        struct poll_event event = { 0 };

        assert_int_equal(poll_wait(pair.poll, &event, 1, 1000), 1);
        assert_ptr_equal(event.owner, pair.poll);
        assert_int_equal(event.ready, POLL_READ);
    }
    pair_close(&pair);
}

TEST(only_what_was_asked_for_is_told)
{
    struct pair pair = pair_open(POLL_WRITE);
    struct poll_event event = { 0 };

    assert_int_equal(write(pair.far, "a", 1), 1);
    assert_int_equal(poll_wait(pair.poll, &event, 1, 1000), 1);
    assert_int_equal(event.ready, POLL_WRITE);
    assert_int_equal(poll_change(pair.poll, pair.near, 0, NULL), 0);
    assert_int_equal(poll_wait(pair.poll, &event, 1, 0), 0);
    pair_close(&pair);
}

TEST(the_end_of_the_peer_is_told_as_both)
{
    struct pair pair = pair_open(0);
    struct poll_event event = { 0 };

    close(pair.far);
    pair.far = -1;
    assert_int_equal(poll_wait(pair.poll, &event, 1, 1000), 1);
    assert_int_equal(event.ready, POLL_READ | POLL_WRITE | POLL_ENDED);
    pair_close(&pair);
}

TEST(a_peer_that_writes_no_more_is_told_with_what_it_wrote_last)
{
    struct pair pair = pair_open(POLL_READ);
    struct poll_event event = { 0 };

    assert_int_equal(write(pair.far, "a", 1), 1);
    assert_int_equal(shutdown(pair.far, SHUT_WR), 0);
    assert_int_equal(poll_wait(pair.poll, &event, 1, 1000), 1);
    assert_int_equal(event.ready, POLL_READ | POLL_ENDED);
    pair_close(&pair);
}

TEST(a_removed_descriptor_is_silent_and_may_be_added_again)
{
    struct pair pair = pair_open(POLL_WRITE);
    struct poll_event event = { 0 };

    assert_int_equal(poll_add(pair.poll, pair.near, POLL_WRITE, NULL), -EEXIST);
    assert_int_equal(poll_remove(pair.poll, pair.near), 0);
    assert_int_equal(poll_wait(pair.poll, &event, 1, 0), 0);
    assert_int_equal(poll_remove(pair.poll, pair.near), -ENOENT);
    assert_int_equal(poll_change(pair.poll, pair.near, POLL_READ, NULL), -ENOENT);
    assert_int_equal(poll_add(pair.poll, pair.near, POLL_WRITE, NULL), 0);
    assert_int_equal(poll_wait(pair.poll, &event, 1, 0), 1);
    pair_close(&pair);
}

TEST(those_that_found_no_room_are_told_next)
{
    struct pair pair = pair_open(POLL_WRITE);
    struct poll_event first = { 0 };
    struct poll_event second = { 0 };

    assert_int_equal(poll_add(pair.poll, pair.far, POLL_WRITE, &pair), 0);
    assert_int_equal(poll_wait(pair.poll, &first, 1, 0), 1);
    assert_int_equal(poll_wait(pair.poll, &second, 1, 0), 1);
    assert_ptr_not_equal(first.owner, second.owner);
    pair_close(&pair);
}
