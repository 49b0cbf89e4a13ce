/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/web_answer.h"

#include "mqtt/version.h"

#include <math.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { STATUS_GOOD = 200, STATUS_EMPTY = 204, STATUS_UNKNOWN = 401, STATUS_FORBIDDEN = 403 };

static const double LATEST_S = 1e15; /* farther than any end that is meant */

/* ---- The question ---- */

/* An address without its port, and of IPv6 without its brackets; a Unix socket has none. */
static struct bytes host_of(struct bytes peer)
{
    size_t size = peer.size;

    while (size > 0 && peer.data[size - 1] != ':')
        size--;
    if (size == 0)
        return peer;
    if (peer.data[0] != '[')
        return bytes_first(peer, size - 1);
    return size > 3 ? bytes_of(peer.data + 1, size - 3) : peer;
}

static json_t *text_of(struct bytes text)
{
    return json_stringn((const char *)text.data, text.size);
}

char *web_request(const struct login *login)
{
    static const char *const protocols[] = {
        [MQTT_3_1] = "mqtt-3.1", [MQTT_3_1_1] = "mqtt-3.1.1", [MQTT_5_0] = "mqtt-5.0"
    };
    /* A new reference that is NULL, as of what is no UTF-8, makes the whole one NULL. */
    json_t *request = json_pack("{s:o, s:o, s:o, s:o, s:i, s:s}", "username", text_of(login->user),
            "password", text_of(login->password), "clientid", text_of(login->client_id), "peerhost",
            text_of(host_of(login->peer)), "port", (int)login->port, "protocol",
            protocols[login->version]);
    char *text = NULL;

    if (request &&
            (login->certificate_name.size == 0 ||
                    json_object_set_new(
                            request, "cert_common_name", text_of(login->certificate_name)) == 0))
        text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    return text;
}

void web_request_free(char *request)
{
    if (!request)
        return;
    OPENSSL_cleanse(request, strlen(request));
    free(request);
}

/* ---- The answer ---- */

static bool read_kind(const json_t *result, enum web_answer_kind *out)
{
    static const struct {
        const char *name;
        enum web_answer_kind kind;
    } kinds[] = { { "allow", WEB_ALLOW }, { "deny", WEB_DENY }, { "ignore", WEB_IGNORE } };

    for (size_t i = 0; json_is_string(result) && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(json_string_value(result), kinds[i].name) != 0)
            continue;
        *out = kinds[i].kind;
        return true;
    }
    return false;
}

/* False for a time that is none, or has passed. */
static bool read_end(struct web_answer *answer, int64_t now_s)
{
    const json_t *moment = json_object_get(answer->body, "expire_at");
    const json_t *span = json_object_get(answer->body, "expire_s");
    const json_t *value = moment ? moment : span;
    double seconds = json_number_value(value);

    if (!value || json_is_null(value))
        return true;
    if (!json_is_number(value) || isnan(seconds))
        return false;
    seconds = floor(seconds < LATEST_S ? seconds : LATEST_S) + (moment ? 0 : (double)now_s);
    if (seconds <= (double)now_s)
        return false;
    answer->ends_s = (int64_t)seconds;
    answer->relative = !moment;
    return true;
}

static bool read_body(struct web_answer *answer, int64_t now_s)
{
    const json_t *superuser = json_object_get(answer->body, "is_superuser");

    if (!read_kind(json_object_get(answer->body, "result"), &answer->kind))
        return false;
    if (superuser && !json_is_boolean(superuser) && !json_is_null(superuser))
        return false;
    answer->superuser = json_is_true(superuser);
    answer->rights = json_object_get(answer->body, "acl");
    if (json_is_null(answer->rights))
        answer->rights = NULL;
    return answer->kind != WEB_ALLOW || read_end(answer, now_s);
}

struct web_answer web_answer_read(long status, struct bytes body, int64_t now_s)
{
    struct web_answer answer = { .kind = WEB_GARBAGE };

    if (status == STATUS_EMPTY)
        return (struct web_answer){ .kind = WEB_ALLOW };
    if (status == STATUS_UNKNOWN || status == STATUS_FORBIDDEN)
        return (struct web_answer){ .kind = WEB_DENY };
    if (status != STATUS_GOOD || body.size == 0)
        return answer;
    answer.body = json_loadb((const char *)body.data, body.size, JSON_REJECT_DUPLICATES, NULL);
    if (read_body(&answer, now_s))
        return answer;
    web_answer_release(&answer);
    return (struct web_answer){ .kind = WEB_GARBAGE };
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t web_answer_keep_ms(const struct web_answer *answer, int64_t keep_ms, int64_t wall_ms)
{
    int64_t left_ms;

    if (answer->kind == WEB_DENY)
        return lesser(keep_ms, WEB_KEEP_DENIED_MS);
    if (answer->kind != WEB_ALLOW || answer->relative)
        return 0;
    if (answer->ends_s == 0)
        return keep_ms;
    /* Behind its end it would let nobody in, where the service might. */
    left_ms = answer->ends_s * 1000 - wall_ms;
    return left_ms > 0 ? lesser(keep_ms, left_ms) : 0;
}

void web_answer_release(struct web_answer *answer)
{
    json_decref(answer->body);
    answer->body = NULL;
    answer->rights = NULL;
}
