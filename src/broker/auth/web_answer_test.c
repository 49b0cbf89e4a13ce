/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/web_answer.h"

#include "mqtt/version.h"
#include "tests/harness/test.h"

static const int64_t NOW_S = 1700000000;

static const struct {
    long status;
    const char *body;
    enum web_answer_kind kind;
    bool superuser;
    bool rights;
    int64_t ends_s;
} rows[] = {
    { 200, "{\"result\":\"allow\"}", WEB_ALLOW },
    { 200, "{\"result\":\"allow\",\"is_superuser\":true}", WEB_ALLOW, true },
    { 200, "{\"result\":\"allow\",\"is_superuser\":false,\"acl\":[]}", WEB_ALLOW, false, true },
    { 200, "{\"result\":\"allow\",\"is_superuser\":null,\"acl\":null,\"more\":1}", WEB_ALLOW },
    { 200, "{\"result\":\"allow\",\"expire_at\":1700000060}", WEB_ALLOW, false, false, 1700000060 },
    { 200, "{\"result\":\"allow\",\"expire_s\":60.5}", WEB_ALLOW, false, false, 1700000060 },
    { 200, "{\"result\":\"allow\",\"expire_at\":null}", WEB_ALLOW },
    { 204, "", WEB_ALLOW },
    { 200, "{\"result\":\"deny\"}", WEB_DENY },
    { 200, "{\"result\":\"deny\",\"is_superuser\":true,\"expire_at\":1}", WEB_DENY, true },
    { 401, "", WEB_DENY },
    { 403, "{\"result\":\"allow\"}", WEB_DENY },
    { 200, "{\"result\":\"ignore\"}", WEB_IGNORE },
    { 200, "", WEB_GARBAGE },
    { 200, "allow", WEB_GARBAGE },
    { 200, "{}", WEB_GARBAGE },
    { 200, "[\"allow\"]", WEB_GARBAGE },
    { 200, "{\"result\":true}", WEB_GARBAGE },
    { 200, "{\"result\":\"Allow\"}", WEB_GARBAGE },
    { 200, "{\"result\":\"deny\",\"result\":\"allow\"}", WEB_GARBAGE },
    { 200, "{\"result\":\"allow\"} {}", WEB_GARBAGE },
    { 200, "{\"result\":\"allow\",\"is_superuser\":\"no\"}", WEB_GARBAGE },
    { 200, "{\"result\":\"allow\",\"expire_at\":1699999999}", WEB_GARBAGE },
    { 200, "{\"result\":\"allow\",\"expire_at\":\"soon\"}", WEB_GARBAGE },
    { 200, "{\"result\":\"allow\",\"expire_s\":0}", WEB_GARBAGE },
    { 200, "{\"result\":\"allow\",\"expire_s\":-1}", WEB_GARBAGE },
    { 201, "{\"result\":\"allow\"}", WEB_GARBAGE },
    { 302, "{\"result\":\"allow\"}", WEB_GARBAGE },
    { 404, "{\"result\":\"allow\"}", WEB_GARBAGE },
    { 500, "{\"result\":\"allow\"}", WEB_GARBAGE },
};

TEST(only_what_says_so_is_a_yes)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct web_answer answer =
                web_answer_read(rows[i].status, bytes_of_text(rows[i].body), NOW_S);

        if (answer.kind != rows[i].kind || answer.ends_s != rows[i].ends_s)
            fail_msg("row %zu: %d", i, answer.kind);
        assert_int_equal(answer.superuser, rows[i].superuser);
        assert_int_equal(answer.rights != NULL, rows[i].rights);
        web_answer_release(&answer);
    }
}

TEST(every_cut_is_seen)
{
    struct bytes whole = BYTES("{\"result\":\"allow\",\"is_superuser\":true}");

    for (size_t i = 0; i < whole.size; i++) {
        struct web_answer answer = web_answer_read(200, bytes_first(whole, i), NOW_S);

        assert_int_equal(answer.kind, WEB_GARBAGE);
        web_answer_release(&answer);
    }
}

TEST(the_question_says_who_and_from_where)
{
    static const struct {
        const char *peer;
        const char *request;
    } peers[] = {
        { "10.0.0.7:41312",
                "{\"username\":\"a\\\"b\",\"password\":\"p\",\"clientid\":\"c\",\"peerhost\":"
                "\"10.0.0.7\",\"port\":1883,\"protocol\":\"mqtt-5.0\"}" },
        { "[2001:db8::1]:4",
                "{\"username\":\"a\\\"b\",\"password\":\"p\",\"clientid\":\"c\",\"peerhost\":"
                "\"2001:db8::1\",\"port\":1883,\"protocol\":\"mqtt-5.0\"}" },
    };
    struct login login = { .user = BYTES("a\"b"),
        .password = BYTES("p"),
        .client_id = BYTES("c"),
        .port = 1883,
        .version = MQTT_5_0 };
    char *request;

    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        login.peer = bytes_of_text(peers[i].peer);
        request = web_request(&login);
        assert_string_equal(request, peers[i].request);
        web_request_free(request);
    }
    login.certificate_name = BYTES("valve 7");
    request = web_request(&login);
    assert_non_null(strstr(request, "\"protocol\":\"mqtt-5.0\",\"cert_common_name\":\"valve 7\"}"));
    web_request_free(request);
    login.password = BYTES("\xff");
    assert_null(web_request(&login));
}

TEST(an_answer_is_kept_no_longer_than_it_is_good)
{
    static const struct {
        long status;
        const char *body;
        int64_t keep_ms; /* of a minute */
    } kept[] = {
        { 200, "{\"result\":\"allow\"}", 60000 },
        { 204, "", 60000 },
        { 200, "{\"result\":\"allow\",\"expire_at\":1700000100}", 60000 },
        { 200, "{\"result\":\"allow\",\"expire_at\":1700000010}", 9600 },
        /* It means another time when it is asked again. */
        { 200, "{\"result\":\"allow\",\"expire_s\":3600}", 0 },
        { 200, "{\"result\":\"deny\"}", WEB_KEEP_DENIED_MS },
        { 401, "", WEB_KEEP_DENIED_MS },
        { 200, "{\"result\":\"ignore\"}", 0 },
        { 500, "", 0 },
    };
    static const int64_t wall_ms = 1700000000400;

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        struct web_answer answer =
                web_answer_read(kept[i].status, bytes_of_text(kept[i].body), wall_ms / 1000);

        if (web_answer_keep_ms(&answer, 60000, wall_ms) != kept[i].keep_ms)
            fail_msg("row %zu", i);
        web_answer_release(&answer);
    }
}
