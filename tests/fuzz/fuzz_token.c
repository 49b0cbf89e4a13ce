/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token of any bytes is refused with a reason. One that has any header and any claims, and is
 * signed, is refused or names its bearer.
 *
 * The input is a header and, behind a byte 0xff, claims; or, where there is no such byte, a token.
 */
#include "broker/auth/grants.h"
#include "broker/auth/token.h"
#include "broker/auth/token_fixture.h"
#include "tests/fuzz/system_memory.h"

#include <assert.h>
#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PART_MAX = 8000, NOW_S = 1700000000 };

static int read_secret(void *context, const char *path, struct bytes *out)
{
    char *copy = malloc(sizeof(SECRET_TEXT));

    (void)context;
    (void)path;
    if (!copy)
        return -ENOMEM;
    memcpy(copy, SECRET_TEXT, sizeof(SECRET_TEXT));
    *out = bytes_of(copy, sizeof(SECRET_TEXT) - 1);
    return 0;
}

static void look_at(const struct token *token)
{
    const struct memory memory = system_memory();
    struct grants *grants = NULL;

    assert(token->user.size > 0);
    assert(token->ends_s == 0 || token->ends_s > NOW_S);
    grants_read(&grants, &memory, json_object_get(token->claims, "acl"));
    grants_free(&memory, grants);
}

static void check(const struct token_rules *rules, struct bytes text)
{
    struct token token;

    token_is_one(text);
    if (token_check(&token, rules, text, NOW_S))
        return;
    look_at(&token);
    token_release(&token);
}

static void check_signed(const struct token_rules *rules, struct bytes header, struct bytes claims)
{
    static const struct token_maker none;
    struct token_maker *maker = malloc(sizeof(*maker));
    char header_text[PART_MAX + 1] = "";
    char claims_text[PART_MAX + 1] = "";

    assert(maker);
    *maker = none;
    memcpy(header_text, header.data, header.size);
    if (claims.size > 0)
        memcpy(claims_text, claims.data, claims.size);
    check(rules, bytes_of_text(token_make_by(maker, BYTES(SECRET_TEXT), header_text, claims_text)));
    free(maker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config_jwt wanted = { .file = "secret", .user_claim = "sub" };
    const struct source source = { .read = read_secret };
    const uint8_t *end = size > 0 ? memchr(data, 0xff, size) : NULL;
    struct token_rules *rules = NULL;
    struct report report = { 0 };

    if (size > PART_MAX)
        return 0;
    assert(token_rules_read(&rules, &wanted, &source, &report) == 0);
    check(rules, bytes_of(data, size));
    if (end)
        check_signed(rules, bytes_of(data, (size_t)(end - data)),
                bytes_of(end + 1, size - (size_t)(end - data) - 1));
    token_rules_free(rules);
    return 0;
}
