/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/client.h"

#include "base/list.h"
#include "tests/harness/memory.h"
#include "tests/harness/notation.h"
#include "tests/harness/test.h"

/* Who says it: the client, the server, or nobody, and then so many milliseconds pass. */
enum speaker { CLIENT, SERVER, CLOCK };

struct line {
    enum speaker speaker;
    const char *text;
    int64_t ms;
};

struct stage {
    struct gateway_client client;
    struct gateway gateway;
    unsigned sent;
    int64_t now_ms;
    const char *name; /* by the server; NULL: "clid" */
    unsigned wills;   /* that were changed */
    uint32_t session_s;
    uint8_t last_type; /* of what was sent */
};

/* A Will, topics of all types, a delivery of each QoS, sleep: every buffer that there is. */
static const struct line play[] = {
    { CLIENT, "0A 04 08 01 003C 'clid'", 0 },
    { CLIENT, "05 07 20 'wt'", 0 },
    { CLIENT, "05 09 'bye'", 0 },
    { SERVER, "20 03 00 00 00", 0 },
    { CLIENT, "07 0A 0000 0001 'a'", 0 },
    { CLIENT, "08 0C 20 0001 0002 'x'", 0 },
    { SERVER, "40 02 0002", 0 },
    { CLIENT, "06 12 40 0003 'b'", 0 },
    { SERVER, "90 04 0003 00 02", 0 },
    { SERVER, "34 07 S'b' 0001 00 'y'", 0 },
    { CLOCK, NULL, 10000 },
    { CLIENT, "04 0F 0001", 0 },
    { SERVER, "62 02 0001", 0 },
    { CLIENT, "04 0E 0001", 0 },
    { SERVER, "30 07 S'c/d' 00 'z'", 0 },
    { CLIENT, "07 0B 0003 0001 00", 0 },
    { CLIENT, "06 14 00 0004 'b'", 0 },
    { SERVER, "B0 04 0004 00 00", 0 },
    { CLIENT, "05 1A 00 'wu'", 0 },
    { CLIENT, "06 1C 'gone'", 0 },
    { CLIENT, "04 18 000A", 0 },
    { CLIENT, "06 16 'clid'", 0 },
    { CLIENT, "02 18", 0 },
};

/* The same of 2.0, with other buffers: credentials, a challenge, one that sleeps with a limit. */
static const struct line draft_play[] = {
    { CLIENT,
            "2C 01 17 17 0001 02 003C 0000 01 0002 'wt' 0003 'bye' 0A 'MQTT-BASIC' 0006 S'a' S'b' "
            "'clid'",
            0 },
    { SERVER, "20 03 00 00 00", 0 },
    { CLIENT, "06 10 00 0001 'a'", 0 },
    { CLIENT, "08 03 20 0002 0001 'x'", 0 },
    { SERVER, "40 02 0002", 0 },
    { CLIENT, "06 08 43 0003 'b'", 0 },
    { SERVER, "90 04 0003 00 02", 0 },
    { SERVER, "34 07 S'b' 0001 00 'y'", 0 },
    { CLOCK, NULL, 10000 },
    { CLIENT, "04 05 0001", 0 },
    { SERVER, "62 02 0001", 0 },
    { CLIENT, "04 07 0001", 0 },
    { SERVER, "30 07 S'c/d' 00 'z'", 0 },
    { CLIENT, "05 11 00 0001", 0 },
    { CLIENT, "06 0A 03 0004 'b'", 0 },
    { SERVER, "B0 04 0004 00 00", 0 },
    { CLIENT, "09 13 00 0005 0000000A", 0 },
    { SERVER, "30 07 S'c/d' 00 'z'", 0 },
    { CLIENT, "04 0C 0006", 0 },
    { SERVER, "30 07 S'c/d' 00 'z'", 0 },
    { CLIENT, "05 11 00 0002", 0 },
    { SERVER, "30 07 S'c/d' 00 'z'", 0 },
    { CLIENT, "03 0E 00", 0 },
};

static void count_datagram(struct gateway_client *client, struct bytes datagram)
{
    struct stage *stage = container_of(client, struct stage, client);

    assert_in_range(datagram.size, 2, stage->gateway.settings.message_size_max);
    stage->sent++;
    stage->last_type = datagram.data[1];
}

static enum mqtt_reason agree(struct gateway_client *client, const struct mqtt_will *will)
{
    (void)will;
    container_of(client, struct stage, client)->wills++;
    return MQTT_SUCCESS;
}

static struct bytes name_it(const struct gateway_client *client)
{
    const struct stage *stage = container_of(client, const struct stage, client);

    return stage->name ? bytes_of_text(stage->name) : BYTES("clid");
}

static uint32_t last(const struct gateway_client *client)
{
    return container_of(client, const struct stage, client)->session_s;
}

static void begin(struct stage *stage, const struct memory *memory)
{
    *stage = (struct stage){
        .gateway = { .memory = *memory,
                .settings = { .retry_ms = 10000,
                        .retries_max = 3,
                        .topics_max = 4,
                        .message_size_max = 1400 },
                .send = count_datagram,
                .change_will = agree,
                .client_id = name_it,
                .session_expiry_s = last },
        .now_ms = 1000,
        .session_s = UINT32_MAX,
    };
    gateway_init(&stage->gateway, (struct hash_key){ { 1, 2 } });
    gateway_client_init(&stage->client, &stage->gateway);
    stage->client.may_draft = true;
}

static void end(struct stage *stage, struct test_memory *memory)
{
    gateway_client_deinit(&stage->client);
    gateway_deinit(&stage->gateway);
    test_memory_end(memory);
}

static void perform(struct stage *stage, const struct line *line)
{
    struct gateway_client *client = &stage->client;
    struct notation bytes = notation_read(line->text ? line->text : "");

    stage->now_ms += line->ms;
    if (line->speaker == CLIENT)
        gateway_client_receive(client, notation_bytes(&bytes), stage->now_ms);
    else if (line->speaker == SERVER)
        gateway_client_take(client, notation_bytes(&bytes), stage->now_ms);
    else
        gateway_client_tick(client, stage->now_ms);
    if (gateway_client_is_settled(client))
        gateway_client_drained(client, 0, stage->now_ms);
    gateway_client_consume(client, gateway_client_packets(client).size);
}

static void perform_all(struct stage *stage, bool is_draft)
{
    const struct line *lines = is_draft ? draft_play : play;
    size_t count =
            is_draft ? sizeof(draft_play) / sizeof(draft_play[0]) : sizeof(play) / sizeof(play[0]);

    for (size_t i = 0; i < count; i++)
        perform(stage, &lines[i]);
}

TEST(a_client_comes_and_goes)
{
    struct test_memory memory = test_memory_start();
    struct stage stage;

    begin(&stage, &memory.memory);
    perform_all(&stage, false);
    assert_int_equal(gateway_client_phase(&stage.client), GATEWAY_DISCONNECTED);
    assert_false(stage.client.broken);
    assert_int_equal(stage.sent, 16);
    end(&stage, &memory);
}

TEST(a_client_of_the_draft_comes_and_goes)
{
    struct test_memory memory = test_memory_start();
    struct stage stage;

    begin(&stage, &memory.memory);
    perform_all(&stage, true);
    assert_int_equal(gateway_client_phase(&stage.client), GATEWAY_DISCONNECTED);
    assert_false(stage.client.broken);
    assert_int_equal(stage.sent, 13);
    end(&stage, &memory);
}

static void fail_once_everywhere(bool is_draft)
{
    uint64_t allocations = UINT64_MAX;

    for (uint64_t at = 1; at <= allocations; at++) {
        struct test_memory memory = test_memory_start();
        struct stage stage;

        memory.state->fail_at = memory.state->fail_until = at;
        begin(&stage, &memory.memory);
        perform_all(&stage, is_draft);
        if (memory.state->taken < at)
            allocations = 0; /* all have failed once */
        end(&stage, &memory);
    }
}

TEST(short_memory_ends_one_client_and_leaks_nothing)
{
    fail_once_everywhere(false);
    fail_once_everywhere(true);
}

TEST(what_is_no_packet_ends_the_client)
{
    static const char *const wrongs[] = { "20", "00 00", "20 03 00 00 00 00", "F0 00", "50 02 0000",
        "90 04 0009 00 00", "30 02 0005", "20 01 00" };

    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct line wrong = { SERVER, wrongs[i], 0 };
        struct test_memory memory = test_memory_start();
        struct stage stage;

        begin(&stage, &memory.memory);
        for (size_t j = 0; j < 4; j++)
            perform(&stage, &play[j]);
        perform(&stage, &wrong);
        assert_int_equal(gateway_client_phase(&stage.client), GATEWAY_LOST);
        end(&stage, &memory);
    }
}

TEST(a_server_that_wants_pings_gets_them)
{
    static const struct line lines[] = {
        { CLIENT, "0A 04 04 01 0000 'clid'", 0 },
        { SERVER, "20 06 00 00 03 13 0005", 0 },
        { CLOCK, NULL, 4999 },
    };
    struct test_memory memory = test_memory_start();
    struct stage stage;
    struct bytes packets;

    begin(&stage, &memory.memory);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        perform(&stage, &lines[i]);
    assert_int_equal(gateway_client_due_ms(&stage.client), stage.now_ms + 1);
    gateway_client_tick(&stage.client, stage.now_ms + 1);
    packets = gateway_client_packets(&stage.client);
    assert_true(bytes_equal(packets, BYTES("\xC0\0")));
    end(&stage, &memory);
}

TEST(what_the_server_cannot_is_not_asked)
{
    /* Maximum QoS 1, no retained messages, packets of 20 bytes, one message at a time. */
    static const struct line lines[] = {
        { CLIENT, "0A 04 04 01 0000 'clid'", 0 },
        { SERVER, "20 0F 00 00 0C 24 01 25 00 27 00000014 21 0001", 0 },
    };
    static const char *const refused[] = { "08 0C 42 'ab' 0001 'x'", "08 0C 12 'ab' 0001 'x'",
        "1B 0C 02 'ab' 0001 {20}" };
    struct test_memory memory = test_memory_start();
    struct stage stage;

    begin(&stage, &memory.memory);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        perform(&stage, &lines[i]);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct notation datagram = notation_read(refused[i]);

        stage.sent = 0;
        gateway_client_receive(&stage.client, notation_bytes(&datagram), stage.now_ms);
        assert_int_equal(stage.sent, 1);
        assert_int_equal(gateway_client_packets(&stage.client).size, 0);
    }
    perform(&stage, &(struct line){ CLIENT, "08 0C 22 'ab' 0001 'x'", 0 });
    stage.sent = 0;
    perform(&stage, &(struct line){ CLIENT, "08 0C 22 'ab' 0002 'x'", 0 });
    assert_int_equal(stage.sent, 1);
    end(&stage, &memory);
}

TEST(a_client_that_outruns_the_server_is_told)
{
    struct notation datagram = notation_read("01 0309 0C 22 'ab' 0001 {768}");
    struct test_memory memory = test_memory_start();
    struct stage stage;

    begin(&stage, &memory.memory);
    perform(&stage, &(struct line){ CLIENT, "0A 04 04 01 0000 'clid'", 0 });
    perform(&stage, &(struct line){ SERVER, "20 03 00 00 00", 0 });
    stage.sent = 0;
    datagram.data[4] = 0x02; /* QoS 0, which nothing answers but a refusal */
    for (unsigned i = 0; i < 200; i++)
        gateway_client_receive(&stage.client, notation_bytes(&datagram), stage.now_ms);
    assert_in_range(gateway_client_packets(&stage.client).size, 1, GATEWAY_PACKETS_MAX);
    assert_in_range(stage.sent, 100, 199);
    end(&stage, &memory);
}

TEST(a_client_that_proves_itself_faster_than_the_server_hears_fills_no_memory)
{
    struct notation auth = notation_read("01 0309 0F 0001 18 01 'x' {768}");
    struct test_memory memory = test_memory_start();
    struct stage stage;

    begin(&stage, &memory.memory);
    perform(&stage, &(struct line){ CLIENT, "0F 01 04 00C0 02 003C 0000 01 'x' 0000 'a'", 0 });
    for (unsigned i = 0; i < 200; i++)
        gateway_client_receive(&stage.client, notation_bytes(&auth), stage.now_ms);
    assert_in_range(gateway_client_packets(&stage.client).size, GATEWAY_PACKETS_MAX / 2,
            GATEWAY_PACKETS_MAX);
    assert_int_equal(gateway_client_phase(&stage.client), GATEWAY_JOINING);
    end(&stage, &memory);
}

TEST(a_device_that_the_server_calls_otherwise_wakes_by_its_own_id)
{
    static const struct line lines[] = {
        { CLIENT, "0A 04 00 01 003C 'clid'", 0 },
        { SERVER, "20 03 00 00 00", 0 },
        { CLIENT, "04 18 000A", 0 },
        { CLIENT, "06 16 'clid'", 0 },
    };
    struct test_memory memory = test_memory_start();
    struct stage stage;

    begin(&stage, &memory.memory);
    stage.name = "user";
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        perform(&stage, &lines[i]);
    assert_int_equal(stage.last_type, MQTTSN_PINGRESP);
    assert_int_equal(gateway_client_phase(&stage.client), GATEWAY_ASLEEP);
    end(&stage, &memory);
}

static const char with_will[] = "0A 04 08 01 003C 'clid'";
static const char without[] = "0A 04 00 01 003C 'clid'";

/* The next device comes, says the same id as all, and goes. */
static void come_and_go(struct stage *stage, const char *name, const char *connect)
{
    gateway_client_deinit(&stage->client);
    gateway_client_init(&stage->client, &stage->gateway);
    stage->name = name;
    perform(stage, &(struct line){ CLIENT, connect, 0 });
    perform(stage, &play[1]);
    perform(stage, &play[2]);
    perform(stage, &(struct line){ SERVER, "20 03 01 00 00", 0 });
    perform(stage, &(struct line){ CLIENT, "02 18", 0 });
}

TEST(a_will_ends_with_the_session_of_a_client_that_stays_away)
{
    static const struct {
        uint32_t session_s;
        int64_t away_ms;
        unsigned wills;
    } rows[] = {
        { 60, 59999, 1 },
        { 60, 60000, 0 },
        { UINT32_MAX, INT64_C(1000) * GATEWAY_WILL_KEPT_MAX_S - 1, 1 },
        { UINT32_MAX, INT64_C(1000) * GATEWAY_WILL_KEPT_MAX_S, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_memory memory = test_memory_start();
        struct stage stage;

        begin(&stage, &memory.memory);
        stage.session_s = rows[i].session_s;
        come_and_go(&stage, "one", with_will);
        stage.now_ms += rows[i].away_ms;
        come_and_go(&stage, "one", without);
        assert_int_equal(stage.wills, rows[i].wills);
        end(&stage, &memory);
    }
}

TEST(devices_that_say_the_same_id_have_wills_of_their_own)
{
    struct test_memory memory = test_memory_start();
    struct stage stage;

    begin(&stage, &memory.memory);
    come_and_go(&stage, "one", with_will);
    come_and_go(&stage, "two", without);
    assert_int_equal(stage.wills, 0);
    come_and_go(&stage, "one", without);
    assert_int_equal(stage.wills, 1);
    end(&stage, &memory);
}
