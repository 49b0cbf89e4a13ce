/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/wake.h"

#include "loop/poll.h"
#include "tests/harness/test.h"

#include <pthread.h>

enum { NOTES = 100000 };

struct desk {
    struct wake wake;
    struct poll *poll;
    atomic_int notes; /* what the other thread left */
};

static int wait_awake(struct desk *desk, int timeout_ms)
{
    struct poll_event event;

    return poll_wait(desk->poll, &event, 1, timeout_ms);
}

static void desk_open(struct desk *desk)
{
    atomic_init(&desk->notes, 0);
    assert_int_equal(wake_open(&desk->wake), 0);
    assert_int_equal(poll_open(&desk->poll), 0);
    assert_int_equal(poll_add(desk->poll, wake_fd(&desk->wake), POLL_READ | POLL_NEWS, desk), 0);
}

static void desk_close(struct desk *desk)
{
    poll_close(desk->poll);
    wake_close(&desk->wake);
}

TEST(many_sends_wake_once)
{
    struct desk desk;

    desk_open(&desk);
    assert_int_equal(wait_awake(&desk, 0), 0);
    wake_send(&desk.wake);
    wake_send(&desk.wake);
    assert_int_equal(wait_awake(&desk, 0), 1);
    wake_clear(&desk.wake);
    assert_int_equal(wait_awake(&desk, 0), 0);
    wake_send(&desk.wake);
    assert_int_equal(wait_awake(&desk, 0), 1);
    desk_close(&desk);
}

TEST(clearing_without_a_send_does_no_harm)
{
    struct desk desk;

    desk_open(&desk);
    wake_clear(&desk.wake);
    wake_send(&desk.wake);
    assert_int_equal(wait_awake(&desk, 0), 1);
    desk_close(&desk);
}

static void *leave_notes(void *argument)
{
    struct desk *desk = argument;

    for (int i = 0; i < NOTES; i++) {
        atomic_fetch_add_explicit(&desk->notes, 1, memory_order_relaxed);
        wake_send(&desk->wake);
    }
    return NULL;
}

TEST(no_note_of_another_thread_is_overlooked)
{
    struct desk desk;
    pthread_t thread;
    int seen = 0;

    desk_open(&desk);
    assert_int_equal(pthread_create(&thread, NULL, leave_notes, &desk), 0);
    while (seen < NOTES) {
        assert_int_equal(wait_awake(&desk, 10000), 1);
        wake_clear(&desk.wake);
        seen = atomic_load_explicit(&desk.notes, memory_order_relaxed);
    }
    pthread_join(thread, NULL);
    desk_close(&desk);
}
