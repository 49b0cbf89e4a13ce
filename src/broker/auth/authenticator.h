/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the authority's chain is made of. Each authenticator in turn is asked about a login, until
 * one knows it. For the files of this folder only.
 */
#ifndef BROKER_AUTH_AUTHENTICATOR_H
#define BROKER_AUTH_AUTHENTICATOR_H

#include "broker/auth/authority.h"

enum finding_kind {
    FINDING_DECIDED, /* the verdict holds; maybe it is that it comes later */
    FINDING_WRONG,   /* the same: what the client has given is wrong */
    FINDING_UNKNOWN, /* it is for others to say; verdict.text is why */
};

struct finding {
    enum finding_kind kind;
    struct access_verdict verdict;
};

struct authenticator {
    /* `last`: no other one is asked if this one does not know it. */
    struct finding (*ask)(const struct authority *authority, const struct rules *rules,
            const struct login *login, bool last);

    /* What has become of a question that ask() has handed to another thread. The rules may be
     * others than those by which it was asked, but they still have this authenticator. NULL: it
     * asks none. */
    struct finding (*hear)(const struct authority *authority, const struct rules *rules,
            struct question *question);

    /* Whether the proof that it once gave still counts. */
    bool (*stands)(const struct rules *rules, const struct identity *identity);
};

extern const struct authenticator password_login;
extern const struct authenticator token_login;
extern const struct authenticator web_login;

/* Shorthands. `text` names the authenticator: it is for the log, among all others. */
static inline struct finding finding_of(
        enum finding_kind kind, enum mqtt_reason reason, const char *text)
{
    return (struct finding){ kind, { .reason = reason, .text = text } };
}

static inline struct finding finding_busy(const char *text)
{
    return finding_of(FINDING_DECIDED, MQTT_SERVER_BUSY, text);
}

static inline struct finding finding_later(void)
{
    return finding_of(FINDING_DECIDED, MQTT_CONTINUE_AUTHENTICATION, NULL);
}

/* It comes in. `identity` NULL: memory was short. */
static inline struct finding finding_good(struct identity *identity)
{
    struct finding finding = finding_of(FINDING_DECIDED, MQTT_SUCCESS, NULL);

    if (!identity)
        return finding_busy("no memory to keep who it is");
    finding.verdict.identity = identity;
    return finding;
}

#endif
