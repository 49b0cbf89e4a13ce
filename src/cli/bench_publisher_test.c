/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_publisher.h"

#include "cli/bench_options.h"

#include "mqtt/publish.h"
#include "tests/harness/test.h"

#include <errno.h>

enum { WINDOW = 3, PAYLOAD_SIZE = 20, PACKET_SIZE = 64 };

/* The letterhead of channel "a" (0) and "bc" (1). */
struct desk {
    uint8_t heads[PACKET_SIZE];
    uint32_t head_ends[2];
    struct bench_letterhead letterhead;
    struct bench_publisher publisher;
    uint8_t packet[PACKET_SIZE];
    struct writer out;
};

static void desk_init(struct desk *desk, enum mqtt_version version, uint8_t qos)
{
    static const char *const topics[] = { "a", "bc" };
    struct writer heads = { .data = desk->heads, .size = sizeof(desk->heads) };

    for (int i = 0; i < 2; i++) {
        struct mqtt_publish publish = {
            .topic = bytes_of_text(topics[i]),
            .payload = bytes_of(NULL, PAYLOAD_SIZE),
            .packet_id = 1,
            .qos = qos,
        };

        mqtt_publish_head_encode(&heads, &publish, version);
        desk->head_ends[i] = (uint32_t)heads.used;
    }
    desk->letterhead = (struct bench_letterhead){
        .version = version,
        .qos = qos,
        .payload_size = PAYLOAD_SIZE,
        .heads = desk->heads,
        .head_ends = desk->head_ends,
    };
    desk->publisher = (struct bench_publisher){ 0 };
    desk->out = (struct writer){ .data = desk->packet, .size = sizeof(desk->packet) };
    assert_int_equal(bench_publisher_init(&desk->publisher, WINDOW), 0);
}

static int acknowledge(struct desk *desk, enum mqtt_type type, struct bytes body)
{
    desk->out.used = 0;
    return bench_publisher_acknowledge(&desk->publisher, &desk->out, type, body, &desk->letterhead);
}

TEST(a_written_message_decodes_to_its_stamp)
{
    static const enum mqtt_version versions[] = { MQTT_3_1, MQTT_3_1_1, MQTT_5_0 };

    for (int i = 0; i < 9; i++) {
        enum mqtt_version version = versions[i / 3];
        uint8_t qos = (uint8_t)(i % 3);
        struct bench_stamp stamp = { .channel = 1, .number = 7, .time_ns = -3 };
        struct mqtt_publish publish;
        struct mqtt_header header = { 0 };
        struct desk desk;
        struct bytes body;

        desk_init(&desk, version, qos);
        bench_publisher_write(&desk.publisher, &desk.out, &desk.letterhead, &stamp);
        body = writer_written(&desk.out);
        assert_int_equal(mqtt_header_read(&header, body), MQTT_HEADER_DONE);
        body = bytes_from(body, header.size);
        assert_int_equal(body.size, header.remaining);
        assert_int_equal(
                mqtt_publish_decode(&publish, header.flags, body, version, MQTT_FROM_CLIENT),
                MQTT_SUCCESS);
        assert_true(bytes_equal(publish.topic, BYTES("bc")));
        assert_int_equal(publish.packet_id, qos > 0 ? 1 : 0);
        assert_int_equal(publish.payload.size, PAYLOAD_SIZE);
        assert_memory_equal(publish.payload.data, &stamp, sizeof(stamp));
        bench_publisher_deinit(&desk.publisher);
    }
}

TEST(a_puback_frees_its_packet_id_once)
{
    struct bench_stamp stamp = { 0 };
    struct desk desk;

    desk_init(&desk, MQTT_3_1_1, 1);
    bench_publisher_write(&desk.publisher, &desk.out, &desk.letterhead, &stamp);
    assert_int_equal(desk.publisher.free_count, WINDOW - 1);
    assert_int_equal(acknowledge(&desk, MQTT_PUBACK, BYTES("\x00\x02")), -EPROTO);
    assert_int_equal(acknowledge(&desk, MQTT_PUBREC, BYTES("\x00\x01")), -EPROTO);
    assert_int_equal(acknowledge(&desk, MQTT_PUBACK, BYTES("\x00\x01")), 1);
    assert_int_equal(acknowledge(&desk, MQTT_PUBACK, BYTES("\x00\x01")), -EPROTO);
    assert_int_equal(acknowledge(&desk, MQTT_PUBACK, BYTES("\xFF\xFF")), -EPROTO);
    assert_int_equal(desk.publisher.free_count, WINDOW);
    bench_publisher_deinit(&desk.publisher);
}

TEST(qos_2_needs_pubrec_and_then_pubcomp)
{
    struct bench_stamp stamp = { 0 };
    struct desk desk;

    desk_init(&desk, MQTT_3_1_1, 2);
    bench_publisher_write(&desk.publisher, &desk.out, &desk.letterhead, &stamp);
    assert_int_equal(acknowledge(&desk, MQTT_PUBCOMP, BYTES("\x00\x01")), -EPROTO);
    assert_int_equal(acknowledge(&desk, MQTT_PUBREC, BYTES("\x00\x01")), 0);
    assert_true(bytes_equal(writer_written(&desk.out), BYTES("\x62\x02\x00\x01")));
    assert_int_equal(acknowledge(&desk, MQTT_PUBREC, BYTES("\x00\x01")), -EPROTO);
    assert_int_equal(acknowledge(&desk, MQTT_PUBCOMP, BYTES("\x00\x01")), 1);
    assert_int_equal(desk.publisher.free_count, WINDOW);
    bench_publisher_deinit(&desk.publisher);
}

TEST(a_refused_message_is_no_acknowledgement)
{
    struct bench_stamp stamp = { 0 };
    struct desk desk;

    desk_init(&desk, MQTT_5_0, 1);
    bench_publisher_write(&desk.publisher, &desk.out, &desk.letterhead, &stamp);
    assert_int_equal(acknowledge(&desk, MQTT_PUBACK, BYTES("\x00\x01\x97\x00")), -EPROTO);
    assert_int_equal(acknowledge(&desk, MQTT_PUBACK, BYTES("\x00\x01\x10\x00")), 1);
    bench_publisher_deinit(&desk.publisher);
}
