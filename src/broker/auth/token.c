/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/token.h"

#include "broker/auth/base64url.h"
#include "mqtt/utf8.h"

#include <math.h>
#include <stdlib.h>

enum { USER_SIZE_MAX = 65535 };

/* The seconds that a time may be at most, far enough in either direction. */
static const double LATEST_S = 1e15;

struct token_parts {
    struct bytes header;
    struct bytes claims;
    struct bytes signed_text; /* both with the dot between them */
    struct bytes signature;
};

/* ---- Its form ---- */

static bool take_part(struct bytes *rest, struct bytes *part)
{
    const uint8_t *dot = rest->size > 0 ? memchr(rest->data, '.', rest->size) : NULL;

    if (!dot)
        return false;
    *part = bytes_first(*rest, (size_t)(dot - rest->data));
    *rest = bytes_from(*rest, part->size + 1);
    return true;
}

static bool split(struct bytes text, struct token_parts *out)
{
    out->signature = text;
    if (!take_part(&out->signature, &out->header) || !take_part(&out->signature, &out->claims))
        return false;
    out->signed_text = bytes_first(text, out->header.size + 1 + out->claims.size);
    return out->header.size > 0;
}

/* What a part says; NULL: it is no object, or memory is short. */
static json_t *read_part(struct bytes part)
{
    size_t size = base64url_size(part.size);
    uint8_t *text = malloc(size + 1);
    json_t *value = NULL;

    if (text && base64url_decode(part, text))
        value = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

/* By its shape alone, for a stranger's bytes are looked at: JSON begins with `{"` or a blank. */
bool token_is_one(struct bytes text)
{
    struct token_parts parts;

    return bytes_start_with(text, BYTES("ey")) && split(text, &parts) && parts.claims.size > 0;
}

/* ---- Who has signed it ---- */

static bool signed_by(const struct token_key *key, const struct token_parts *parts)
{
    uint8_t signature[TOKEN_RSA_BITS_MAX / 8];
    size_t size = base64url_size(parts->signature.size);

    return size <= sizeof(signature) && base64url_decode(parts->signature, signature) &&
            token_key_verifies(key, parts->signed_text, bytes_of(signature, size));
}

static bool may_have_signed(const struct token_key *key, const char *algorithm, const char *kid)
{
    return strcmp(token_algorithm_name(key->algorithm), algorithm) == 0 &&
            (!kid || key->kid[0] == '\0' || strcmp(key->kid, kid) == 0);
}

static const char *find_signer(struct token *token, const struct token_keys *keys,
        const json_t *header, const struct token_parts *parts)
{
    const json_t *algorithm = json_object_get(header, "alg");
    const json_t *kid = json_object_get(header, "kid");
    bool any = false;

    if (!header)
        return "auth_jwt: the token's header cannot be read";
    if (!json_is_string(algorithm) || (kid && !json_is_string(kid)) ||
            json_object_get(header, "crit"))
        return "auth_jwt: the token's header has no alg, or asks for what is not known";
    for (size_t i = 0; i < keys->count; i++) {
        const struct token_key *key = &keys->keys[i];

        if (!may_have_signed(key, json_string_value(algorithm), json_string_value(kid)))
            continue;
        any = true;
        if (!signed_by(key, parts))
            continue;
        token->key = i;
        return NULL;
    }
    return any ? "auth_jwt: the token's signature is wrong"
               : "auth_jwt: no key is there for the token's alg and kid";
}

/* ---- What it says ---- */

/* A time in seconds, rounded down. False for what is no number. */
static bool read_time(const json_t *value, int64_t *out)
{
    double seconds = json_number_value(value);

    if (!json_is_number(value) || isnan(seconds))
        return false;
    seconds = seconds > LATEST_S ? LATEST_S : seconds < -LATEST_S ? -LATEST_S : floor(seconds);
    *out = (int64_t)seconds;
    return true;
}

static const char *check_times(struct token *token, const struct token_rules *rules, int64_t now_s)
{
    const json_t *end = json_object_get(token->claims, "exp");
    const json_t *start = json_object_get(token->claims, "nbf");
    int64_t end_s = 0;
    int64_t start_s = 0;

    if ((end && !read_time(end, &end_s)) || (start && !read_time(start, &start_s)))
        return "auth_jwt: the token's exp or nbf is no number";
    if (start && start_s - rules->wanted.leeway_s > now_s)
        return "auth_jwt: the token is not good yet (nbf)";
    token->ends_s = end ? end_s + rules->wanted.leeway_s : 0;
    if (end && token->ends_s <= now_s)
        return "auth_jwt: the token has expired (exp)";
    return NULL;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool is_for(const json_t *audiences, const char *audience)
{
    const json_t *value;
    size_t i;

    json_array_foreach(audiences, i, value)
    {
        if (is_text(value, audience))
            return true;
    }
    return is_text(audiences, audience);
}

static const char *check_claims(struct token *token, const struct token_rules *rules)
{
    const json_t *claims = token->claims;
    const json_t *user = json_object_get(claims, rules->wanted.user_claim);

    if (rules->wanted.issuer[0] != '\0' &&
            !is_text(json_object_get(claims, "iss"), rules->wanted.issuer))
        return "auth_jwt: the token is by another issuer (iss)";
    if (rules->wanted.audience[0] != '\0' &&
            !is_for(json_object_get(claims, "aud"), rules->wanted.audience))
        return "auth_jwt: the token is for another audience (aud)";
    token->user = bytes_of(json_string_value(user), json_string_length(user));
    if (token->user.size == 0 || token->user.size > USER_SIZE_MAX || !mqtt_utf8_valid(token->user))
        return "auth_jwt: the token does not say who its bearer is (auth_jwt_user_claim)";
    return NULL;
}

const char *token_check(
        struct token *out, const struct token_rules *rules, struct bytes text, int64_t now_s)
{
    struct token token = { .claims = NULL };
    struct token_parts parts;
    const char *fault = NULL;
    json_t *header;

    if (text.size > TOKEN_BYTES_MAX || !split(text, &parts))
        return "auth_jwt: it is no token, or too long a one";
    header = read_part(parts.header);
    fault = find_signer(&token, rules->keys, header, &parts);
    json_decref(header);
    if (fault)
        return fault;
    /* Only what was signed is looked at. */
    token.claims = read_part(parts.claims);
    if (!token.claims)
        return "auth_jwt: the token's claims cannot be read";
    fault = check_times(&token, rules, now_s);
    if (!fault)
        fault = check_claims(&token, rules);
    if (fault)
        json_decref(token.claims);
    else
        *out = token;
    return fault;
}

void token_release(struct token *token)
{
    json_decref(token->claims);
    token->claims = NULL;
}
