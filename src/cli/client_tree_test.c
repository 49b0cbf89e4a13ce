/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_tree.h"

#include "tests/harness/test.h"

static void expect_tree(const char *const topics[], size_t count, const char *printed)
{
    struct client_tree tree = { 0 };
    char out[1024] = "";
    FILE *file = fmemopen(out, sizeof(out), "w");

    for (size_t i = 0; i < count; i++) {
        struct nj_message message = { .topic = nj_text(topics[i]), .payload = nj_text("1") };

        assert_true(client_tree_add(&tree, &message));
    }
    client_tree_print(&tree, file);
    fclose(file);
    client_tree_deinit(&tree);
    assert_string_equal(out, printed);
}

#define EXPECT(printed, ...)                                                                       \
    expect_tree((const char *const[]){ __VA_ARGS__ },                                              \
            sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), printed)

TEST(levels_in_common_are_printed_once)
{
    EXPECT("home\n  hall\n    light = 1\n  kitchen\n    light = 1\n    temperature = 1\n",
            "home/kitchen/temperature", "home/hall/light", "home/kitchen/light");
}

TEST(a_topic_may_have_topics_below_it)
{
    EXPECT("a = 1\n  b = 1\n  c\n    d = 1\na! = 1\nab\n  b = 1\n", "a/c/d", "ab/b", "a/b", "a",
            "a!");
}

TEST(levels_may_be_empty)
{
    EXPECT("\n  a = 1\na\n   = 1\n     = 1\n", "/a", "a//", "a/");
}

TEST(long_and_binary_payloads_are_cut_and_masked)
{
    struct client_tree tree = { 0 };
    char payload[100];
    struct nj_message message = { .topic = nj_text("t"),
        .payload = nj_bytes_of(payload, sizeof(payload)) };
    char out[256] = "";
    FILE *file = fmemopen(out, sizeof(out), "w");

    memset(payload, 'x', sizeof(payload));
    payload[1] = '\n';
    assert_true(client_tree_add(&tree, &message));
    message = (struct nj_message){ .topic = nj_text("empty") };
    assert_true(client_tree_add(&tree, &message));
    client_tree_print(&tree, file);
    fclose(file);
    client_tree_deinit(&tree);
    assert_string_equal(out,
            "empty = \nt = x.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... (100 "
            "bytes)\n");
}
