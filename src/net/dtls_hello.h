/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server of DTLS makes of a datagram from somebody of whom it keeps nothing: whether it is a
 * record, and a ClientHello as far as its cookie; and the answer that asks for that cookie. Pure
 * functions over bytes.
 *
 * Source: RFC 6347 §4.1, §4.2.1, §4.2.2
 */
#ifndef NET_DTLS_HELLO_H
#define NET_DTLS_HELLO_H

#include "base/bytes.h"
#include "base/writer.h"

enum {
    DTLS_RANDOM_SIZE = 32,
    DTLS_COOKIE_SIZE = 16,
    DTLS_VERIFY_SIZE = 13 + 12 + 3 + DTLS_COOKIE_SIZE,            /* bytes of the answer */
    DTLS_HELLO_SIZE_MIN = 13 + 12 + 2 + DTLS_RANDOM_SIZE + 1 + 1, /* of what is taken for a hello */
};

struct dtls_hello {
    struct bytes record_number; /* 6 bytes, which the answer repeats */
    uint16_t message_number;    /* of the handshake: 0, and 1 of the one with the cookie */
    struct bytes random;        /* the client's; tells one handshake from another */
    struct bytes cookie;        /* empty in a first hello */
};

/* Does a datagram begin like one of DTLS 1.0 or 1.2, and no MQTT-SN does? */
bool dtls_is_record(struct bytes datagram);

/* Does it bring a message of an association that is to be there already? */
bool dtls_is_message(struct bytes datagram);

/* Does it bring a handshake's last word, which is sealed by the key that both are to have? */
bool dtls_has_sealed_word(struct bytes datagram);

/**
 * Reads the first record of a datagram, in the clear, as a ClientHello up to its cookie; it may go
 * on in further records. *out borrows from the datagram.
 *
 * False when it is something else, or broken: then *out keeps its old value.
 */
bool dtls_hello_decode(struct dtls_hello *out, struct bytes datagram);

/* Writes the HelloVerifyRequest that answers it, of DTLS_VERIFY_SIZE bytes. */
void dtls_verify_encode(
        struct writer *out, const struct dtls_hello *hello, const uint8_t cookie[DTLS_COOKIE_SIZE]);

#endif
