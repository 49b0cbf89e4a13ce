/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/outgoing.h"

#include "mqtt/outflow.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

enum { IDS = 65535 };

/* A session's outgoing side, whose messages are all one; nobody counts references here. */
struct fixture {
    struct test_memory memory;
    struct outgoing outgoing;
    struct message *message;
};

static void start(struct fixture *fixture, uint16_t window)
{
    *fixture = (struct fixture){ .memory = test_memory_start(), .outgoing = { .window = window } };
    fixture->message = memory_take_zeroed(&fixture->memory.memory, sizeof(struct message));
    assert_non_null(fixture->message);
    fixture->message->payload_size = 10;
}

static void end(struct fixture *fixture)
{
    struct outgoing *outgoing = &fixture->outgoing;

    while (outgoing->flight.count > 0)
        deliveries_take(&outgoing->flight, &fixture->memory.memory);
    while (outgoing->queue.count > 0)
        deliveries_take(&outgoing->queue, &fixture->memory.memory);
    outgoing_release(outgoing, &fixture->memory.memory);
    memory_give(&fixture->memory.memory, fixture->message, sizeof(struct message));
    test_memory_end(&fixture->memory);
}

static void queue_one(struct fixture *fixture, uint8_t qos)
{
    struct delivery *delivery = deliveries_add(&fixture->outgoing.queue, &fixture->memory.memory);

    assert_non_null(delivery);
    *delivery = (struct delivery){ .message = fixture->message, .qos = qos };
    fixture->outgoing.queue_bytes += fixture->message->payload_size;
}

/* Queues and launches; gives the packet id. */
static uint16_t launch(struct fixture *fixture, uint8_t qos)
{
    uint16_t packet_id;

    queue_one(fixture, qos);
    assert_true(outgoing_window_open(&fixture->outgoing));
    assert_true(outgoing_prepare(&fixture->outgoing, &fixture->memory.memory, &packet_id));
    outgoing_launch(&fixture->outgoing, &fixture->memory.memory);
    return packet_id;
}

static void acknowledge(struct fixture *fixture, uint16_t packet_id)
{
    struct delivery *delivery = outgoing_find(&fixture->outgoing, packet_id);

    assert_non_null(delivery);
    assert_int_equal(outgoing_packet_id(delivery), packet_id);
    fixture->outgoing.flight_bytes -= fixture->message->payload_size;
    outgoing_done(&fixture->outgoing, &fixture->memory.memory, delivery);
}

TEST(ids_count_up_from_one_and_the_window_closes)
{
    struct fixture fixture;

    start(&fixture, 3);
    for (uint16_t id = 1; id <= 3; id++)
        assert_int_equal(launch(&fixture, 1), id);
    assert_false(outgoing_window_open(&fixture.outgoing));
    assert_int_equal(fixture.outgoing.flight_bytes, 30);
    assert_int_equal(fixture.outgoing.queue_bytes, 0);
    acknowledge(&fixture, 2);
    assert_true(outgoing_window_open(&fixture.outgoing));
    assert_null(outgoing_find(&fixture.outgoing, 2));
    assert_null(outgoing_find(&fixture.outgoing, 0));
    assert_null(outgoing_find(&fixture.outgoing, 4));
    assert_int_equal(launch(&fixture, 2), 4);
    acknowledge(&fixture, 1);
    acknowledge(&fixture, 4);
    acknowledge(&fixture, 3);
    assert_true(outgoing_empty(&fixture.outgoing));
    assert_int_equal(fixture.outgoing.flight_bytes, 0);
    end(&fixture);
}

TEST(holes_do_not_make_the_ring_grow)
{
    struct fixture fixture;

    start(&fixture, 2);
    launch(&fixture, 1); /* Never acknowledged. */
    for (unsigned i = 0; i < 10000; i++)
        acknowledge(&fixture, launch(&fixture, 1));
    assert_true(fixture.outgoing.flight.capacity <= 8);
    assert_non_null(outgoing_find(&fixture.outgoing, 1));
    end(&fixture);
}

TEST(ids_in_use_are_passed_over_round_after_round)
{
    struct fixture fixture;
    uint16_t last = 0;

    start(&fixture, 3);
    assert_int_equal(launch(&fixture, 2), 1);
    assert_int_equal(launch(&fixture, 1), 2);
    for (unsigned i = 0; i < 3 * IDS; i++) {
        uint16_t id = launch(&fixture, 1);

        assert_true(id > 2);
        assert_int_equal(id, last == 0 || last == IDS ? 3 : last + 1);
        last = id;
        acknowledge(&fixture, id);
    }
    assert_int_equal(outgoing_find(&fixture.outgoing, 1)->qos, 2);
    assert_int_equal(outgoing_find(&fixture.outgoing, 2)->qos, 1);
    acknowledge(&fixture, 1);
    acknowledge(&fixture, 2);
    end(&fixture);
}

TEST(the_widest_window_has_an_id_for_each)
{
    struct fixture fixture;
    uint16_t id = 0;

    start(&fixture, IDS);
    for (unsigned i = 0; i < IDS; i++)
        id = launch(&fixture, 1);
    assert_int_equal(id, IDS);
    assert_false(outgoing_window_open(&fixture.outgoing));
    acknowledge(&fixture, 4711);
    assert_int_equal(launch(&fixture, 1), 4711);
    for (unsigned i = 1; i <= IDS; i++)
        acknowledge(&fixture, (uint16_t)i);
    assert_true(outgoing_empty(&fixture.outgoing));
    end(&fixture);
}

TEST(after_a_resume_nothing_counts_as_sent)
{
    struct fixture fixture;

    start(&fixture, 3);
    for (unsigned i = 0; i < 3; i++)
        launch(&fixture, 1);
    outgoing_resume(&fixture.outgoing, 2);
    assert_int_equal(fixture.outgoing.unresent, 3);
    assert_int_equal(fixture.outgoing.open, 0);
    assert_true(outgoing_window_open(&fixture.outgoing));
    /* An acknowledgement may come before it is sent again. */
    acknowledge(&fixture, 1);
    assert_int_equal(fixture.outgoing.unresent, 2);
    assert_int_equal(fixture.outgoing.open, 0);
    assert_int_equal(fixture.outgoing.flight_open, 2);
    end(&fixture);
}

TEST(without_memory_nothing_is_prepared)
{
    struct fixture fixture;
    uint16_t packet_id = 0;

    start(&fixture, 3);
    queue_one(&fixture, 1);
    fixture.memory.state->fail_at = fixture.memory.state->taken + 1;
    fixture.memory.state->fail_until = fixture.memory.state->fail_at;
    assert_false(outgoing_prepare(&fixture.outgoing, &fixture.memory.memory, &packet_id));
    assert_int_equal(fixture.outgoing.queue.count, 1);
    assert_true(outgoing_prepare(&fixture.outgoing, &fixture.memory.memory, &packet_id));
    assert_int_equal(packet_id, 1);
    end(&fixture);
}
