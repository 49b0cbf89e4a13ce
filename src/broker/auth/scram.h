/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of SCRAM-SHA-256: a client proves that it knows a password that it never sends,
 * and learns that the server knows of it, too. Pure but for OpenSSL's HMAC: nonces come from the
 * caller, and the caller finds the user.
 *
 *     client-first   "n,,n=alice,r=NONCE"          scram_first_read()
 *     server-first   "r=NONCE...,s=SALT,i=ROUNDS"  scram_begin()
 *     client-final   "c=biws,r=NONCE...,p=PROOF"   scram_finish()
 *     server-final   "v=SIGNATURE"
 *
 * There is no channel binding: a client that insists on it ("p=...") is refused. Names and
 * passwords are compared as they are; who wants other spellings of a name to be the same prepares
 * both sides (SASLprep leaves ASCII as it is). (Source: RFC 5802, RFC 7677)
 */
#ifndef BROKER_AUTH_SCRAM_H
#define BROKER_AUTH_SCRAM_H

#include "broker/auth/password_hash.h"

enum {
    SCRAM_MESSAGE_MAX = 1024, /* bytes of one of the client's messages */
    SCRAM_NONCE_MAX = 64,     /* of the server's part of the nonce */
    SCRAM_ANSWER_MAX = SCRAM_MESSAGE_MAX + 256,
};

/* The client's first message; its members borrow the message. */
struct scram_first {
    struct bytes header; /* "n,," with maybe a name in it, which the last message repeats */
    struct bytes bare;   /* what comes behind it */
    struct bytes as;     /* whom the client wants to be, as it was written; empty: the user */
    struct bytes user;   /* as it was written; see scram_name_read() */
    struct bytes nonce;
};

/* False for a message that is none, is too long or asks for what is not there. */
bool scram_first_read(struct scram_first *out, struct bytes message);

/* Undoes the escapes of a name ("=2C" for ',', "=3D" for '='). Writes at most written.size bytes
 * and returns how many; 0 when it is no name. */
size_t scram_name_read(struct bytes written, uint8_t *out);

/* One exchange, from scram_begin() on. Wipe it when it is over. */
struct scram {
    struct password_hash key;
    uint8_t header[SCRAM_MESSAGE_MAX];
    size_t header_size;
    struct bytes nonce; /* of both sides; lies in `text` */
    uint8_t text[SCRAM_MESSAGE_MAX + 1 + SCRAM_ANSWER_MAX + 1 + SCRAM_MESSAGE_MAX];
    size_t text_size;    /* of what both sides have said, which the proof is over */
    char answer[2 + 45]; /* "v=" and base64 of 32 bytes */
    bool heard;          /* the client has said the server's part of the nonce */
};

/* Begins an exchange with whom `key` belongs to, which must be of SCRAM, and returns what to
 * answer; it lies in the exchange. `nonce` is the server's part: chance as printable
 * ASCII without ','. */
struct bytes scram_begin(struct scram *scram, const struct scram_first *first,
        const struct password_hash *key, struct bytes nonce);

/**
 * Judges the client's last message.
 *
 * Returns true when it proves the password; *answer then lies in the exchange. False: the message
 * is malformed, not of this exchange, or the proof is wrong.
 */
bool scram_finish(struct scram *scram, struct bytes message, struct bytes *answer);

#endif
