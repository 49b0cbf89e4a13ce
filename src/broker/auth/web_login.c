/* SPDX-License-Identifier: Apache-2.0 */
/* The authenticator auth_http: a web service is asked. */
#include "broker/auth/authenticator.h"
#include "broker/auth/web_answer.h"
#include "mqtt/utf8.h"

/* Why there is no request for that login. */
static struct finding judge_unasked(const struct login *login)
{
    if (mqtt_utf8_valid(login->password) && mqtt_utf8_valid(login->certificate_name))
        return finding_busy("auth_http: no memory to ask the service");
    return finding_of(FINDING_UNKNOWN, MQTT_NOT_AUTHORIZED,
            "auth_http: its password, or its certificate's name, is no UTF-8 text, which JSON "
            "could say");
}

static struct finding ask(const struct authority *authority, const struct rules *rules,
        const struct login *login, bool last)
{
    struct web_question *web;
    struct finding finding;

    (void)last;
    if (login->user.size == 0 && !login->has_password)
        return finding_of(FINDING_UNKNOWN, MQTT_NOT_AUTHORIZED,
                "auth_http: it gives neither a user name nor a password");
    web = web_question_new(
            authority->memory, rules->service, login, authority->desk, PROOF_SERVICE);
    if (!web)
        return finding_busy("auth_http: no memory to ask the service");
    if (web->request && web_asker_ask(authority->web, web))
        return finding_later();
    finding = web->request ? finding_busy("auth_http: too many logins wait for the service")
                           : judge_unasked(login);
    question_free(authority->memory, &web->question);
    return finding;
}

static struct finding let_in(const struct authority *authority, const struct web_question *web,
        const struct web_answer *answer)
{
    const struct login *login = &web->question.login;
    struct grants *grants = NULL;
    const char *fault =
            answer->rights ? grants_read(&grants, authority->memory, answer->rights) : NULL;
    struct identity *identity;

    if (fault)
        return finding_of(FINDING_DECIDED, MQTT_NOT_AUTHORIZED, fault);
    identity = identity_new(authority->memory, login->listener, login->user, &web->service->proof);
    if (!identity) {
        grants_free(authority->memory, grants);
        return finding_good(NULL);
    }
    identity->grants = grants;
    identity->superuser = answer->superuser;
    identity->ends_s = answer->ends_s;
    return finding_good(identity);
}

/* Nothing can be told: the client is not let in, and may come again. */
static struct finding untold(
        const struct authority *authority, const struct web_question *web, const char *text)
{
    journal_tell(authority->journal, EVENT_WARN, "service.failed",
            field_text("text", web->fault ? web->fault : text),
            field_number("status", web->status));
    return finding_of(FINDING_DECIDED, MQTT_SERVER_UNAVAILABLE, text);
}

static struct finding judge(const struct authority *authority, const struct web_question *web,
        const struct web_answer *answer)
{
    switch (answer->kind) {
    case WEB_ALLOW:
        return let_in(authority, web, answer);
    case WEB_DENY:
        return finding_of(FINDING_WRONG, MQTT_NOT_AUTHORIZED, "auth_http: the service says no");
    case WEB_IGNORE:
        return finding_of(
                FINDING_UNKNOWN, MQTT_NOT_AUTHORIZED, "auth_http: the service does not know it");
    case WEB_GARBAGE:
        break;
    }
    return untold(authority, web, "auth_http: the service's answer says neither yes nor no");
}

static struct finding hear(
        const struct authority *authority, const struct rules *rules, struct question *question)
{
    const struct web_question *web = container_of(question, struct web_question, question);
    struct web_answer answer;
    struct finding finding;

    if (memcmp(web->service->proof.mark, rules->service->proof.mark, PROOF_MARK_SIZE) != 0)
        return finding_busy("auth_http: the rules have changed; it may try again");
    if (web->status == 0)
        return untold(authority, web, "auth_http: the service gives no answer");
    answer = web_answer_read(
            web->status, bytes_of(web->body, web->body_size), authority->wall_ms() / 1000);
    finding = judge(authority, web, &answer);
    web_answer_release(&answer);
    return finding;
}

static bool stands(const struct rules *rules, const struct identity *identity)
{
    return identity_has_proof(identity, &rules->service->proof);
}

const struct authenticator web_login = { ask, hear, stands };
