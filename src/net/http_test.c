/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct http_request *request_new(void)
{
    struct http_request *request = malloc(sizeof(*request));

    assert_non_null(request);
    http_request_init(request);
    return request;
}

static struct http_request *request_of(struct bytes head)
{
    struct http_request *request = request_new();

    assert_int_equal(http_request_read(request, head), HTTP_WHOLE);
    return request;
}

static void expect_text(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

static const char sample_text[] = "GET /mqtt?a=b HTTP/1.1\r\nHost: example.org\r\nEmpty:\r\n"
                                  "Accept: one, two\r\naccept:  ,Three ,\r\n\r\n";
static const struct bytes sample = { (const uint8_t *)sample_text, sizeof(sample_text) - 1 };

TEST(a_head_is_read)
{
    struct http_request *request = request_of(sample);
    struct bytes value;

    assert_string_equal(http_request_method(request), "GET");
    assert_int_equal(http_request_version(request), 0x101);
    expect_text(request->target, "/mqtt?a=b");
    expect_text(http_request_path(request), "/mqtt");
    assert_true(http_field(request, "host", &value));
    expect_text(value, "example.org");
    assert_true(http_field(request, "EMPTY", &value));
    assert_int_equal(value.size, 0);
    assert_int_equal(request->read, sample.size);
    free(request);
}

TEST(a_head_may_come_byte_by_byte)
{
    struct http_request *request = request_new();
    struct bytes value;

    for (size_t size = 0; size < sample.size; size++)
        assert_int_equal(http_request_read(request, bytes_first(sample, size)), HTTP_PARTIAL);
    assert_int_equal(http_request_read(request, sample), HTTP_WHOLE);
    expect_text(http_request_path(request), "/mqtt");
    assert_true(http_field(request, "host", &value));
    expect_text(value, "example.org");
    free(request);
}

TEST(what_follows_the_head_is_left)
{
    struct http_request *request = request_of(BYTES("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\nmore"));

    assert_int_equal(request->read, strlen("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n"));
    free(request);
}

TEST(a_body_that_is_announced_is_left_too)
{
    static const char text[] = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody";
    struct http_request *request = request_of(bytes_of_text(text));

    assert_int_equal(request->read, strlen(text) - 4);
    free(request);
}

TEST(a_field_that_comes_twice_has_no_one_value)
{
    struct http_request *request = request_of(sample);
    struct bytes value;

    assert_true(http_has_field(request, "accept"));
    assert_false(http_field(request, "accept", &value));
    assert_false(http_has_field(request, "origin"));
    assert_false(http_field(request, "origin", &value));
    free(request);
}

TEST(words_are_those_of_all_fields_of_the_name)
{
    static const char *const words[] = { "one", "two", "Three" };
    struct http_request *request = request_of(sample);
    struct http_walk walk = { 0 };
    struct bytes word;

    for (size_t i = 0; i < 3; i++) {
        assert_true(http_next_word(request, "Accept", &walk, &word));
        expect_text(word, words[i]);
    }
    assert_false(http_next_word(request, "Accept", &walk, &word));
    assert_false(http_next_word(request, "Accept", &walk, &word));
    assert_true(http_has_word(request, "accept", "three"));
    assert_false(http_has_word(request, "accept", "thre"));
    free(request);
}

TEST(what_is_no_http_is_bad_at_its_first_byte)
{
    struct http_request *request = request_new();

    assert_int_equal(http_request_read(request, BYTES("\x10")), HTTP_BAD);
    free(request);
}

TEST(a_folded_line_is_bad)
{
    static const char *const heads[] = {
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nA:\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: \n\tc\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n \r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct http_request *request = request_new();

        if (http_request_read(request, bytes_of_text(heads[i])) != HTTP_BAD)
            fail_msg("%s", heads[i]);
        free(request);
    }
}

TEST(a_blank_in_or_behind_a_name_is_bad)
{
    static const char *const heads[] = {
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nA b: c\r\n\r\n",
        "GET / HTTP/1.1\r\nA\t: c\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct http_request *request = request_new();

        if (http_request_read(request, bytes_of_text(heads[i])) != HTTP_BAD)
            fail_msg("%s", heads[i]);
        free(request);
    }
}

TEST(header_lines_have_a_limit)
{
    for (int lines = HTTP_FIELDS_MAX; lines <= HTTP_FIELDS_MAX + 1; lines++) {
        struct http_request *request = request_new();
        char head[16 * (HTTP_FIELDS_MAX + 3)];
        size_t size = (size_t)sprintf(head, "GET / HTTP/1.1\r\n");

        for (int i = 0; i < lines; i++)
            size += (size_t)sprintf(head + size, "H%d: v\r\n", i);
        size += (size_t)sprintf(head + size, "\r\n");
        assert_int_equal(http_request_read(request, bytes_of(head, size)),
                lines > HTTP_FIELDS_MAX ? HTTP_TOO_MANY : HTTP_WHOLE);
        free(request);
    }
}

TEST(a_refusal_says_what_and_why)
{
    char answer[HTTP_ANSWER_SIZE];
    size_t size = http_refusal(answer, HTTP_STATUS_NOT_FOUND, "A: b\r\n", "nothing is here");

    expect_text(bytes_of(answer, size),
            "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\n"
            "Content-Length: 16\r\nA: b\r\n\r\nnothing is here\n");
}
