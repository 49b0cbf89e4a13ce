/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012), §2, with one
 * round per word and three at the end.
 */
#include "base/hash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void sip_round(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Little-endian. Written out so that compilers make one load of it, which they do of no loop. */
static inline uint64_t word_at(const uint8_t *data)
{
    return (uint64_t)data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16 |
            (uint64_t)data[3] << 24 | (uint64_t)data[4] << 32 | (uint64_t)data[5] << 40 |
            (uint64_t)data[6] << 48 | (uint64_t)data[7] << 56;
}

/* The last bytes, less than a word. Of what is longer they are the end of a whole word. */
static inline uint64_t last_word(struct bytes bytes)
{
    size_t count = bytes.size % 8;
    uint64_t word = 0;

    if (count == 0)
        return 0;
    if (bytes.size > 8)
        return word_at(bytes.data + bytes.size - 8) >> (64 - 8 * count);
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes.data[i] << (8 * i);
    return word;
}

uint64_t hash_bytes(const struct hash_key *key, struct bytes bytes)
{
    struct state s = {
        key->words[0] ^ 0x736f6d6570736575,
        key->words[1] ^ 0x646f72616e646f6d,
        key->words[0] ^ 0x6c7967656e657261,
        key->words[1] ^ 0x7465646279746573,
    };
    struct bytes rest = bytes;

    for (; rest.size >= 8; rest = bytes_from(rest, 8))
        absorb(&s, word_at(rest.data));
    absorb(&s, last_word(bytes) | (uint64_t)bytes.size << 56);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
