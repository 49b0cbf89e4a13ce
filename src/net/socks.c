/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socks.h"

#include "net/address.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    VERSION = 5,
    LOGIN_VERSION = 1,
    METHOD_NONE = 0,
    METHOD_PASSWORD = 2,
    NO_METHOD = 0xFF,
    CONNECT = 1,
    TYPE_IPV4 = 1,
    TYPE_NAME = 3,
    TYPE_IPV6 = 4,
    IPV4_SIZE = sizeof(struct in_addr),
    IPV6_SIZE = sizeof(struct in6_addr),
    PORT_SIZE = 2,
    SHORT_ANSWER = 2, /* bytes of the answers to an offer and to a login */
    ANSWER_HEAD = 5,  /* of the answer to a wish: with the first byte of its address */
};

/* ---- What is said ---- */

static size_t text_size(const char *text)
{
    return text ? strlen(text) : 0;
}

/* All that can be said finds room: socks_init() has looked at the sizes. */
static uint8_t *begin(struct socks *socks, enum socks_state state)
{
    socks->state = state;
    socks->in_used = socks->out_sent = 0;
    return socks->out;
}

static void end(struct socks *socks, const uint8_t *out)
{
    socks->out_used = (uint16_t)(out - socks->out);
}

/* Each of these returns where what it puts ends. */
static uint8_t *put(uint8_t *out, const void *data, size_t size)
{
    memcpy(out, data, size);
    return out + size;
}

static uint8_t *put_text(uint8_t *out, const char *text)
{
    size_t size = text_size(text);

    *out++ = (uint8_t)size;
    return size > 0 ? put(out, text, size) : out;
}

static uint8_t *put_host(uint8_t *out, const char *host)
{
    struct address address;

    /* An interface is the proxy's to find, so an address with one goes as a name. */
    if (strchr(host, '%') || address_parse(&address, host, 0) < 0) {
        *out++ = TYPE_NAME;
        return put_text(out, host);
    }
    if (address_family(&address) == ADDRESS_IPV4) {
        *out++ = TYPE_IPV4;
        return put(out, &address.socket.v4.sin_addr, IPV4_SIZE);
    }
    *out++ = TYPE_IPV6;
    return put(out, &address.socket.v6.sin6_addr, IPV6_SIZE);
}

static void offer(struct socks *socks)
{
    uint8_t *out = begin(socks, SOCKS_OFFERS);

    *out++ = VERSION;
    *out++ = socks->can_log_in ? 2 : 1;
    *out++ = METHOD_NONE;
    if (socks->can_log_in)
        *out++ = METHOD_PASSWORD;
    end(socks, out);
}

static void log_in(struct socks *socks)
{
    uint8_t *out = begin(socks, SOCKS_LOGS_IN);

    *out++ = LOGIN_VERSION;
    out = put_text(out, socks->wish.user);
    end(socks, put_text(out, socks->wish.password));
}

static void ask(struct socks *socks)
{
    uint8_t *out = begin(socks, SOCKS_ASKS);

    *out++ = VERSION;
    *out++ = CONNECT;
    *out++ = 0;
    out = put_host(out, socks->wish.host);
    *out++ = (uint8_t)(socks->wish.port >> 8);
    *out++ = (uint8_t)socks->wish.port;
    end(socks, out);
}

/* ---- What is answered ---- */

/* Each of these returns why it is over, where it is, with the error noted if it is not EACCES. */
static const char *give_up(struct socks *socks)
{
    socks->error = -ECONNABORTED;
    return "the proxy's answer is none of SOCKS5";
}

static const char *take_method(struct socks *socks)
{
    uint8_t method = socks->in[1];

    if (socks->in[0] != VERSION)
        return give_up(socks);
    if (method == NO_METHOD && !socks->can_log_in)
        return "the proxy wants a user name and a password";
    if (method == METHOD_NONE)
        ask(socks);
    else if (method == METHOD_PASSWORD && socks->can_log_in)
        log_in(socks);
    else
        return "the proxy wants a login of a kind that is not known here";
    return NULL;
}

static const char *take_login(struct socks *socks)
{
    if (socks->in[0] != LOGIN_VERSION || socks->in[1] != 0)
        return "the proxy does not take this user name and password";
    ask(socks);
    return NULL;
}

static const char *take_reply(struct socks *socks)
{
    static const char *const failures[] = {
        "the proxy has failed",
        "the proxy's rules do not allow a connection to there",
        "the proxy cannot reach the network",
        "the proxy cannot reach the host",
        "the server refuses the proxy's connection",
        "the proxy's packets do not reach the server in time",
        "the proxy does not make connections",
        "the proxy does not know this kind of address",
    };
    static const uint8_t errors[] = { ECONNABORTED, EACCES, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED,
        ETIMEDOUT, EOPNOTSUPP, EAFNOSUPPORT };
    unsigned reply = socks->in[1];

    static_assert(sizeof(errors) == sizeof(failures) / sizeof(failures[0]), "one for each reply");
    if (socks->in[0] != VERSION || reply > sizeof(errors))
        return give_up(socks);
    if (reply == 0) {
        socks->state = SOCKS_CONNECTED;
        return NULL;
    }
    socks->error = -errors[reply - 1];
    return failures[reply - 1];
}

/* The size of the answer to a wish, of which the head is there; 0: it is none. */
static size_t answer_size(const struct socks *socks)
{
    switch (socks->in[3]) {
    case TYPE_IPV4:
        return ANSWER_HEAD - 1 + IPV4_SIZE + PORT_SIZE;
    case TYPE_IPV6:
        return ANSWER_HEAD - 1 + IPV6_SIZE + PORT_SIZE;
    case TYPE_NAME:
        return ANSWER_HEAD + socks->in[4] + PORT_SIZE;
    default:
        return 0;
    }
}

/* How many bytes the answer has in all, as far as that is known. */
static size_t expected(const struct socks *socks)
{
    if (socks->state != SOCKS_ASKS)
        return SHORT_ANSWER;
    return socks->in_used < ANSWER_HEAD ? ANSWER_HEAD : answer_size(socks);
}

/* ---- From outside ---- */

bool socks_init(struct socks *socks, const struct socks_wish *wish)
{
    socks->error = -EACCES;
    socks->wish = *wish;
    socks->can_log_in = text_size(wish->user) > 0;
    socks->failure = NULL;
    if (!*wish->host || strlen(wish->host) > SOCKS_TEXT_MAX ||
            text_size(wish->user) > SOCKS_TEXT_MAX || text_size(wish->password) > SOCKS_TEXT_MAX)
        return false;
    offer(socks);
    return true;
}

size_t socks_wanted(const struct socks *socks)
{
    if (socks->state >= SOCKS_CONNECTED || socks->out_sent < socks->out_used)
        return 0;
    return expected(socks) - socks->in_used;
}

static const char *take_answer(struct socks *socks)
{
    /* A proxy that says no need not say the address, and some end there. */
    bool says_no = socks->state == SOCKS_ASKS && socks->in_used >= SHORT_ANSWER &&
            (socks->in[0] != VERSION || socks->in[1] != 0);

    if (!says_no && expected(socks) == 0)
        return give_up(socks);
    if (!says_no && socks->in_used < expected(socks))
        return NULL;
    if (socks->state == SOCKS_OFFERS)
        return take_method(socks);
    return socks->state == SOCKS_LOGS_IN ? take_login(socks) : take_reply(socks);
}

void socks_take(struct socks *socks, size_t size)
{
    assert(size <= socks_wanted(socks));
    socks->in_used = (uint16_t)(socks->in_used + size);
    socks->failure = take_answer(socks);
    if (socks->failure)
        socks->state = SOCKS_FAILED;
}
