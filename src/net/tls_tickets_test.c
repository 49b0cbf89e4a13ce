/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_tickets.h"

#include "tests/harness/test.h"

enum { SIZE = 16, SEALED_MAX = 64 };

/* What a ticket has in it: the name of its key, and 16 bytes sealed by it. */
struct ticket {
    unsigned char name[TLS_TICKET_NAME_SIZE];
    unsigned char iv[EVP_MAX_IV_LENGTH];
    unsigned char sealed[SEALED_MAX];
    int size;
};

static const unsigned char secret[SIZE] = "a whole session";

static EVP_MAC_CTX *mac_new(void)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);

    EVP_MAC_free(mac);
    assert_non_null(context);
    return context;
}

static struct ticket seal(struct tls_tickets *tickets, int64_t now_s)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC_CTX *mac = mac_new();
    struct ticket ticket = { .size = 0 };
    int more;

    assert_int_equal(tls_tickets_seal(tickets, ticket.name, ticket.iv, cipher, mac, now_s), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, ticket.sealed, &ticket.size, secret, SIZE), 1);
    assert_int_equal(EVP_EncryptFinal_ex(cipher, ticket.sealed + ticket.size, &more), 1);
    ticket.size += more;
    assert_int_equal(EVP_MAC_init(mac, NULL, 0, NULL), 1);
    EVP_CIPHER_CTX_free(cipher);
    EVP_MAC_CTX_free(mac);
    return ticket;
}

/* Returns what tls_tickets_open() does; where that is good, the secret must come out. */
static int open_ticket(struct tls_tickets *tickets, const struct ticket *ticket, int64_t now_s)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC_CTX *mac = mac_new();
    int result = tls_tickets_open(tickets, ticket->name, ticket->iv, cipher, mac, now_s);
    unsigned char opened[SEALED_MAX];
    int size;
    int more;

    if (result > 0) {
        assert_int_equal(EVP_DecryptUpdate(cipher, opened, &size, ticket->sealed, ticket->size), 1);
        assert_int_equal(EVP_DecryptFinal_ex(cipher, opened + size, &more), 1);
        assert_int_equal(size + more, SIZE);
        assert_memory_equal(opened, secret, SIZE);
        assert_int_equal(EVP_MAC_init(mac, NULL, 0, NULL), 1);
    }
    EVP_CIPHER_CTX_free(cipher);
    EVP_MAC_CTX_free(mac);
    return result;
}

TEST(a_ticket_opens_as_long_as_it_lives)
{
    struct tls_tickets *tickets = tls_tickets_new(1000);
    struct ticket ticket = seal(tickets, 1000 + TLS_TICKET_LIFE_S - 1);

    assert_int_equal(open_ticket(tickets, &ticket, 1000 + TLS_TICKET_LIFE_S - 1), 1);
    /* By the key before the newest one: a newer ticket is to be given. */
    assert_int_equal(open_ticket(tickets, &ticket, 1000 + TLS_TICKET_LIFE_S), 2);
    assert_int_equal(open_ticket(tickets, &ticket, 1000 + 2 * TLS_TICKET_LIFE_S - 1), 2);
    tls_tickets_free(tickets);
}

TEST(a_key_is_forgotten)
{
    struct tls_tickets *tickets = tls_tickets_new(0);
    struct ticket ticket = seal(tickets, 0);

    assert_int_equal(open_ticket(tickets, &ticket, TLS_TICKET_LIFE_S), 2);
    assert_int_equal(open_ticket(tickets, &ticket, 2 * TLS_TICKET_LIFE_S), 0);
    assert_int_equal(open_ticket(tickets, &ticket, 0), 0);
    tls_tickets_free(tickets);
}

TEST(a_server_that_was_idle_for_long_forgets_both_keys)
{
    struct tls_tickets *tickets = tls_tickets_new(0);
    struct ticket ticket = seal(tickets, 0);

    assert_int_equal(open_ticket(tickets, &ticket, 3 * TLS_TICKET_LIFE_S), 0);
    ticket = seal(tickets, 3 * TLS_TICKET_LIFE_S);
    assert_int_equal(open_ticket(tickets, &ticket, 3 * TLS_TICKET_LIFE_S), 1);
    tls_tickets_free(tickets);
}

TEST(tickets_of_others_do_not_open)
{
    struct tls_tickets *ours = tls_tickets_new(0);
    struct tls_tickets *others = tls_tickets_new(0);
    struct ticket ticket = seal(others, 0);

    assert_int_equal(open_ticket(ours, &ticket, 0), 0);
    tls_tickets_free(ours);
    tls_tickets_free(others);
    tls_tickets_free(NULL);
}
