/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/enhanced.h"

#include "broker/auth/authority.h"
#include "broker/auth/exchange.h"

#include <assert.h>

static const struct password_file *file_of(
        const struct authority *authority, const struct access_step *step)
{
    const struct rules *rules;

    assert(step->listener->number < authority->book->listener_count);
    rules = &authority->book->listeners[step->listener->number];
    return !rules->user_name_proved && rules_ask(rules, PROOF_PASSWORD) ? rules->passwords : NULL;
}

/* Whom the client must turn out to be: as whom it has come in, or whom its CONNECT names. */
static struct bytes expected_user(const struct access_step *step)
{
    if (step->identity)
        return identity_user(step->identity);
    return step->connect ? step->connect->user_name : (struct bytes){ 0 };
}

static enum mqtt_reason let_in(struct authority *authority, const struct access_step *step,
        const struct password_user *user, struct access_answer *answer)
{
    struct proof proof = proof_by_password(&user->hash);
    struct identity *identity =
            identity_new(authority->memory, step->listener->number, user->name, &proof);

    answer->identity = identity;
    return identity ? MQTT_SUCCESS : MQTT_SERVER_BUSY;
}

static void tell(const struct authority *authority, const struct exchange *exchange,
        const struct password_file *file, const struct password_user *user)
{
    journal_tell(authority->journal, EVENT_DEBUG, "login.checked",
            field_bytes("user", exchange_user(exchange)), field_text("file", file->lines.path),
            field_number("line", user ? user->line : 0),
            field_text("result", user ? "good" : "wrong_proof"));
}

/* A proof is of one exchange alone, so that each counts as another guess. */
static uint32_t report_failure(const struct authority *authority, const struct access_step *step,
        const struct exchange *exchange)
{
    const struct login_failure failure = { .peer = step->peer,
        .user = exchange_user(exchange),
        .secret = step->data,
        .listener = step->listener->number,
        .answered = exchange_was_heard(exchange) };

    return authority_failed(authority, &failure);
}

enum mqtt_reason enhanced_authenticate(void *context, const struct access_step *step,
        void **exchange, struct access_answer *answer)
{
    struct authority *authority = context;
    const struct password_file *file = file_of(authority, step);
    const struct password_user *user = NULL;
    enum mqtt_reason reason;

    if (!file || !bytes_equal(step->method, BYTES(EXCHANGE_METHOD)))
        return MQTT_BAD_AUTHENTICATION_METHOD;
    if (!*exchange)
        *exchange = exchange_new(authority->memory, expected_user(step));
    if (!*exchange)
        return MQTT_SERVER_BUSY;
    reason = exchange_take(*exchange, file, step->data, &answer->data, &user);
    if (reason == MQTT_NOT_AUTHORIZED)
        answer->delay_ms = report_failure(authority, step, *exchange);
    if (reason == MQTT_NOT_AUTHORIZED || reason == MQTT_SUCCESS)
        tell(authority, *exchange, file, reason == MQTT_SUCCESS ? user : NULL);
    return reason == MQTT_SUCCESS ? let_in(authority, step, user, answer) : reason;
}

void enhanced_end(void *context, void *exchange)
{
    const struct authority *authority = context;

    exchange_free(authority->memory, exchange);
}
