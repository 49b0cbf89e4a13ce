/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/scram.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum {
    KEY_SIZE = PASSWORD_SCRAM_KEY_SIZE,
    PROOF_TEXT_SIZE = 44, /* KEY_SIZE bytes in base64 */
    BASE64_HEADER_MAX = (SCRAM_MESSAGE_MAX + 2) / 3 * 4,
};

/* ---- Reading ---- */

/* What comes before the next comma, which is taken too; false when there is none. */
static bool take_part(struct bytes *rest, struct bytes *out)
{
    const uint8_t *comma = rest->size > 0 ? memchr(rest->data, ',', rest->size) : NULL;

    if (!comma)
        return false;
    *out = bytes_first(*rest, (size_t)(comma - rest->data));
    *rest = bytes_from(*rest, out->size + 1);
    return true;
}

/* The value of "x=value"; false when the part is another one's or has no value. */
static bool value_of(struct bytes part, char name, struct bytes *out)
{
    if (part.size < 3 || part.data[0] != name || part.data[1] != '=')
        return false;
    *out = bytes_from(part, 2);
    return true;
}

static bool is_nonce(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == ',')
            return false;
    }
    return text.size > 0;
}

/* Takes what comes before the next comma or the end. True: it was a comma, so there is more. */
static bool take_part_or_rest(struct bytes *rest, struct bytes *out)
{
    if (take_part(rest, out))
        return true;
    *out = *rest;
    *rest = (struct bytes){ 0 };
    return false;
}

/* The nonce and, behind it, extensions, which are read over, but for one that says that it must not
 * be. */
static bool take_nonce(struct bytes rest, struct bytes *nonce)
{
    struct bytes part;
    bool more = take_part_or_rest(&rest, &part);

    if (!value_of(part, 'r', nonce) || !is_nonce(*nonce))
        return false;
    while (more) {
        more = take_part_or_rest(&rest, &part);
        if (part.size < 2 || part.data[1] != '=' || part.data[0] == 'm')
            return false;
    }
    return true;
}

/* "n,," or "y,,", with maybe "a=name" between the commas. */
static bool take_header(struct bytes *rest, struct scram_first *out)
{
    struct bytes whole = *rest;
    struct bytes binding;
    struct bytes as;

    if (!take_part(rest, &binding) || !take_part(rest, &as) || binding.size != 1 ||
            (binding.data[0] != 'n' && binding.data[0] != 'y'))
        return false;
    out->header = bytes_first(whole, whole.size - rest->size);
    out->as = (struct bytes){ 0 };
    return as.size == 0 || value_of(as, 'a', &out->as);
}

bool scram_first_read(struct scram_first *out, struct bytes message)
{
    struct scram_first first;
    struct bytes rest = message;
    struct bytes part;

    if (message.size > SCRAM_MESSAGE_MAX || !take_header(&rest, &first))
        return false;
    first.bare = rest;
    if (!take_part(&rest, &part) || !value_of(part, 'n', &first.user) ||
            !take_nonce(rest, &first.nonce))
        return false;
    *out = first;
    return true;
}

size_t scram_name_read(struct bytes written, uint8_t *out)
{
    size_t size = 0;

    for (size_t i = 0; i < written.size; i++) {
        uint8_t byte = written.data[i];

        if (byte == '=') {
            struct bytes rest = bytes_from(written, i);

            if (bytes_start_with(rest, BYTES("=2C")))
                byte = ',';
            else if (!bytes_start_with(rest, BYTES("=3D")))
                return 0;
            i += 2;
        }
        out[size++] = byte;
    }
    return size;
}

/* ---- The exchange ---- */

static void say(struct scram *scram, struct bytes text)
{
    assert(scram->text_size + text.size <= sizeof(scram->text));
    memcpy(scram->text + scram->text_size, text.data, text.size);
    scram->text_size += text.size;
}

struct bytes scram_begin(struct scram *scram, const struct scram_first *first,
        const struct password_hash *key, struct bytes nonce)
{
    char salt_and_rounds[PASSWORD_TEXT_MAX + 1];
    char salt[(PASSWORD_SALT_MAX + 2) / 3 * 4 + 1];
    size_t start;

    assert(key->algorithm == PASSWORD_SCRAM_SHA256 && nonce.size <= SCRAM_NONCE_MAX);
    scram->key = *key;
    scram->header_size = first->header.size;
    memcpy(scram->header, first->header.data, first->header.size);
    scram->text_size = 0;
    scram->heard = false;
    say(scram, first->bare);
    say(scram, BYTES(","));
    start = scram->text_size;
    say(scram, BYTES("r="));
    say(scram, first->nonce);
    say(scram, nonce);
    scram->nonce = bytes_of(scram->text + start + 2, scram->text_size - start - 2);
    EVP_EncodeBlock((unsigned char *)salt, key->salt, key->salt_size);
    snprintf(salt_and_rounds, sizeof(salt_and_rounds), ",s=%s,i=%u", salt, key->rounds);
    say(scram, bytes_of_text(salt_and_rounds));
    return bytes_of(scram->text + start, scram->text_size - start);
}

/* Does it repeat, in base64, the header that the first message began with? */
static bool repeats_header(const struct scram *scram, struct bytes value)
{
    unsigned char text[BASE64_HEADER_MAX + 1];
    int size = EVP_EncodeBlock(text, scram->header, (int)scram->header_size);

    return bytes_equal(value, bytes_of(text, (size_t)size));
}

/* The proof, which is what the last comma leads. Of the ways to write it in base64 one is right:
 * that which it is written in again. */
static bool take_proof(struct bytes *message, uint8_t proof[KEY_SIZE])
{
    static const size_t size = PROOF_TEXT_SIZE + 3;
    uint8_t decoded[KEY_SIZE + 1];
    unsigned char again[PROOF_TEXT_SIZE + 1];
    struct bytes end;

    if (message->size < size)
        return false;
    end = bytes_from(*message, message->size - size);
    if (!bytes_start_with(end, BYTES(",p=")) ||
            EVP_DecodeBlock(decoded, end.data + 3, PROOF_TEXT_SIZE) != sizeof(decoded))
        return false;
    EVP_EncodeBlock(again, decoded, KEY_SIZE);
    if (!bytes_equal(bytes_from(end, 3), bytes_of(again, PROOF_TEXT_SIZE)))
        return false;
    memcpy(proof, decoded, KEY_SIZE);
    *message = bytes_first(*message, message->size - size);
    return true;
}

/* HMAC of all that was said. */
static bool sign(const struct scram *scram, const uint8_t *key, uint8_t out[KEY_SIZE])
{
    return HMAC(EVP_sha256(), key, KEY_SIZE, scram->text, scram->text_size, out, NULL) != NULL;
}

/* Is the proof the client's key, hidden by a signature that takes StoredKey? */
static bool is_proof(const struct scram *scram, uint8_t proof[KEY_SIZE])
{
    uint8_t signature[KEY_SIZE];
    uint8_t stored[KEY_SIZE];
    bool good = sign(scram, scram->key.hash, signature);

    for (size_t i = 0; i < KEY_SIZE; i++)
        proof[i] ^= signature[i];
    good = good && EVP_Digest(proof, KEY_SIZE, stored, NULL, EVP_sha256(), NULL) &&
            CRYPTO_memcmp(stored, scram->key.hash, KEY_SIZE) == 0;
    OPENSSL_cleanse(proof, KEY_SIZE);
    return good;
}

bool scram_finish(struct scram *scram, struct bytes message, struct bytes *answer)
{
    struct bytes rest = message;
    uint8_t proof[KEY_SIZE];
    uint8_t signature[KEY_SIZE];
    struct bytes part;
    struct bytes value;

    if (message.size > SCRAM_MESSAGE_MAX || !take_proof(&rest, proof))
        return false;
    message = rest;
    if (!take_part(&rest, &part) || !value_of(part, 'c', &value) || !repeats_header(scram, value) ||
            !take_nonce(rest, &value) || !bytes_equal(value, scram->nonce))
        return false;
    scram->heard = true;
    say(scram, BYTES(","));
    say(scram, message);
    if (!is_proof(scram, proof) || !sign(scram, scram->key.hash + KEY_SIZE, signature))
        return false;
    memcpy(scram->answer, "v=", 2);
    EVP_EncodeBlock((unsigned char *)scram->answer + 2, signature, KEY_SIZE);
    *answer = bytes_of_text(scram->answer);
    return true;
}
