/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/authentication.h"

#include "tests/harness/datagram_codec.h"
#include "tests/harness/test.h"

static bool basic_decode(struct mqttsn2_basic *out, const struct notation *data)
{
    return mqttsn2_basic_decode(out, notation_bytes(data));
}

TEST(user_name_and_password_are_the_data_of_a_method)
{
    struct notation data = notation_read("S'user' 0003 00FF 'x'");
    struct mqttsn2_basic basic;
    uint8_t buffer[32];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    assert_true(basic_decode(&basic, &data));
    assert_true(bytes_equal(basic.user_name, BYTES("user")));
    assert_true(bytes_equal(basic.password, BYTES("\0\xFFx")));
    mqttsn2_basic_encode(&out, &basic);
    assert_true(datagram_is(&out, "S'user' 0003 00FF 'x'"));
}

TEST(both_may_be_empty)
{
    struct notation data = notation_read("0000 0000");
    struct mqttsn2_basic basic;

    assert_true(basic_decode(&basic, &data));
    assert_int_equal(basic.user_name.size, 0);
    assert_int_equal(basic.password.size, 0);
}

TEST(data_of_another_shape_are_refused)
{
    static const char *const wrong[] = { "", "00", "0000", "0000 00", "0000 0001", "0001 0000",
        "S'user'", "S'user' 0001", "0002 C328 0000", "0001 00 0000", "0000 0000 00",
        "S'user' S'x' 00" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct notation data = notation_read(wrong[i]);
        struct mqttsn2_basic basic = { BYTES("old"), BYTES("older") };

        assert_false(basic_decode(&basic, &data));
        assert_true(bytes_equal(basic.user_name, BYTES("old")));
        assert_true(bytes_equal(basic.password, BYTES("older")));
    }
}

TEST(a_method_stands_before_its_data)
{
    struct notation notation = notation_read("04 'gs2x' 0002 00FF 'behind'");
    struct reader in = { .rest = notation_bytes(&notation) };
    struct mqttsn2_authentication authentication = mqttsn2_authentication_read(&in);

    assert_false(in.failed);
    assert_true(bytes_equal(authentication.method, BYTES("gs2x")));
    assert_true(bytes_equal(authentication.data, BYTES("\0\xFF")));
    assert_true(bytes_equal(in.rest, BYTES("behind")));
    assert_int_equal(mqttsn2_authentication_size(&authentication), 9);
}

TEST(a_method_that_is_no_text_fails_the_reader)
{
    static const char *const wrong[] = { "", "01", "02 C328", "02 'a'", "01 00" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct notation notation = notation_read(wrong[i]);
        struct reader in = { .rest = notation_bytes(&notation) };

        assert_int_equal(mqttsn2_method_read(&in).size, 0);
        assert_true(in.failed);
    }
}

TEST(a_method_has_a_largest_size)
{
    static const uint8_t method[MQTTSN2_METHOD_SIZE_MAX + 1] = { 0 };
    uint8_t buffer[2 * sizeof(method)];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqttsn2_method_write(&out, bytes_of(method, MQTTSN2_METHOD_SIZE_MAX));
    assert_false(out.failed);
    assert_int_equal(out.used, 1 + MQTTSN2_METHOD_SIZE_MAX);
    mqttsn2_method_write(&out, bytes_of(method, sizeof(method)));
    assert_true(out.failed);
}
