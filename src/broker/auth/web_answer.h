/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of a web service about a login, and what its answer says; both are JSON, as EMQX
 * 5's HTTP authentication has them.
 */
#ifndef BROKER_AUTH_WEB_ANSWER_H
#define BROKER_AUTH_WEB_ANSWER_H

#include "broker/auth/desk.h"

#include <jansson.h>

enum {
    WEB_KEEP_DENIED_MS = 5000, /* for which a "deny" is kept, or auth_http_cache if that is less */
};

enum web_answer_kind {
    WEB_ALLOW,   /* 200 with "result": "allow", or 204 */
    WEB_DENY,    /* 200 with "result": "deny", 401, 403 */
    WEB_IGNORE,  /* 200 with "result": "ignore": it is for others to say */
    WEB_GARBAGE, /* anything else: nothing can be told from it */
};

struct web_answer {
    enum web_answer_kind kind;
    bool superuser;       /* "is_superuser" */
    json_t *body;         /* NULL: there is none */
    const json_t *rights; /* "acl"; lies in the body; NULL: it has none */
    int64_t ends_s; /* since 1970, by "expire_at" or "expire_s" (from now on); 0: it does not end */
    bool relative;  /* by "expire_s": the answer means another time tomorrow */
};

/* The JSON text that asks, for web_request_free(); NULL when memory is short or the password is no
 * UTF-8. */
char *web_request(const struct login *login);

/* Wipes it. NULL is fine. */
void web_request_free(char *request);

/* Reads an answer of this HTTP status, got at the wall clock's now_s; for web_answer_release(). */
struct web_answer web_answer_read(long status, struct bytes body, int64_t now_s);

/* For how many milliseconds the answer, got at the wall clock's wall_ms, is as good for the same
 * question, keep_ms at most. 0: for none. */
int64_t web_answer_keep_ms(const struct web_answer *answer, int64_t keep_ms, int64_t wall_ms);

void web_answer_release(struct web_answer *answer);

#endif
