/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/authority.h"

#include "broker/core/author.h"

#include "broker/auth/authenticator.h"
#include "broker/auth/enhanced.h"

#include <assert.h>

static const struct rules *rules_of(const struct authority *authority, uint16_t listener)
{
    assert(listener < authority->book->listener_count);
    return &authority->book->listeners[listener];
}

static const struct authenticator *authenticator_of(enum proof_kind kind)
{
    static const struct authenticator *const authenticators[] = {
        [PROOF_PASSWORD] = &password_login,
        [PROOF_TOKEN] = &token_login,
        [PROOF_SERVICE] = &web_login,
    };

    assert(kind < sizeof(authenticators) / sizeof(authenticators[0]) && authenticators[kind]);
    return authenticators[kind];
}

/* ---- Coming in ---- */

uint32_t authority_failed(const struct authority *authority, const struct login_failure *failure)
{
    return authority->failed ? authority->failed(authority->failed_context, failure) : 0;
}

static struct access_verdict refused(const char *text)
{
    return (struct access_verdict){ .reason = MQTT_NOT_AUTHORIZED, .text = text };
}

/* What the client has given is wrong. */
static struct access_verdict wrong(
        const struct authority *authority, const struct login *login, struct access_verdict verdict)
{
    const struct token_rules *tokens = rules_of(authority, login->listener)->tokens;
    struct login_failure failure = { .peer = login->peer,
        .user = login->user,
        .secret = login->password,
        .listener = login->listener };

    if (tokens && tokens->wanted.from == CONFIG_JWT_FROM_USER_NAME) {
        failure.user = (struct bytes){ 0 };
        failure.secret = login->user;
    }
    verdict.delay_ms = authority_failed(authority, &failure);
    return verdict;
}

/* A client comes in of whom nothing is asked. */
static struct access_verdict admitted(
        struct authority *authority, const struct login *login, enum proof_kind kind)
{
    const struct proof proof = { .kind = kind };
    struct nameless *nameless = &authority->nameless[login->listener];
    bool is_nameless = kind == PROOF_NONE && login->user.size == 0;
    struct identity *identity = is_nameless ? nameless->identity : NULL;

    if (!identity)
        identity = identity_new(authority->memory, login->listener, login->user, &proof);
    if (identity && is_nameless) {
        nameless->identity = identity;
        nameless->holders++;
    }
    return finding_good(identity).verdict;
}

/* What becomes of a login that no authenticator knows; `text` is why the last one does not. */
static struct access_verdict judge_unknown(struct authority *authority, const struct rules *rules,
        const struct login *login, const char *text)
{
    if (login->user.size == 0 && rules->allow_anonymous)
        return admitted(authority, login, PROOF_NONE);
    if (login->user.size == 0)
        return refused("it gives no user name (allow_anonymous)");
    return wrong(authority, login, refused(text));
}

static struct access_verdict conclude(
        const struct authority *authority, const struct login *login, const struct finding *finding)
{
    if (finding->kind == FINDING_WRONG)
        return wrong(authority, login, finding->verdict);
    return finding->verdict;
}

/* Asks the authenticators from the one of that place on. */
static struct access_verdict ask_from(struct authority *authority, const struct rules *rules,
        const struct login *login, size_t place, const char *text)
{
    for (size_t i = place; i < rules->asked_count; i++) {
        struct finding finding =
                authenticator_of(rules->asked[i])
                        ->ask(authority, rules, login, i + 1 == rules->asked_count);

        if (finding.kind != FINDING_UNKNOWN)
            return conclude(authority, login, &finding);
        text = finding.verdict.text;
    }
    return judge_unknown(authority, rules, login, text);
}

static struct access_verdict admit(void *context, const struct access_arrival *arrival)
{
    struct authority *authority = context;
    const struct mqtt_connect *connect = arrival->connect;
    const struct login login = { .user = connect->user_name,
        .password = connect->password,
        .client_id = connect->client_id,
        .peer = arrival->peer,
        .certificate_name = arrival->certificate_name,
        .ticket = arrival->ticket,
        .listener = arrival->listener->number,
        .port = arrival->listener->port,
        .version = (uint8_t)connect->version,
        .has_password = connect->has_password };
    const struct rules *rules = rules_of(authority, login.listener);

    if (rules->user_name_proved)
        return admitted(authority, &login, PROOF_TRANSPORT);
    if (rules->asked_count > 0)
        return ask_from(authority, rules, &login, 0, NULL);
    if (rules->allow_anonymous)
        return admitted(authority, &login, PROOF_NONE);
    return refused("its listener lets nobody in whom it does not know (allow_anonymous)");
}

/* The rules may be others than those by which the question was asked. */
static struct access_verdict judge_answer(struct authority *authority, struct question *question)
{
    const struct rules *rules = rules_of(authority, question->login.listener);
    struct finding finding;
    size_t place = 0;

    while (place < rules->asked_count && rules->asked[place] != question->asker)
        place++;
    if (place == rules->asked_count)
        return finding_busy("the rules have changed; it may try again").verdict;
    finding = authenticator_of(rules->asked[place])->hear(authority, rules, question);
    if (finding.kind == FINDING_UNKNOWN)
        return ask_from(authority, rules, &question->login, place + 1, finding.verdict.text);
    return conclude(authority, &question->login, &finding);
}

bool authority_next(
        struct authority *authority, struct access_ticket *ticket, struct access_verdict *verdict)
{
    struct question *question;

    while ((question = desk_take(authority->desk))) {
        *ticket = question->login.ticket;
        *verdict = judge_answer(authority, question);
        question_free(authority->memory, question);
        if (verdict->reason != MQTT_CONTINUE_AUTHENTICATION)
            return true;
        /* The next one asks another thread in its turn. */
    }
    return false;
}

static void forget(void *context, void *identity)
{
    struct authority *authority = context;
    const struct identity *who = identity;
    struct nameless *nameless = &authority->nameless[who->listener];

    if (who == nameless->identity && --nameless->holders > 0)
        return;
    if (who == nameless->identity)
        nameless->identity = NULL;
    identity_free(authority->memory, identity);
}

/* ---- Rights ---- */

static struct bytes name_of(void *context, void *identity)
{
    (void)context;
    return identity_user(identity);
}

static bool would_come_in(const struct rules *rules, const struct identity *identity)
{
    enum proof_kind kind = (enum proof_kind)identity->kind;

    if (rules->user_name_proved || kind == PROOF_TRANSPORT)
        return rules->user_name_proved && kind == PROOF_TRANSPORT;
    if (rules->asked_count == 0)
        return rules->allow_anonymous;
    if (kind == PROOF_NONE)
        return rules->allow_anonymous && identity->user_size == 0;
    return rules_ask(rules, kind) && authenticator_of(kind)->stands(rules, identity);
}

static enum access_standing standing(void *context, void *identity)
{
    const struct authority *authority = context;
    const struct identity *who = identity;
    const struct rules *rules = rules_of(authority, who->listener);

    if (!would_come_in(rules, who))
        return ACCESS_WITHDRAWN;
    if (who->superuser)
        return ACCESS_FREE;
    return rules->acl || who->grants ? ACCESS_JUDGED : ACCESS_FREE;
}

static int64_t lasts_ms(void *context, void *identity)
{
    const struct authority *authority = context;
    const struct identity *who = identity;
    int64_t left_ms;

    if (who->ends_s == 0)
        return INT64_MAX;
    left_ms = who->ends_s * 1000 - authority->wall_ms();
    return left_ms > 0 ? left_ms : 0;
}

struct judgement authority_judge(const struct authority *authority, const void *identity,
        struct bytes client_id, enum access_action action, struct bytes topic)
{
    const struct identity *who = identity;
    const struct judged judged = { .user = identity_user(who),
        .client_id = client_id,
        .grants = who->grants,
        .superuser = who->superuser };

    return judgement_of(rules_of(authority, who->listener), &judged, action, topic);
}

static void tell_denial(const struct authority *authority, const struct access_request *request,
        const char *file, unsigned line)
{
    static const char *const actions[] = {
        [ACCESS_PUBLISH] = "publish", [ACCESS_SUBSCRIBE] = "subscribe", [ACCESS_RECEIVE] = "receive"
    };

    journal_tell(authority->journal, EVENT_DEBUG, "access.denied",
            field_bytes("id", request->client_id), field_text("action", actions[request->action]),
            field_bytes("topic", request->topic), field_text("file", file ? file : ""),
            field_number("line", line));
}

/* Of each message where acl_file alone decides, so without the way that a judgement goes. */
static bool file_allows(const struct authority *authority, const struct access_request *request,
        const struct identity *who, const struct acl_file *acl)
{
    const struct acl_who names = { identity_user(who), request->client_id };
    struct acl_decision decision = acl_file_judge(
            acl, &names, request->action == ACCESS_PUBLISH ? ACL_WRITE : ACL_READ, request->topic);

    if (!decision.allowed)
        tell_denial(authority, request, acl->lines.path, decision.line);
    return decision.allowed;
}

static bool allows(void *context, const struct access_request *request)
{
    const struct authority *authority = context;
    const struct identity *who = request->identity;
    const struct acl_file *acl = rules_of(authority, who->listener)->acl;
    struct judgement judgement;

    /* The message path of those who may do everything. */
    if (who->superuser || (!who->grants && !acl))
        return true;
    if (!who->grants && request->action != ACCESS_SUBSCRIBE)
        return file_allows(authority, request, who, acl);
    judgement =
            authority_judge(authority, who, request->client_id, request->action, request->topic);
    if (!judgement.allowed)
        tell_denial(authority, request, judgement.file, judgement.number);
    return judgement.allowed;
}

/* Rights that came with an identity are gone with it. */
static bool goes_by_name(void *context, void *identity)
{
    const struct authority *authority = context;
    const struct identity *who = identity;

    return rules_of(authority, who->listener)->acl && !who->grants && !who->superuser;
}

static bool author_may(void *context, const struct author *author, struct bytes topic)
{
    const struct authority *authority = context;
    const struct judged judged = { .user = author->user, .client_id = author->client_id };

    if (author->listener == UINT16_MAX)
        return false;
    return judgement_of(rules_of(authority, author->listener), &judged, ACCESS_PUBLISH, topic)
            .allowed;
}

static struct bytes listener_name(void *context, uint16_t number)
{
    const struct authority *authority = context;

    return bytes_of_text(rules_of(authority, number)->name);
}

/* Where all listeners have the same access rules, any will do. */
static bool all_judge_alike(const struct rulebook *book)
{
    for (size_t i = 1; i < book->listener_count; i++) {
        if (book->listeners[i].acl != book->listeners[0].acl)
            return false;
    }
    return book->listener_count > 0;
}

static uint16_t listener_number(void *context, struct bytes name)
{
    const struct authority *authority = context;
    const struct rulebook *book = authority->book;

    for (size_t i = 0; i < book->listener_count; i++) {
        if (bytes_equal(bytes_of_text(book->listeners[i].name), name))
            return (uint16_t)i;
    }
    return all_judge_alike(book) ? 0 : UINT16_MAX;
}

struct access authority_access(struct authority *authority)
{
    return (struct access){
        .admit = admit,
        .forget = forget,
        .name = name_of,
        .allows = allows,
        .goes_by_name = goes_by_name,
        .author_may = author_may,
        .listener_name = listener_name,
        .listener_number = listener_number,
        .standing = standing,
        .lasts_ms = lasts_ms,
        .authenticate = enhanced_authenticate,
        .end_exchange = enhanced_end,
        .context = authority,
    };
}
