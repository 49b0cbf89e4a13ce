/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lines of any bytes as a client's messages in an exchange by SCRAM: what is read of the first
 * lies within it, the answer begins with the client's nonce, and nothing but the one right proof of
 * the password is taken.
 */
#include "broker/auth/scram.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of the password "pencil". */
static const char key_text[] = "$scram-sha-256$4096$W22ZaJ0SNY7soEsUEjb6gQ=="
                               "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
                               "$wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
static const char server_nonce[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
static const char right_proof[] = ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

static bool lies_in(struct bytes part, struct bytes whole)
{
    return part.size == 0 ||
            (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    struct bytes message = bytes_of(data, end ? (size_t)(end - data) : size);
    struct bytes proof = bytes_from(bytes_of(data, size), end ? message.size + 1 : size);
    uint8_t name[SCRAM_MESSAGE_MAX];
    struct scram_first first;
    struct password_hash key;
    struct scram scram;
    struct bytes answer;

    if (!password_hash_decode(&key, bytes_of_text(key_text)) || !scram_first_read(&first, message))
        return 0;
    assert(lies_in(first.header, message) && lies_in(first.bare, message));
    assert(lies_in(first.user, message) && lies_in(first.nonce, message));
    assert(scram_name_read(first.user, name) <= first.user.size);
    answer = scram_begin(&scram, &first, &key, bytes_of_text(server_nonce));
    assert(bytes_start_with(bytes_from(answer, 2), first.nonce));
    if (!scram_finish(&scram, proof, &answer))
        return 0;
    assert(bytes_equal(first.bare, BYTES("n=user,r=rOprNGfwEbeRWgbNEkqO")));
    assert(bytes_equal(
            bytes_from(proof, proof.size - sizeof(right_proof) + 1), bytes_of_text(right_proof)));
    return 0;
}
