/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server announces not to take is not put to it by a case about something else: such a case
 * is skipped when it is about to send it.
 */
#include "base/reader.h"
#include "check/probe.h"
#include "check/state.h"

enum {
    QOS_MAX = 2, /* 3 is put to any server */
    FAILURE = 0x80,
};

static void guard_qos(struct check *check, unsigned qos)
{
    if (qos <= QOS_MAX && qos > check->setup.target->maximum_qos && check->need != NEED_QOS_LIMIT)
        check_skip(check, "needs QoS %u; this server announces a Maximum QoS of %u", qos,
                check->setup.target->maximum_qos);
}

static void guard_retain(struct check *check, bool retain)
{
    if (retain && !check->setup.target->retain_available && check->need != NEED_NO_RETAIN)
        check_skip(check, "%s", check_need_text(NEED_RETAIN));
}

static void guard_connect(struct check *check, struct reader in)
{
    uint8_t flags;

    reader_bytes(&in, reader_u16(&in));
    reader_u8(&in);
    flags = reader_u8(&in);
    if (in.failed || !(flags & CONNECT_WILL))
        return;
    guard_qos(check, flags >> 3 & 3);
    guard_retain(check, flags & CONNECT_WILL_RETAIN);
}

static void guard_subscribe(const struct probe *probe, struct reader in)
{
    reader_u16(&in);
    if (probe->version == MQTT_5_0)
        reader_bytes(&in, notation_length(&in));
    while (in.rest.size > 0 && !in.failed) {
        uint8_t options;

        reader_bytes(&in, reader_u16(&in));
        options = reader_u8(&in);
        if (!in.failed)
            guard_qos(probe->check, options & 3);
    }
}

static void guard_publish(struct probe *probe, uint8_t first)
{
    struct check *check = probe->check;
    uint16_t receive_max = check->setup.target->receive_max;
    unsigned qos = first >> 1 & 3;

    guard_qos(check, qos);
    guard_retain(check, first & PUBLISH_RETAIN);
    if (qos == 0 || probe->version != MQTT_5_0 || receive_max == 0)
        return;
    if (++probe->open > receive_max && check->need != NEED_RECEIVE_LIMIT)
        check_skip(check, "needs a Receive Maximum above %u, which this server announces",
                receive_max);
}

void check_guard_sent(struct probe *probe, struct bytes packet)
{
    struct check *check = probe->check;
    const struct reader in = { .rest = check_body(packet) };
    uint32_t packet_max = check->setup.target->packet_max;

    if (check->clearing)
        return;
    if (packet_max > 0 && packet.size > packet_max && check->need != NEED_PACKET_LIMIT)
        check_skip(check,
                "needs packets of %zu bytes; this server announces a Maximum Packet Size "
                "of %u",
                packet.size, (unsigned)packet_max);
    if (packet.data[0] >> 4 == TYPE_CONNECT)
        guard_connect(check, in);
    else if (packet.data[0] >> 4 == TYPE_PUBLISH)
        guard_publish(probe, packet.data[0]);
    else if (packet.data[0] >> 4 == TYPE_SUBSCRIBE)
        guard_subscribe(probe, in);
}

void check_guard_received(struct probe *probe, struct bytes packet)
{
    unsigned type = packet.data[0] >> 4;
    struct bytes body = check_body(packet);
    bool refused = type == TYPE_PUBREC && body.size > 2 && body.data[2] >= FAILURE;

    if (probe->open > 0 && (type == TYPE_PUBACK || type == TYPE_PUBCOMP || refused))
        probe->open--;
}
