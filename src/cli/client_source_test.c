/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_source.h"

#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool open_text(struct client_source *source, const char *text, enum client_payload payload)
{
    char path[] = "/tmp/nightjar-source-XXXXXX";
    int fd = mkstemp(path);
    struct client_options options = { .payload = payload, .payload_text = path };
    bool opened;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    opened = client_source_open(source, &options);
    unlink(path);
    return opened;
}

static void expect_line(struct client_source *source, const char *text)
{
    struct nj_bytes line;

    while (!client_source_line(source, &line)) {
        assert_false(source->ended);
        assert_true(client_source_read(source));
    }
    assert_int_equal(line.size, strlen(text));
    assert_memory_equal(line.data, text, line.size);
    client_source_take(source, line);
}

static void expect_end(struct client_source *source)
{
    struct nj_bytes line;

    while (!source->ended)
        assert_true(client_source_read(source));
    assert_false(client_source_line(source, &line));
    client_source_close(source);
}

TEST(each_line_is_given_without_its_end)
{
    struct client_source source;

    assert_true(open_text(&source, "one\n\ntwo\r\n", CLIENT_PAYLOAD_FILE_LINES));
    expect_line(&source, "one");
    expect_line(&source, "");
    expect_line(&source, "two\r");
    expect_end(&source);
}

TEST(the_last_line_needs_no_end)
{
    struct client_source source;

    assert_true(open_text(&source, "one\nlast", CLIENT_PAYLOAD_FILE_LINES));
    expect_line(&source, "one");
    expect_line(&source, "last");
    expect_end(&source);
}

TEST(nothing_has_no_lines)
{
    struct client_source source;

    assert_true(open_text(&source, "", CLIENT_PAYLOAD_FILE_LINES));
    expect_end(&source);
}

TEST(a_line_may_be_longer_than_what_is_read_at_once)
{
    struct client_source source;
    size_t size = 300000;
    char *text = (char *)malloc(size + 1);

    assert_non_null(text);
    memset(text, 'x', size);
    text[size] = '\0';
    text[100000] = '\n';
    assert_true(open_text(&source, text, CLIENT_PAYLOAD_FILE_LINES));
    text[100000] = '\0';
    expect_line(&source, text);
    expect_line(&source, text + 100001);
    expect_end(&source);
    free(text);
}

TEST(a_file_is_one_payload)
{
    struct client_source source;

    assert_true(open_text(&source, "a\nb\n", CLIENT_PAYLOAD_FILE));
    assert_int_equal(source.whole.size, 4);
    assert_memory_equal(source.whole.data, "a\nb\n", 4);
    client_source_close(&source);
}

TEST(a_file_that_is_not_there_is_told)
{
    struct client_options options = { .payload = CLIENT_PAYLOAD_FILE,
        .payload_text = "/nonexistent/file" };
    struct client_source source;

    assert_false(client_source_open(&source, &options));
    client_source_close(&source);
}
