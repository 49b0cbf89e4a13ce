/* SPDX-License-Identifier: Apache-2.0 */
/* The authenticator auth_jwt: tokens, as passwords or in a user name's place. */
#include "broker/auth/authenticator.h"
#include "broker/auth/token.h"

static struct bytes token_of(const struct token_rules *rules, const struct login *login)
{
    return rules->wanted.from == CONFIG_JWT_FROM_USER_NAME ? login->user : login->password;
}

/* Why the client is not the one that the token is for; NULL: it is. */
static const char *judge_bearer(
        const struct token *token, const struct token_rules *rules, const struct login *login)
{
    const json_t *client = json_object_get(token->claims, rules->wanted.clientid_claim);

    if (rules->wanted.from == CONFIG_JWT_FROM_PASSWORD && login->user.size > 0 &&
            !bytes_equal(login->user, token->user))
        return "auth_jwt: the token is for another user name (auth_jwt_user_claim)";
    /* Without a claim it is for no id, not even for the empty one of a client without. */
    if (rules->wanted.clientid_claim[0] != '\0' &&
            (!json_is_string(client) ||
                    !bytes_equal(login->client_id,
                            bytes_of(json_string_value(client), json_string_length(client)))))
        return "auth_jwt: the token is for another client id (auth_jwt_clientid_claim)";
    return NULL;
}

static struct finding let_in(const struct authority *authority, const struct token_rules *rules,
        const struct login *login, const struct token *token)
{
    const json_t *rights = json_object_get(token->claims, rules->wanted.acl_claim);
    struct grants *grants = NULL;
    const char *fault = rights ? grants_read(&grants, authority->memory, rights) : NULL;
    struct identity *identity;

    if (fault)
        return finding_of(FINDING_DECIDED, MQTT_NOT_AUTHORIZED, fault);
    identity = identity_new(
            authority->memory, login->listener, token->user, &rules->proofs[token->key]);
    if (!identity) {
        grants_free(authority->memory, grants);
        return finding_good(NULL);
    }
    identity->grants = grants;
    identity->ends_s = token->ends_s;
    return finding_good(identity);
}

static struct finding ask(const struct authority *authority, const struct rules *rules,
        const struct login *login, bool last)
{
    struct bytes text = token_of(rules->tokens, login);
    struct finding finding;
    struct token token;
    const char *fault;

    (void)last;
    if (!token_is_one(text))
        return finding_of(FINDING_UNKNOWN, MQTT_NOT_AUTHORIZED, "auth_jwt: it gives no token");
    fault = token_check(&token, rules->tokens, text, authority->wall_ms() / 1000);
    if (fault)
        return finding_of(FINDING_WRONG, MQTT_NOT_AUTHORIZED, fault);
    fault = judge_bearer(&token, rules->tokens, login);
    finding = fault ? finding_of(FINDING_WRONG, MQTT_NOT_AUTHORIZED, fault)
                    : let_in(authority, rules->tokens, login, &token);
    token_release(&token);
    return finding;
}

static bool stands(const struct rules *rules, const struct identity *identity)
{
    const struct token_rules *tokens = rules->tokens;

    for (size_t i = 0; i < tokens->keys->count; i++) {
        if (identity_has_proof(identity, &tokens->proofs[i]))
            return true;
    }
    return false;
}

const struct authenticator token_login = { ask, NULL, stands };
