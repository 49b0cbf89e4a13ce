/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/expand.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/config/fixture.h"
#include "broker/config/value.h"
#include "tests/harness/test.h"

static const struct option plain = { .name = "path", .type = OPTION_TEXT };
static const struct option secret = { .name = "key", .type = OPTION_TEXT, .secret = true };

static int file_read(void *context, const char *path, struct bytes *out)
{
    const struct bytes *text = context;
    uint8_t *copy = malloc(text->size + 1);

    if (strcmp(path, "/secret") != 0) {
        free(copy);
        return -ENOENT;
    }
    assert_non_null(copy);
    memcpy(copy, text->data, text->size);
    *out = bytes_of(copy, text->size);
    return 0;
}

static const char *variable(void *context, const char *name)
{
    static char long_value[CONFIG_VALUE_BYTES_MAX];

    (void)context;
    memset(long_value, 'x', sizeof(long_value) - 1);
    if (strcmp(name, "LONG") == 0)
        return long_value;
    if (strcmp(name, "EMPTY") == 0)
        return "";
    return strcmp(name, "DIR_2") == 0 ? "/run/${DIR_2}" : NULL;
}

static char told[512];

static void tell(void *context, enum report_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    snprintf(told, sizeof(told), "%s", text);
}

static int expand_with(
        struct expanded *out, const struct option *option, const char *text, struct bytes in_file)
{
    struct source source = { .read = file_read, .variable = variable, .context = &in_file };
    struct report report = { .tell = tell };
    const struct report_origin origin = { "conf", 7 };

    told[0] = '\0';
    return expand(out, option, bytes_of_text(text), &source, &report, origin);
}

static void expect(
        const struct option *option, const char *text, struct bytes in_file, struct bytes wanted)
{
    struct expanded got = { 0 };

    if (expand_with(&got, option, text, in_file) < 0)
        fail_msg("%s: %s", text, told);
    assert_int_equal(got.text.size, wanted.size);
    assert_true(bytes_equal(got.text, wanted));
    expanded_free(&got);
}

static void expect_error(
        const struct option *option, const char *text, struct bytes in_file, const char *wanted)
{
    struct expanded got = { 0 };

    assert_int_equal(expand_with(&got, option, text, in_file), -EINVAL);
    assert_null(got.block);
    if (!strstr(told, wanted))
        fail_msg("told: %s", told);
}

TEST(a_variable_gives_its_value_once)
{
    expect(&plain, "${DIR_2}/keys", BYTES(""), BYTES("/run/${DIR_2}/keys"));
    expect(&plain, "a${DIR_2}${DIR_2}", BYTES(""), BYTES("a/run/${DIR_2}/run/${DIR_2}"));
    expect(&plain, "a${EMPTY}b", BYTES(""), BYTES("ab"));
}

TEST(what_is_no_variable_stays_as_it_is)
{
    static const char *const texts[] = { "$SYS/#", "$share/g/${x}", "${", "$", "${}", "${A", "${A ",
        "${1A}", "${a}", "${A-B}", "$$", "$${x}", "{A}", "$$SYS", "${A${b}" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect(&plain, texts[i], BYTES(""), bytes_of_text(texts[i]));
}

TEST(two_dollars_stand_for_the_letters_themselves)
{
    expect(&plain, "$${DIR_2}", BYTES(""), BYTES("${DIR_2}"));
    expect(&plain, "a$$${NOT_SET}b", BYTES(""), BYTES("a$${NOT_SET}b"));
}

TEST(a_variable_that_is_not_set_is_an_error_with_its_place)
{
    expect_error(&plain, "/a/${NOT_SET}", BYTES(""),
            "conf:7: path: NOT_SET is not set in the environment; set it, or write $${...} for the "
            "letters themselves");
}

TEST(a_value_that_becomes_too_long_is_an_error)
{
    expect_error(&plain, "${LONG}xx", BYTES(""), "is longer than 65535 bytes");
}

TEST(a_secret_may_be_in_a_file)
{
    expect(&secret, "file:/secret", BYTES("hush\n"), BYTES("hush"));
    expect(&secret, "file:/secret", BYTES("hush\r\n"), BYTES("hush"));
    expect(&secret, "file:/secret", BYTES("hu sh "), BYTES("hu sh "));
    expect(&secret, "hush", BYTES("other"), BYTES("hush"));
}

TEST(what_is_no_secret_may_start_with_file)
{
    expect(&plain, "file:/secret", BYTES("hush\n"), BYTES("file:/secret"));
}

TEST(a_secret_in_a_file_is_one_line)
{
    static const char two_lines[] = "hush\nhush\n";
    static char long_secret[CONFIG_VALUE_BYTES_MAX + 1];

    memset(long_secret, 'x', sizeof(long_secret));
    expect_error(&secret, "file:/secret", bytes_of_text(two_lines), "has more than one line");
    expect_error(&secret, "file:/secret", BYTES("a\0b"), "or a NUL");
    expect_error(&secret, "file:/secret", BYTES(""), "key: /secret is empty");
    expect_error(&secret, "file:/secret", BYTES("\n"), "key: /secret is empty");
    expect_error(&secret, "file:/secret", bytes_of(long_secret, sizeof(long_secret)),
            "key: /secret is empty or has more than 65535 bytes");
    expect_error(&secret, "file:/missing", BYTES(""), "key: /missing cannot be read: No such file");
    expect_error(&secret, "file:", BYTES(""), "write a file's path");
}

TEST(a_secret_is_never_shown)
{
    char text[16];
    const struct option option = { .name = "key", .type = OPTION_TEXT, .secret = true, .size = 8 };
    struct report report = { .tell = tell };

    value_write(&option, "hush", text, sizeof(text));
    assert_string_equal(text, OPTION_HIDDEN);
    value_write(&option, "", text, sizeof(text));
    assert_string_equal(text, "");
    assert_false(value_read(
            &option, BYTES("hushhushhush"), text, &report, (struct report_origin){ "conf", 7 }));
    assert_non_null(strstr(told, "key *** is longer than 7 bytes"));
    assert_null(strstr(told, "hush"));
}

/* The whole way. */

TEST(a_configuration_takes_values_from_the_environment)
{
    static struct fixture fixture;

    fixture_set(&fixture, "PORT", "1999");
    fixture_set(&fixture, "CREDENTIALS_DIRECTORY", "/run/credentials/nightjar.service");
    assert_int_equal(fixture_load(&fixture,
                             "listener ${PORT}\n"
                             "password_file ${CREDENTIALS_DIRECTORY}/passwords\n"),
            0);
    assert_int_equal(fixture.config->listeners[0].settings.port, 1999);
    assert_string_equal(fixture.config->listeners[0].password_file,
            "/run/credentials/nightjar.service/passwords");
    fixture_end(&fixture);
}

TEST(a_variable_is_no_key)
{
    static struct fixture fixture;

    fixture_set(&fixture, "KEY", "listener");
    assert_int_equal(fixture_load(&fixture, "${KEY} 1999\n"), -EINVAL);
    assert_true(fixture_told(&fixture, "conf:1: ${KEY} is not a known key"));
    fixture_end(&fixture);
}

TEST(a_secret_is_kept_out_of_the_settings)
{
    static struct fixture fixture;

    fixture_add(&fixture, "/secret", "hush\n");
    assert_int_equal(fixture_load(&fixture, "connection b\nremote_password file:/secret\n"),
            -EINVAL); /* There are no bridges yet. */
    assert_false(fixture_told(&fixture, "hush"));
    assert_false(fixture_told(&fixture, "cannot"));
    fixture_end(&fixture);
}
