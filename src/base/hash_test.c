/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "tests/harness/test.h"

enum { SAMPLE_MAX = 63 };

static uint64_t hash_of_sample(const struct hash_key *key, size_t size)
{
    uint8_t sample[SAMPLE_MAX];

    for (size_t i = 0; i < size; i++)
        sample[i] = (uint8_t)i;
    return hash_bytes(key, bytes_of(sample, size));
}

/* The expected values come from CPython 3.11, whose hash of bytes is SipHash-1-3: the first key is
 * that of PYTHONHASHSEED=0, the second that of PYTHONHASHSEED=1. */
TEST(hash_agrees_with_another_siphash_1_3)
{
    static const struct hash_key zero, one = { { 0xaed66ce184be2329, 0xebe9bbf1f1499052 } };

    assert_int_equal(hash_bytes(&zero, BYTES("a")), 0x407448d2b89b1813);
    assert_int_equal(hash_of_sample(&zero, 7), 0x2f098ab0c751325a);
    assert_int_equal(hash_of_sample(&zero, 8), 0xead411e67ebe2eea);
    assert_int_equal(hash_of_sample(&zero, 15), 0xf30eb725bb91c9ea);
    assert_int_equal(hash_of_sample(&zero, 63), 0x385d3e39e5f37359);

    assert_int_equal(hash_bytes(&one, BYTES("a")), 0xd6300bc9f7cc0e73);
    assert_int_equal(hash_of_sample(&one, 7), 0xfd15e78052a69ddf);
    assert_int_equal(hash_of_sample(&one, 8), 0xc0b5739e7e28dd01);
    assert_int_equal(hash_of_sample(&one, 15), 0xfa87985f39e97a53);
    assert_int_equal(hash_of_sample(&one, 63), 0x542052345bc68274);
}

TEST(quick_hash_sees_each_byte_and_the_size)
{
    uint8_t sample[24] = { 0 };

    for (size_t size = 0; size <= sizeof(sample); size++) {
        uint64_t before = hash_quick(bytes_of(sample, size));

        for (size_t i = 0; i < size; i++) {
            sample[i] = 1;
            assert_int_not_equal(hash_quick(bytes_of(sample, size)), before);
            sample[i] = 0;
        }
        if (size > 0)
            assert_int_not_equal(hash_quick(bytes_of(sample, size - 1)), before);
    }
    assert_int_equal(hash_quick((struct bytes){ 0 }), hash_quick(BYTES("")));
}

TEST(hash_of_nothing_needs_no_pointer)
{
    static const struct hash_key key = { { 1, 2 } };

    assert_int_equal(hash_bytes(&key, (struct bytes){ 0 }), hash_bytes(&key, BYTES("")));
}
