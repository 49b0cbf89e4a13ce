/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys under which sessions of TLS are given to clients in tickets. They change by and by and
 * are forgotten: who takes a key from this process opens what was said of late, and no more.
 */
#ifndef NET_TLS_TICKETS_H
#define NET_TLS_TICKETS_H

#include <openssl/evp.h>
#include <stdint.h>

enum {
    TLS_TICKET_LIFE_S = 12 * 3600, /* a client may come again with one for so long */
    TLS_TICKET_NAME_SIZE = 16,     /* of a key, as it stands in the ticket */
};

struct tls_tickets;

/* NULL when memory is short or the system gives no random bytes. */
struct tls_tickets *tls_tickets_new(int64_t now_s);

/* Wipes the keys. NULL is fine. */
void tls_tickets_free(struct tls_tickets *tickets);

/**
 * Any thread: prepares OpenSSL's contexts to seal a ticket, by the newest key, whose name it
 * writes, or to open one, by the key of that name.
 *
 * Returns 1; 2 for a ticket to open of which a newer one is to be given; 0 when no key has that
 * name any more; -1 when it failed.
 */
int tls_tickets_seal(struct tls_tickets *tickets, unsigned char name[static TLS_TICKET_NAME_SIZE],
        unsigned char iv[static EVP_MAX_IV_LENGTH], EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
        int64_t now_s);
int tls_tickets_open(struct tls_tickets *tickets,
        const unsigned char name[static TLS_TICKET_NAME_SIZE], const unsigned char *iv,
        EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int64_t now_s);

#endif
