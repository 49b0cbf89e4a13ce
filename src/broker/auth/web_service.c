/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/web_service.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* Whether it is http:// or https:// with a host behind it, and nothing that a URL has not. A
 * password before an '@' would be shown where the URL is. */
static bool is_url(struct bytes url)
{
    bool secure = bytes_start_with(url, BYTES("https://"));
    size_t start = secure ? 8 : 7;

    if (!secure && !bytes_start_with(url, BYTES("http://")))
        return false;
    for (size_t i = 0; i < url.size; i++) {
        if (url.data[i] <= ' ' || url.data[i] >= 0x7f || url.data[i] == '@')
            return false;
    }
    return url.size > start && url.data[start] != '/';
}

/* A line is "Name: value". */
static bool are_headers(const char *lines)
{
    while (*lines != '\0') {
        size_t size = strcspn(lines, "\n");
        const char *colon = memchr(lines, ':', size);

        if (!colon || colon == lines || memchr(lines, '\r', size))
            return false;
        lines += size + (lines[size] == '\n');
    }
    return true;
}

static int fail(struct report *report, struct report_origin origin, const char *text)
{
    report_tell(report, REPORT_ERROR, origin, "%s", text);
    return -EINVAL;
}

static int read_authorities(
        struct web_service *service, const struct source *source, struct report *report)
{
    static const struct bytes start = { (const uint8_t *)"-----BEGIN ", 11 };
    const char *path = service->wanted.cafile;
    struct bytes rest;
    int result;

    if (path[0] == '\0')
        return 0;
    result = source_read_told(source, path, &service->authorities, report);
    if (result < 0)
        return result;
    rest = service->authorities;
    while (rest.size > 0 && !bytes_start_with(rest, start))
        rest = bytes_from(rest, 1);
    if (rest.size > 0)
        return 0;
    return fail(report, (struct report_origin){ path, 0 },
            "it has no certificate (BEGIN CERTIFICATE) of who may sign that of auth_http");
}

int web_service_read(struct web_service **out, const struct config_http *wanted,
        struct report_origin origin, const struct source *source, struct report *report)
{
    struct web_service *service = calloc(1, sizeof(*service));
    struct bytes url = bytes_of_text(wanted->url);
    uint8_t digest[EVP_MAX_MD_SIZE];
    int result = 0;

    if (!service)
        return -ENOMEM;
    atomic_init(&service->holders, 1);
    service->wanted = *wanted;
    service->proof.kind = PROOF_SERVICE;
    if (!is_url(url))
        result = fail(report, origin,
                "auth_http is no URL; write http:// or https://, a host, maybe a path; what the "
                "service wants to see of the server goes into auth_http_header");
    else if (!are_headers(wanted->headers))
        result = fail(report, origin, "auth_http_header is no header; write \"Name: value\"");
    else if (EVP_Digest(url.data, url.size, digest, NULL, EVP_sha256(), NULL) != 1)
        result = -ENOMEM;
    else
        memcpy(service->proof.mark, digest, sizeof(service->proof.mark));
    if (result == 0)
        result = read_authorities(service, source, report);
    /* Loads the library: when a client comes, others may have left no descriptor for it. */
    json_delete(json_object());
    if (result == 0)
        *out = service;
    else
        web_service_unref(service);
    return result;
}

struct web_service *web_service_ref(struct web_service *service)
{
    /* Relaxed: who refs it has it, so it is there. */
    atomic_fetch_add_explicit(&service->holders, 1, memory_order_relaxed);
    return service;
}

void web_service_unref(struct web_service *service)
{
    /* Release and acquire: what the others did with it comes before it is freed. */
    if (!service || atomic_fetch_sub_explicit(&service->holders, 1, memory_order_acq_rel) > 1)
        return;
    free((void *)(uintptr_t)service->authorities.data);
    OPENSSL_cleanse(service, sizeof(*service));
    free(service);
}
