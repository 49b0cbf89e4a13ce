/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/secured.h"

#include "tests/harness/dtls_fixture.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <errno.h>

enum { MARK = 7 };

struct hall {
    struct test_memory memory;
    struct dtls_fixture peer;
    struct secured *secured;
};

static void send_in_vain(void *context, struct bytes datagram)
{
    (void)datagram;
    ++*(unsigned *)context;
}

static const struct memory *memory_of(struct hall *hall)
{
    return &hall->memory.memory;
}

static void hall_open(struct hall *hall)
{
    hall->memory = test_memory_start();
    dtls_fixture_open(&hall->peer, true);
    hall->secured = secured_new(memory_of(hall), MARK, BYTES("hello"));
    assert_non_null(hall->secured);
    assert_int_equal(hall->secured->mark, MARK);
}

static void hall_close(struct hall *hall)
{
    secured_free(hall->secured, memory_of(hall));
    assert_int_equal(hall->memory.state->blocks, 0);
    test_memory_end(&hall->memory);
    dtls_fixture_close(&hall->peer);
}

TEST(datagrams_are_kept_in_order_with_their_boundaries)
{
    struct hall hall;
    struct bytes rest;

    hall_open(&hall);
    assert_true(secured_has_news(hall.secured));
    assert_true(secured_keep(hall.secured, memory_of(&hall), BYTES("")));
    assert_true(secured_keep(hall.secured, memory_of(&hall), BYTES("key")));
    rest = buffer_bytes(&hall.secured->unread);
    assert_true(bytes_equal(secured_next(&rest), BYTES("hello")));
    assert_true(bytes_equal(secured_next(&rest), BYTES("")));
    assert_true(bytes_equal(secured_next(&rest), BYTES("key")));
    assert_int_equal(rest.size, 0);
    hall_close(&hall);
}

TEST(so_many_are_kept_and_no_more)
{
    static const uint8_t datagram[1000];
    struct hall hall;
    size_t kept = 0;

    hall_open(&hall);
    while (secured_keep(hall.secured, memory_of(&hall), bytes_of(datagram, sizeof(datagram))))
        kept++;
    assert_int_equal(kept, (SECURED_UNREAD_MAX - 7) / 1002);
    assert_true(hall.secured->unread.size <= SECURED_UNREAD_MAX);
    hall_close(&hall);
}

TEST(a_hello_that_is_too_long_is_told_from_short_memory)
{
    static const uint8_t hello[SECURED_UNREAD_MAX];
    struct hall hall;

    hall_open(&hall);
    assert_true(secured_is_full(NULL, bytes_of(hello, SECURED_UNREAD_MAX - 1)));
    assert_null(secured_new(memory_of(&hall), MARK, bytes_of(hello, SECURED_UNREAD_MAX - 1)));
    assert_false(secured_is_full(NULL, bytes_of(hello, SECURED_UNREAD_MAX - 2)));
    assert_true(
            secured_keep(hall.secured, memory_of(&hall), bytes_of(hello, SECURED_UNREAD_MAX / 2)));
    assert_true(secured_is_full(hall.secured, bytes_of(hello, SECURED_UNREAD_MAX / 2)));
    hall_close(&hall);
}

TEST(a_hello_that_is_none_ends_it)
{
    unsigned sent = 0;
    struct dtls_options options = {
        .port = { send_in_vain, &sent }, .hello = BYTES("hello"), .mtu = DTLS_MTU_MIN
    };
    uint8_t message[DTLS_MESSAGE_SIZE_MAX];
    struct hall hall;

    hall_open(&hall);
    dtls_fixture_begin(&hall.peer);
    secured_begin(hall.secured, hall.peer.server, &options);
    assert_int_equal(hall.secured->end, -EPROTO);
    assert_int_equal(secured_read(hall.secured, message, 0), 0);
    secured_tick(hall.secured, 0);
    assert_int_equal(hall.secured->end, -EPROTO);
    assert_int_equal(sent, 0);
    hall_close(&hall);
}

TEST(a_listener_that_has_lost_its_keys_ends_it)
{
    struct hall hall;

    hall_open(&hall);
    secured_begin(hall.secured, NULL, &(struct dtls_options){ .mtu = DTLS_MTU_MIN });
    assert_int_equal(hall.secured->end, -EPROTO);
    hall_close(&hall);
}

/* Its handshake is over. */
static void come_in(struct hall *hall)
{
    dtls_fixture_begin(&hall->peer);
    dtls_fixture_shake_hands(&hall->peer);
    assert_non_null(hall->peer.dtls);
    hall->secured->dtls = hall->peer.dtls;
    hall->peer.dtls = NULL;
}

TEST(what_is_handed_on_goes_on)
{
    uint8_t message[DTLS_MESSAGE_SIZE_MAX];
    struct secured *next;
    struct bytes datagram;
    struct hall hall;

    hall_open(&hall);
    come_in(&hall);
    next = secured_hand_on(hall.secured, memory_of(&hall));
    assert_non_null(next);
    assert_true(hall.secured->gone);
    assert_null(hall.secured->dtls);
    assert_int_equal(secured_read(hall.secured, message, 0), 0);
    assert_int_equal(hall.secured->end, -EAGAIN);
    assert_int_equal(next->mark, MARK);
    SSL_write(hall.peer.client, "hello", 5);
    assert_true(dtls_row_take(&hall.peer.to_server, &datagram));
    dtls_receive(next->dtls, datagram);
    assert_int_equal(secured_read(next, message, 0), 5);
    secured_free(next, memory_of(&hall));
    /* It was on its way to nobody, so the client has not heard of the end. */
    assert_int_equal(hall.peer.to_client.count, 0);
    hall_close(&hall);
}

TEST(the_end_is_told)
{
    struct hall hall;

    hall_open(&hall);
    come_in(&hall);
    secured_close(hall.secured, memory_of(&hall));
    assert_true(hall.secured->gone);
    assert_int_equal(hall.peer.to_client.count, 1);
    hall_close(&hall);
}

static void fail_at(struct hall *hall, unsigned call)
{
    hall->memory.state->fail_at = hall->memory.state->taken + call;
    hall->memory.state->fail_until = hall->memory.state->fail_at;
}

TEST(nothing_is_left_where_memory_is_short)
{
    static const uint8_t datagram[500];
    struct hall hall;

    hall_open(&hall);
    come_in(&hall);
    fail_at(&hall, 1);
    assert_false(
            secured_keep(hall.secured, memory_of(&hall), bytes_of(datagram, sizeof(datagram))));
    fail_at(&hall, 1);
    assert_null(secured_hand_on(hall.secured, memory_of(&hall)));
    assert_true(hall.secured->gone);
    assert_int_equal(hall.peer.to_client.count, 1);
    for (unsigned call = 1; call <= 2; call++) {
        fail_at(&hall, call);
        assert_null(secured_new(memory_of(&hall), MARK, BYTES("hello")));
    }
    hall_close(&hall);
}
