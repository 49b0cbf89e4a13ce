/* SPDX-License-Identifier: Apache-2.0 */
/* What a case leaves at the server: noted while it plays, and cleared after it. */
#include "base/reader.h"
#include "check/probe.h"
#include "check/state.h"

#include <stdio.h>

enum {
    ROUNDS_MAX = 100, /* in which retained messages are looked for */
    ASSIGNED_CLIENT_IDENTIFIER = 0x12,
};

static void remember(struct check *check, struct bytes id)
{
    if (id.size == 0 || id.size > CHECK_ID_SIZE || check->session_count == CHECK_IDS_MAX)
        return;
    for (size_t i = 0; i < check->session_count; i++) {
        if (bytes_equal(id, bytes_of(check->sessions[i].id, check->sessions[i].size)))
            return;
    }
    memcpy(check->sessions[check->session_count].id, id.data, id.size);
    check->sessions[check->session_count++].size = id.size;
}

static void remember_connect(struct check *check, struct bytes packet)
{
    struct reader in = { .rest = check_body(packet) };
    uint8_t level;
    uint8_t flags;
    size_t properties = 0;

    reader_bytes(&in, reader_u16(&in));
    level = reader_u8(&in);
    flags = reader_u8(&in);
    reader_u16(&in);
    if (level == MQTT_5_0) {
        properties = notation_length(&in);
        reader_bytes(&in, properties);
    }
    check->retained |= (flags & CONNECT_WILL_RETAIN) != 0;
    if (!(flags & CONNECT_CLEAN) || properties > 0)
        remember(check, reader_bytes(&in, reader_u16(&in)));
}

void check_clear_later(struct check *check, struct bytes packet)
{
    unsigned type = packet.data[0] >> 4;

    if (type == TYPE_CONNECT)
        remember_connect(check, packet);
    if (type == TYPE_PUBLISH && (packet.data[0] & PUBLISH_RETAIN))
        check->retained = true;
}

void check_clear_assigned(struct check *check, struct bytes connack)
{
    remember(check, probe_property_text(connack, ASSIGNED_CLIENT_IDENTIFIER));
}

/* In hex pairs; `out` has room for twice the bytes and the NUL. */
static void write_hex(char *out, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        snprintf(out + i * 2, 3, "%02x", bytes.data[i]);
}

static void clear_session(struct check *check, const void *what)
{
    const struct bytes id = *(const struct bytes *)what;
    char text[CHECK_ID_SIZE * 2 + 1];
    struct probe *probe;

    write_hex(text, id);
    probe = probe_connects(check, "02 0000 %s %04zx %.*s",
            check->setup.version == MQTT_5_0 ? "00" : "", id.size, (int)id.size * 2, text);
    probe_disconnects(probe);
}

/* A retained message goes when an empty one takes its place. False where it cannot be named. */
static bool clear_topic(struct probe *probe, struct bytes topic, const char *properties)
{
    char text[CHECK_NAME_SIZE * 64];

    if (topic.size * 2 >= sizeof(text))
        return false;
    write_hex(text, topic);
    probe_send(probe, "31 RL %04zx %s %s", topic.size, text, properties);
    return true;
}

/* Clears what a subscription brings until the server has answered two pings: some may come in the
 * turn after the one that subscribes. Gives whether there was anything. */
static bool clear_some(struct probe *probe, const char *properties)
{
    bool found = false;

    probe_send(probe, "82 RL 0001 %s S'~/#' 00 | C0 00", properties);
    for (unsigned pings = 1; pings <= 2;) {
        struct bytes packet = probe_take(probe);
        struct reader in = { .rest = check_body(packet) };

        if (packet.size == 0)
            return false;
        if (packet.data[0] >> 4 == TYPE_PUBLISH && (packet.data[0] & PUBLISH_RETAIN))
            found |= clear_topic(probe, reader_bytes(&in, reader_u16(&in)), properties);
        if (packet.data[0] >> 4 == TYPE_PINGRESP && ++pings == 2)
            probe_send(probe, "C0 00");
    }
    return found;
}

/* Whoever is slow is asked until there is nothing any more. */
static void clear_retained(struct check *check, const void *what)
{
    struct probe *probe = probe_connected(check, "~clear");
    const char *properties = check->setup.version == MQTT_5_0 ? "00" : "";

    (void)what;
    for (unsigned i = 0; i < ROUNDS_MAX && clear_some(probe, properties); i++)
        continue;
    probe_disconnects(probe);
}

void check_clear(struct check *check)
{
    for (size_t i = 0; i < check->session_count; i++) {
        const struct bytes id = bytes_of(check->sessions[i].id, check->sessions[i].size);

        check_play(check, clear_session, &id);
    }
    if (check->retained)
        check_play(check, clear_retained, NULL);
}
