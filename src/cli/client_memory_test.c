/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients' parts, and the captures of decode, with each allocation made to fail once: nothing
 * but the command at hand is lost.
 */
#include "cli/client_options.h"
#include "cli/client_recording.h"
#include "cli/client_source.h"
#include "cli/client_tree.h"
#include "cli/decode_stream.h"

#include "tests/harness/failing.h"
#include "tests/harness/test.h"

#include <stdlib.h>

enum { FAILURES_MAX = 1000 };

/* Runs what may run short of memory until no allocation fails any more. It returns whether it has
 * come to its end; with no failure it must have. */
static void fail_each(bool (*run)(void))
{
    for (unsigned at = 1; at < FAILURES_MAX; at++) {
        bool done;

        *failing() = (struct failing){ .fail_at = at };
        done = run();
        if (failing()->taken < at) {
            assert_true(done);
            failing()->fail_at = 0;
            return;
        }
    }
    failing()->fail_at = 0;
    fail_msg("it allocates without end");
}

static bool read_options(void)
{
    static const struct client_tool sub = { CLIENT_SUB, "sub", NULL, "", "", 0 };
    char words[][40] = { "sub", "-t", "a", "-t", "b", "-T", "c", "-L", "mqtt://u:p@h:1/d", "-D",
        "connect", "user-property", "k", "v", "-x", "5" };
    char *argv[sizeof(words) / sizeof(words[0]) + 1] = { NULL };
    struct client_options options;
    enum client_wish wish;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        argv[i] = words[i];
    wish = client_options_read(&options, &sub, (int)(sizeof(words) / sizeof(words[0])), argv);
    client_options_deinit(&options);
    return wish == CLIENT_RUN;
}

TEST(a_command_line_may_run_short_of_memory)
{
    fail_each(read_options);
}

static bool read_recording(void)
{
    char text[] = "{\"nightjar-recording\":1}\n"
                  "{\"s\":0,\"topic\":\"t\",\"qos\":0,\"payload\":\"x\",\"properties\":["
                  "[\"content-type\",\"x\"],[\"user-property\",\"k\",\"v\"],"
                  "[\"correlation-data\",\"hex\",\"00\"],[\"message-expiry-interval\",7]]}\n";
    struct recording recording = { .in = fmemopen(text, strlen(text), "r") };
    enum recording_result result;

    assert_non_null(recording.in);
    result = recording_next(&recording);
    fclose(recording.in);
    recording_deinit(&recording);
    return result == RECORDING_MESSAGE;
}

TEST(a_recording_may_run_short_of_memory)
{
    fail_each(read_recording);
}

static bool read_source(void)
{
    struct client_options options = { .payload = CLIENT_PAYLOAD_FILE_LINES,
        .payload_text = "/proc/self/maps" };
    struct client_source source;
    bool good = client_source_open(&source, &options);

    while (good && !source.ended)
        good = client_source_read(&source);
    client_source_close(&source);
    return good;
}

TEST(a_source_may_run_short_of_memory)
{
    fail_each(read_source);
}

static bool make_tree(void)
{
    struct nj_message message = { .topic = nj_text("a/b") };
    struct client_tree tree = { 0 };
    bool good = true;

    for (int i = 0; i < 200; i++)
        good &= client_tree_add(&tree, &message);
    client_tree_deinit(&tree);
    return good;
}

TEST(a_tree_may_run_short_of_memory)
{
    fail_each(make_tree);
}

static void heading(FILE *out, const void *context)
{
    (void)out;
    (void)context;
}

static bool take_segments(void)
{
    static const uint8_t connect[] = { 0x10, 0x0d, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 1,
        'c' };
    struct streams *streams = (struct streams *)calloc(1, sizeof(*streams));
    FILE *out = fopen("/dev/null", "w");
    bool good = streams && out;

    for (uint32_t i = 0; good && i < sizeof(connect); i++) {
        struct capture_packet packet = { .tcp = true,
            .sequence = i,
            .from_port = 5000,
            .to_port = 1883,
            .payload = bytes_of(connect + i, 1) };

        good = streams_take(streams, out, &packet, MQTT_FROM_CLIENT, heading, NULL);
    }
    if (streams)
        streams_deinit(streams);
    free(streams);
    if (out)
        fclose(out);
    return good;
}

TEST(a_capture_may_run_short_of_memory)
{
    fail_each(take_segments);
}
