/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_options.h"

#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct client_tool sub = { CLIENT_SUB, "sub", NULL, "", "", 0 };
static const struct client_tool pub = { CLIENT_PUB, "pub", "nightjar-test-defaults", "", "", 0 };
static const struct client_tool replay = { CLIENT_REPLAY, "replay", NULL, "", "", 0 };

static enum client_wish read_line(
        struct client_options *options, const struct client_tool *tool, const char *const words[])
{
    char *argv[32] = { NULL };
    int argc = 1;

    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return client_options_read(options, tool, argc, argv);
}

#define READ(options, tool, ...) read_line(options, &(tool), (const char *[]){ __VA_ARGS__, NULL })

TEST(each_name_and_each_letter_stands_once)
{
    size_t count;
    const struct client_option *rows = client_options_rows(&count);

    for (size_t i = 0; i < count; i++) {
        assert_true(rows[i].name || rows[i].letter);
        assert_non_null(rows[i].help);
        for (size_t j = i + 1; j < count; j++) {
            assert_true(rows[i].letter == 0 || rows[i].letter != rows[j].letter);
            assert_true(!rows[i].name || !rows[j].name || strcmp(rows[i].name, rows[j].name) != 0);
        }
    }
}

TEST(options_have_defaults_as_mosquittos_tools)
{
    struct client_options options;

    assert_int_equal(READ(&options, sub, "-t", "a"), CLIENT_RUN);
    assert_string_equal(options.host, "localhost");
    assert_int_equal(options.port, CLIENT_PORT_UNSET);
    assert_int_equal(options.version, 4);
    assert_int_equal(options.keep_alive_s, 60);
    assert_int_equal(options.in_flight_max, 20);
    assert_int_equal(options.chance_permille, 1000);
    assert_int_equal(options.topics.count, 1);
    client_options_deinit(&options);
}

TEST(a_url_says_all_of_the_server)
{
    struct client_options options;

    assert_int_equal(READ(&options, sub, "-L", "WSS://ada:w:x@[::1]:443/a/b"), CLIENT_RUN);
    assert_string_equal(options.host, "::1");
    assert_int_equal(options.port, 443);
    assert_string_equal(options.user, "ada");
    assert_string_equal(options.password, "w:x");
    assert_string_equal(options.topics.items[0], "a/b");
    assert_true(options.websocket);
    assert_true(options.os_certs);
    client_options_deinit(&options);
    assert_int_equal(READ(&options, sub, "-L", "mqtt://host/#"), CLIENT_RUN);
    assert_string_equal(options.host, "host");
    assert_int_equal(options.port, 1883);
    client_options_deinit(&options);
    assert_int_equal(READ(&options, sub, "-L", "mqtt://host:0/#"), CLIENT_WRONG);
    client_options_deinit(&options);
}

TEST(properties_make_it_mqtt_5)
{
    struct client_options options;
    struct nj_bytes properties;
    struct nj_property_value value;

    assert_int_equal(READ(&options, pub, "-t", "a", "-n", "-D", "PUBLISH", "content-type", "x",
                             "-D", "publish", "user-property", "k", "v"),
            CLIENT_RUN);
    assert_int_equal(options.version, 5);
    properties = client_properties_bytes(&options.properties[CLIENT_PUBLISH_PROPERTIES]);
    assert_true(nj_next_property(&properties, &value));
    assert_int_equal(value.property, NJ_CONTENT_TYPE);
    assert_true(nj_next_property(&properties, &value));
    assert_int_equal(value.property, NJ_USER_PROPERTY);
    assert_false(nj_next_property(&properties, &value));
    client_options_deinit(&options);
}

TEST(properties_that_packets_cannot_have_are_refused)
{
    static const char *const wrong[][4] = {
        { "publish", "payload-format-indicator", "2", NULL },
        { "publish", "topic-alias", "0", NULL },
        { "publish", "response-topic", "a/#", NULL },
        { "connect", "receive-maximum", "70000", NULL },
        { "publish", "content-type", "\xff", NULL },
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct client_options options;

        assert_int_equal(
                READ(&options, pub, "-t", "a", "-n", "-D", wrong[i][0], wrong[i][1], wrong[i][2]),
                CLIENT_WRONG);
        client_options_deinit(&options);
    }
}

TEST(a_property_that_may_come_once_is_not_given_twice)
{
    struct client_options options;

    assert_int_equal(READ(&options, pub, "-t", "a", "-n", "-D", "publish", "content-type", "x",
                             "-D", "publish", "content-type", "y"),
            CLIENT_WRONG);
    client_options_deinit(&options);
    assert_int_equal(READ(&options, pub, "-t", "a", "-n", "-x", "5", "-D", "connect",
                             "session-expiry-interval", "7"),
            CLIENT_WRONG);
    client_options_deinit(&options);
}

TEST(a_file_gives_defaults_that_the_line_overrides)
{
    char directory[] = "/tmp/nightjar-options-XXXXXX";
    char path[128];
    struct client_options options;
    FILE *file;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/nightjar-test-defaults", directory);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("# a comment\n\n-h other\r\n--port 1884\n-m a b  c\n"
          "-D publish user-property k a value\n-r",
            file);
    fclose(file);
    setenv("XDG_CONFIG_HOME", directory, 1);
    assert_int_equal(READ(&options, pub, "-t", "a", "-p", "1885"), CLIENT_RUN);
    assert_string_equal(options.host, "other");
    assert_int_equal(options.port, 1885);
    assert_string_equal(options.payload_text, "a b  c");
    assert_true(options.retain);
    assert_true(options.properties[CLIENT_PUBLISH_PROPERTIES].size > 0);
    client_options_deinit(&options);
    assert_int_equal(READ(&options, pub, "-t", "a", "-o", "/nonexistent"), CLIENT_WRONG);
    client_options_deinit(&options);
    unlink(path);
    rmdir(directory);
    unsetenv("XDG_CONFIG_HOME");
}

TEST(help_and_version_come_before_what_is_missing)
{
    struct client_options options;

    assert_int_equal(READ(&options, sub, "--help"), CLIENT_HELP);
    client_options_deinit(&options);
    assert_int_equal(READ(&options, sub, "--version"), CLIENT_VERSION);
    client_options_deinit(&options);
}

TEST(a_speed_is_a_factor)
{
    struct client_options options;

    assert_int_equal(READ(&options, replay, "file", "--speed", "2.5"), CLIENT_RUN);
    assert_string_equal(options.file, "file");
    assert_int_equal(options.speed_permille, 2500);
    client_options_deinit(&options);
    assert_int_equal(READ(&options, replay, "file", "more"), CLIENT_WRONG);
    client_options_deinit(&options);
    assert_int_equal(READ(&options, replay, "file", "--speed", "-1"), CLIENT_WRONG);
    client_options_deinit(&options);
}
