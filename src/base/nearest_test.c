/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "tests/harness/test.h"

static const char *meant(const char *written)
{
    static const char *const names[] = { "sub", "pub", "rr", NULL, "status", "client", "clients" };
    struct nearest nearest = nearest_to(bytes_of_text(written));

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        nearest_offer(&nearest, names[i]);
    return nearest.name;
}

TEST(a_slip_is_near_what_was_meant)
{
    assert_string_equal(meant("pubb"), "pub");
    assert_string_equal(meant("dub"), "sub"); /* The first of two. */
    assert_string_equal(meant("statsu"), "status");
    assert_string_equal(meant("clientss"), "clients");
    assert_string_equal(meant("usb"), "sub");
    assert_string_equal(meant("tsatus"), "status");
}

TEST(another_word_is_near_nothing)
{
    assert_null(meant(""));
    assert_null(meant("r"));
    assert_null(meant("substitute"));
    assert_null(meant("a name that is much longer than any that is compared"));
}
