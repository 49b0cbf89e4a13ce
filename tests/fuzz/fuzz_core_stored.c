/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a store gives as a value of core's, it is refused, or it is one that is written again as
 * the same bytes. The first byte says what it is taken for.
 */
#include "broker/core/stored.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind { MESSAGE, SESSION, SUBSCRIPTION, PLACE, FLIGHT, PACKET_KEY, FILTER_KEY, WILL };

static void expect(struct bytes written, struct bytes read)
{
    assert(bytes_equal(written, read));
}

static void try_message(struct bytes in)
{
    struct stored_message message;
    struct writer out = { 0 };

    if (!stored_message_read(&message, in))
        return;
    out.size = stored_message_size(&message);
    out.data = malloc(out.size);
    stored_message_write(&out, &message);
    expect(writer_written(&out), in);
    free(out.data);
}

static void try_session(struct bytes in)
{
    struct stored_session session;
    struct writer out = { 0 };

    if (!stored_session_read(&session, in))
        return;
    out.size = stored_session_size(&session);
    out.data = malloc(out.size);
    stored_session_write(&out, &session);
    expect(writer_written(&out), in);
    free(out.data);
}

static void try_will(struct bytes in)
{
    struct stored_will will;
    struct writer out = { 0 };

    if (!stored_will_read(&will, in))
        return;
    out.size = stored_will_size(&will);
    out.data = malloc(out.size);
    stored_will_write(&out, &will);
    expect(writer_written(&out), in);
    free(out.data);
}

static void try_subscription(struct bytes in)
{
    uint8_t bytes[STORED_SUBSCRIPTION_SIZE];
    struct stored_subscription subscription;

    if (!stored_subscription_read(&subscription, in))
        return;
    stored_subscription_write(bytes, &subscription);
    expect(bytes_of(bytes, sizeof(bytes)), in);
}

static void try_place(struct bytes in)
{
    struct stored_place place;
    uint32_t *identifiers;
    struct writer out = { 0 };

    if (!stored_place_read(&place, in))
        return;
    identifiers = malloc((place.identifier_count + 1) * sizeof(*identifiers));
    for (uint32_t i = 0; i < place.identifier_count; i++)
        identifiers[i] = stored_place_identifier(&place, i);
    place.identifiers = identifiers;
    out.size = stored_place_size(&place);
    out.data = malloc(out.size);
    stored_place_write(&out, &place);
    expect(writer_written(&out), in);
    free(out.data);
    free(identifiers);
}

static void try_flight(struct bytes in)
{
    uint8_t bytes[STORED_FLIGHT_SIZE];
    struct stored_flight flight;

    if (!stored_flight_read(&flight, in))
        return;
    stored_flight_write(bytes, &flight);
    expect(bytes_of(bytes, sizeof(bytes)), in);
}

static void try_packet_key(struct bytes in)
{
    uint8_t bytes[STORED_PACKET_KEY_SIZE];
    uint64_t queue;
    uint16_t id;

    if (!stored_packet_key_read(in, &queue, &id))
        return;
    stored_packet_key(bytes, queue, id);
    expect(bytes_of(bytes, sizeof(bytes)), in);
}

static void try_filter_key(struct bytes in)
{
    uint8_t bytes[STORED_QUEUE_SIZE];
    struct bytes filter;
    uint64_t queue;

    if (!stored_filter_key_read(in, &queue, &filter))
        return;
    stored_queue_key(bytes, queue);
    expect(bytes_of(bytes, sizeof(bytes)), bytes_first(in, STORED_QUEUE_SIZE));
    expect(filter, bytes_from(in, STORED_QUEUE_SIZE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct bytes in) = {
        [MESSAGE] = try_message,
        [SESSION] = try_session,
        [SUBSCRIPTION] = try_subscription,
        [PLACE] = try_place,
        [FLIGHT] = try_flight,
        [PACKET_KEY] = try_packet_key,
        [FILTER_KEY] = try_filter_key,
        [WILL] = try_will,
    };

    if (size > 0 && data[0] < sizeof(tries) / sizeof(tries[0]))
        tries[data[0]](bytes_of(data + 1, size - 1));
    return 0;
}
