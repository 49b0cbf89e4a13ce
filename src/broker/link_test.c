/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/link.h"
#include "broker/budget.h"
#include "tests/harness/test.h"

#include <errno.h>

/* A stream whose peer sends and takes as much as the test says. */
struct script {
    struct stream stream;
    struct bytes incoming;
    uint8_t written[256];
    size_t written_size;
    size_t room; /* bytes that it takes before -EAGAIN */
    int failure; /* not 0: what a write gives */
    unsigned writes;
    bool closed;
};

static int script_read(struct stream *stream, void *buffer, size_t size)
{
    struct script *script = container_of(stream, struct script, stream);
    size_t taken = size < script->incoming.size ? size : script->incoming.size;

    if (taken == 0)
        return -EAGAIN;
    memcpy(buffer, script->incoming.data, taken);
    script->incoming = bytes_from(script->incoming, taken);
    return (int)taken;
}

static int script_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    struct script *script = container_of(stream, struct script, stream);
    size_t before = script->written_size;

    script->writes++;
    if (script->failure)
        return script->failure;
    for (size_t i = 0; i < count; i++) {
        size_t size = pieces[i].iov_len < script->room ? pieces[i].iov_len : script->room;

        memcpy(script->written + script->written_size, pieces[i].iov_base, size);
        script->written_size += size;
        script->room -= size;
    }
    return script->written_size > before ? (int)(script->written_size - before) : -EAGAIN;
}

static void script_close(struct stream *stream, enum stream_end end)
{
    (void)end;
    container_of(stream, struct script, stream)->closed = true;
}

static const struct stream_functions script_functions = {
    .read = script_read,
    .write = script_write,
    .close = script_close,
};

/* Core's side of a tail; the number of times that an owner was given back. */
struct message {
    int releases;
};

void message_release(struct core *core, struct message *owner)
{
    (void)core;
    owner->releases++;
}

struct fixture {
    struct budget budget;
    struct budget_share share;
    struct memory memory;
    struct script script;
    struct link *link;
    uint8_t scratch[64];
};

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){ .script = { .stream = { &script_functions }, .room = 256 } };
    budget_init(&f->budget, 0);
    budget_share_init(&f->share, &f->budget);
    f->memory = budget_share_memory(&f->share);
    f->link = link_new(&f->memory, &f->script.stream, 0, 0);
    assert_non_null(f->link);
}

static void fixture_close(struct fixture *f)
{
    link_free(f->link, &f->memory, NULL, STREAM_END_CLEAN);
    assert_true(f->script.closed);
    assert_int_equal(budget_share_used(&f->share), 0);
}

static struct scratch scratch(struct fixture *f)
{
    return (struct scratch){ f->scratch, sizeof(f->scratch) };
}

static bool holds_nothing(const struct fixture *f)
{
    return budget_share_used(&f->share) == sizeof(struct link);
}

TEST(a_link_holds_no_buffer_when_core_used_all)
{
    struct fixture f;
    struct bytes in;

    fixture_open(&f);
    f.script.incoming = BYTES("abcdef");
    assert_int_equal(link_read(f.link, &f.memory, scratch(&f), &in), 6);
    assert_true(bytes_equal(in, BYTES("abcdef")));
    assert_true(link_keep(f.link, &f.memory, in, 6, 0));
    assert_true(holds_nothing(&f));
    fixture_close(&f);
}

TEST(a_partial_packet_comes_again_before_what_follows_it)
{
    struct fixture f;
    struct bytes in;

    fixture_open(&f);
    f.script.incoming = BYTES("abcdef");
    assert_int_equal(link_read(f.link, &f.memory, scratch(&f), &in), 6);
    assert_true(link_keep(f.link, &f.memory, in, 4, 10));
    f.script.incoming = BYTES("gh");
    assert_int_equal(link_read(f.link, &f.memory, scratch(&f), &in), 2);
    assert_true(bytes_equal(in, BYTES("efgh")));
    assert_true(link_keep(f.link, &f.memory, in, 1, 0));
    assert_true(bytes_equal(buffer_bytes(&f.link->input), BYTES("fgh")));
    assert_int_equal(link_read(f.link, &f.memory, scratch(&f), &in), -EAGAIN);
    fixture_close(&f);
}

TEST(a_packet_larger_than_the_scratch_is_read_in_place)
{
    struct fixture f;
    struct bytes in;
    uint8_t packet[1000];

    fixture_open(&f);
    for (size_t i = 0; i < sizeof(packet); i++)
        packet[i] = (uint8_t)i;
    f.script.incoming = bytes_of(packet, sizeof(packet));
    assert_int_equal(link_read(f.link, &f.memory, scratch(&f), &in), 64);
    assert_true(link_keep(f.link, &f.memory, in, 0, 900));
    assert_int_equal(link_read(f.link, &f.memory, scratch(&f), &in), 900 - 64);
    assert_int_equal(in.size, 900);
    assert_memory_equal(in.data, packet, 900);
    assert_true(link_keep(f.link, &f.memory, in, 900, 0));
    assert_true(holds_nothing(&f));
    fixture_close(&f);
}

TEST(a_peer_that_only_announces_a_large_packet_gets_little_memory)
{
    struct fixture f;
    struct bytes in;

    fixture_open(&f);
    f.script.incoming = BYTES("0123456789012345678901234567890123456789");
    assert_int_equal(link_read(f.link, &f.memory, scratch(&f), &in), 40);
    assert_true(link_keep(f.link, &f.memory, in, 0, 200 << 20));
    assert_int_equal(link_read(f.link, &f.memory, scratch(&f), &in), -EAGAIN);
    assert_in_range(budget_share_used(&f.share), 0, 256 << 10);
    fixture_close(&f);
}

TEST(what_the_socket_takes_is_written_with_one_call)
{
    struct fixture f;
    struct message owner = { 0 };
    uint8_t head[] = { 'a', 'b', 'c' };
    struct output out = { .head = head, .head_used = 3, .tail = BYTES("tail"), .owner = &owner };

    fixture_open(&f);
    assert_int_equal(link_write(f.link, &f.memory, NULL, &out), 0);
    assert_memory_equal(f.script.written, "abctail", 7);
    assert_int_equal(f.script.writes, 1);
    assert_int_equal(owner.releases, 1);
    assert_true(holds_nothing(&f));
    fixture_close(&f);
}

TEST(what_the_socket_does_not_take_is_kept_at_every_split)
{
    for (size_t first = 0; first < 7; first++) {
        struct fixture f;
        struct message owner = { 0 };
        uint8_t head[] = { 'a', 'b', 'c' };
        struct output out = {
            .head = head, .head_used = 3, .tail = BYTES("tail"), .owner = &owner
        };

        fixture_open(&f);
        f.script.room = first;
        assert_int_equal(link_write(f.link, &f.memory, NULL, &out), 0);
        memset(head, 'x', sizeof(head)); /* the scratch has served another link meanwhile */
        assert_int_equal(link_leftover_size(f.link), 7 - first);
        assert_int_equal(owner.releases, 0);
        f.script.room = 1;
        assert_int_equal(link_flush(f.link, &f.memory, NULL), 0);
        f.script.room = 100;
        assert_int_equal(link_flush(f.link, &f.memory, NULL), 0);
        assert_memory_equal(f.script.written, "abctail", 7);
        assert_int_equal(owner.releases, 1);
        assert_true(holds_nothing(&f));
        fixture_close(&f);
    }
}

TEST(a_failed_write_gives_the_owner_back)
{
    struct fixture f;
    struct message owner = { 0 };
    struct output out = { .tail = BYTES("tail"), .owner = &owner };

    fixture_open(&f);
    f.script.failure = -EPIPE;
    assert_int_equal(link_write(f.link, &f.memory, NULL, &out), -EPIPE);
    assert_int_equal(owner.releases, 1);
    fixture_close(&f);
}

TEST(a_link_closed_with_leftover_gives_the_owner_back)
{
    struct fixture f;
    struct message owner = { 0 };
    struct output out = { .tail = BYTES("tail"), .owner = &owner };

    fixture_open(&f);
    f.script.room = 1;
    assert_int_equal(link_write(f.link, &f.memory, NULL, &out), 0);
    fixture_close(&f);
    assert_int_equal(owner.releases, 1);
}

TEST(without_memory_for_the_leftover_the_link_fails)
{
    struct fixture f;
    struct message owner = { 0 };
    uint8_t head[] = { 'a' };
    struct output out = { .head = head, .head_used = 1, .tail = BYTES("tail"), .owner = &owner };

    fixture_open(&f);
    f.script.room = 0;
    budget_limit(&f.budget, 1);
    f.share.reserved = budget_share_used(&f.share);
    assert_int_equal(link_write(f.link, &f.memory, NULL, &out), -ENOMEM);
    assert_int_equal(owner.releases, 1);
    fixture_close(&f);
}
