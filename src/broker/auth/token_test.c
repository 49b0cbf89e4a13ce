/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/token.h"

#include "broker/auth/fixture.h"
#include "broker/auth/token_fixture.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

#define GOOD "{\"sub\":\"alice\"}"

static const int64_t NOW_S = 1700000000;

/* Rules with the keys of one file. */
struct checker {
    struct token_maker maker;
    struct fixture fixture;
    struct token_rules *rules;
};

static void read_rules(struct checker *checker, const char *text, const struct config_jwt *wanted)
{
    token_rules_free(checker->rules);
    checker->rules = NULL;
    fixture_start(&checker->fixture);
    fixture_add(&checker->fixture, "keys", text);
    assert_int_equal(token_rules_read(&checker->rules, wanted, &checker->fixture.source,
                             &checker->fixture.report),
            0);
}

static const struct config_jwt plain = { .file = "keys", .user_claim = "sub", .leeway_s = 10 };

static void checker_open(struct checker *checker)
{
    checker->rules = NULL;
    token_maker_init(&checker->maker);
    read_rules(checker, checker->maker.set, &plain);
}

static void checker_close(struct checker *checker)
{
    token_rules_free(checker->rules);
    token_maker_deinit(&checker->maker);
}

/* Fails unless the check says something with `fault` in it; NULL: the token is good. */
static void expect(struct checker *checker, const char *text, const char *fault)
{
    struct token token;
    const char *said = token_check(&token, checker->rules, bytes_of_text(text), NOW_S);

    if (!fault && said)
        fail_msg("%s: %s", said, text);
    if (fault && (!said || !strstr(said, fault)))
        fail_msg("%s instead of %s: %s", said ? said : "good", fault, text);
    if (!said) {
        assert_true(bytes_equal(token.user, BYTES("alice")));
        token_release(&token);
    }
}

TEST(each_algorithm_is_checked_with_its_key)
{
    static const struct {
        enum token_algorithm algorithm;
        const char *header;
    } rows[] = {
        { TOKEN_RS256, "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"JWT\"}" },
        { TOKEN_ES256, "{\"alg\":\"ES256\",\"kid\":\"e\"}" },
        { TOKEN_HS256, "{\"alg\":\"HS256\",\"kid\":\"h\"}" },
        { TOKEN_ES256, "{\"alg\":\"ES256\"}" },
    };
    struct checker checker;

    checker_open(&checker);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(&checker, token_make(&checker.maker, rows[i].algorithm, rows[i].header, GOOD), NULL);
    /* Keys without a kid check what has any. */
    read_rules(&checker, checker.maker.rsa_pem, &plain);
    expect(&checker, token_make(&checker.maker, TOKEN_RS256, rows[0].header, GOOD), NULL);
    checker_close(&checker);
}

TEST(the_header_does_not_choose_the_algorithm)
{
    struct checker checker;
    struct token_maker *maker;

    checker_open(&checker);
    maker = &checker.maker;
    /* The public key, which everybody may have, as the secret. */
    read_rules(&checker, maker->rsa_pem, &plain);
    expect(&checker,
            token_make_by(maker, bytes_of_text(maker->rsa_pem), "{\"alg\":\"HS256\"}", GOOD),
            "no key is there");
    expect(&checker, token_make(maker, TOKEN_RS256, "{\"alg\":\"RS512\"}", GOOD),
            "no key is there");
    expect(&checker, token_make(maker, TOKEN_RS256, "{\"alg\":\"rs256\"}", GOOD),
            "no key is there");
    read_rules(&checker, maker->set, &plain);
    expect(&checker, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.", "no key is there");
    expect(&checker, token_make(maker, TOKEN_RS256, "{\"alg\":\"none\"}", GOOD), "no key is there");
    expect(&checker, token_make(maker, TOKEN_ES256, "{\"alg\":\"RS256\"}", GOOD),
            "signature is wrong");
    expect(&checker, token_make(maker, TOKEN_RS256, "{\"alg\":\"RS256\",\"kid\":\"e\"}", GOOD),
            "no key is there");
    expect(&checker, token_make(maker, TOKEN_RS256, "{\"alg\":\"RS256\",\"kid\":\"x\"}", GOOD),
            "no key is there");
    checker_close(&checker);
}

TEST(a_header_that_is_not_understood_is_refused)
{
    static const char *const headers[] = {
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"kid\":1}",
        "{\"alg\":[\"HS256\"]}",
        "{\"kid\":\"h\"}",
        "[\"HS256\"]",
        "{\"alg\":\"HS256\"",
        "{\"alg\":\"HS256\"} x",
        "{\"alg\":\"HS256\\u0000\"}",
    };
    struct checker checker;

    checker_open(&checker);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        expect(&checker, token_make(&checker.maker, TOKEN_HS256, headers[i], GOOD), "header");
    checker_close(&checker);
}

TEST(claims_are_as_they_must_be)
{
    static const struct {
        const char *claims;
        const char *fault;
    } rows[] = {
        { "{\"sub\":\"alice\",\"exp\":1700000000}", NULL }, /* within the leeway */
        { "{\"sub\":\"alice\",\"exp\":1699999991}", NULL },
        { "{\"sub\":\"alice\",\"exp\":1699999990}", "expired" },
        { "{\"sub\":\"alice\",\"exp\":0}", "expired" },
        { "{\"sub\":\"alice\",\"exp\":-5}", "expired" },
        { "{\"sub\":\"alice\",\"exp\":1700000000.9}", NULL },
        { "{\"sub\":\"alice\",\"exp\":1e300}", NULL },
        { "{\"sub\":\"alice\",\"exp\":\"1800000000\"}", "no number" },
        { "{\"sub\":\"alice\",\"exp\":null}", "no number" },
        { "{\"sub\":\"alice\",\"nbf\":1700000010}", NULL },
        { "{\"sub\":\"alice\",\"nbf\":1700000011}", "not good yet" },
        { "{\"sub\":\"alice\",\"nbf\":1e300}", "not good yet" },
        { "{\"sub\":\"alice\",\"nbf\":true}", "no number" },
        { "{}", "who its bearer is" },
        { "{\"sub\":\"\"}", "who its bearer is" },
        { "{\"sub\":7}", "who its bearer is" },
        { "{\"sub\":\"bob\",\"sub\":\"alice\"}", "claims cannot be read" },
        { "[\"alice\"]", "claims cannot be read" },
        { "alice", "claims cannot be read" },
    };
    struct checker checker;

    checker_open(&checker);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(&checker,
                token_make(&checker.maker, TOKEN_HS256, "{\"alg\":\"HS256\"}", rows[i].claims),
                rows[i].fault);
    checker_close(&checker);
}

TEST(issuer_and_audience_are_those_that_are_wanted)
{
    static const struct {
        const char *claims;
        const char *fault;
    } rows[] = {
        { "{\"sub\":\"alice\",\"iss\":\"i\",\"aud\":\"a\"}", NULL },
        { "{\"sub\":\"alice\",\"iss\":\"i\",\"aud\":[\"b\",\"a\"]}", NULL },
        { "{\"sub\":\"alice\",\"iss\":\"i\",\"aud\":[]}", "audience" },
        { "{\"sub\":\"alice\",\"iss\":\"i\",\"aud\":\"ab\"}", "audience" },
        { "{\"sub\":\"alice\",\"iss\":\"i\"}", "audience" },
        { "{\"sub\":\"alice\",\"iss\":\"I\",\"aud\":\"a\"}", "issuer" },
        { "{\"sub\":\"alice\",\"iss\":[\"i\"],\"aud\":\"a\"}", "issuer" },
        { "{\"sub\":\"alice\",\"aud\":\"a\"}", "issuer" },
    };
    struct config_jwt strict = plain;
    struct checker checker;

    strcpy(strict.issuer, "i");
    strcpy(strict.audience, "a");
    checker_open(&checker);
    read_rules(&checker, checker.maker.set, &strict);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(&checker,
                token_make(&checker.maker, TOKEN_HS256, "{\"alg\":\"HS256\"}", rows[i].claims),
                rows[i].fault);
    checker_close(&checker);
}

TEST(every_cut_and_every_changed_letter_is_seen)
{
    struct checker checker;
    struct token token;
    char *text;
    size_t size;

    checker_open(&checker);
    text = checker.maker.token;
    token_make(&checker.maker, TOKEN_HS256, "{\"alg\":\"HS256\"}", GOOD);
    size = strlen(text);
    expect(&checker, text, NULL);
    for (size_t i = 0; i < size; i++) {
        char letter = text[i];

        assert_non_null(token_check(&token, checker.rules, bytes_of(text, i), NOW_S));
        text[i] = letter == 'A' ? 'B' : 'A';
        assert_non_null(token_check(&token, checker.rules, bytes_of_text(text), NOW_S));
        text[i] = letter;
    }
    strcat(text, "=");
    expect(&checker, text, "signature is wrong");
    checker_close(&checker);
}

TEST(what_has_another_form_is_no_token)
{
    static const struct {
        const char *text;
        bool one;
    } rows[] = {
        { "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", true },
        { "eyJ.e30.", true },
        { "ey.a.b.c", true }, /* nobody else's password, and refused */
        { "eyJ..x", false },
        { "ey", false },
        { "ey.a", false },
        { "secret.with.dots", false },
        { "", false },
    };
    struct checker checker;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(token_is_one(bytes_of_text(rows[i].text)), rows[i].one);
    checker_open(&checker);
    expect(&checker, "ey.a.b.c", "header");
    checker_close(&checker);
}

TEST(a_token_has_a_limit)
{
    struct checker checker;
    char *claims = calloc(1, TOKEN_BYTES_MAX + 64);
    size_t size;

    assert_non_null(claims);
    strcpy(claims, "{\"sub\":\"alice\",\"x\":\"");
    size = strlen(claims);
    memset(claims + size, 'x', TOKEN_BYTES_MAX);
    strcat(claims, "\"}");
    checker_open(&checker);
    expect(&checker, token_make(&checker.maker, TOKEN_HS256, "{\"alg\":\"HS256\"}", claims),
            "too long");
    checker_close(&checker);
    free(claims);
}

TEST(another_issuer_or_audience_makes_another_proof)
{
    struct config_jwt other = plain;
    struct checker checker;
    struct proof before;

    checker_open(&checker);
    before = checker.rules->proofs[0];
    assert_memory_not_equal(before.mark, checker.rules->proofs[1].mark, PROOF_MARK_SIZE);
    read_rules(&checker, checker.maker.set, &plain);
    assert_memory_equal(before.mark, checker.rules->proofs[0].mark, PROOF_MARK_SIZE);
    strcpy(other.issuer, "i");
    read_rules(&checker, checker.maker.set, &other);
    assert_memory_not_equal(before.mark, checker.rules->proofs[0].mark, PROOF_MARK_SIZE);
    checker_close(&checker);
}
