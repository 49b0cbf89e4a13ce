/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_staple.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 24 * 3600 };

static const char what[] = "OCSP file";

/* ---- The file ---- */

/* Into data, for OPENSSL_free(). Returns the size, or -errno with a sentence. */
static long read_file(unsigned char **data, const char *path, char told[static FAILURE_SIZE])
{
    FILE *file = fopen(path, "re");
    unsigned char *bytes = OPENSSL_malloc(TLS_STAPLE_SIZE_MAX + 1);
    int error = errno;
    size_t size = 0;
    long result;

    if (!bytes)
        result = failure_tell(told, -ENOMEM, "memory is short");
    else if (!file)
        result = failure_tell(
                told, -error, "cannot read the %s %s: %s", what, path, strerror(error));
    else if ((size = fread(bytes, 1, TLS_STAPLE_SIZE_MAX + 1, file)) > TLS_STAPLE_SIZE_MAX)
        result = failure_tell(
                told, -EFBIG, "the %s %s is over %d bytes long", what, path, TLS_STAPLE_SIZE_MAX);
    else
        result = (long)size;
    if (file)
        fclose(file);
    if (result < 0)
        OPENSSL_free(bytes);
    else
        *data = bytes;
    return result;
}

/* ---- What it says ---- */

/* Is it about that certificate? */
static bool is_about(OCSP_SINGLERESP *single, X509 *certificate, X509 *issuer)
{
    OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);
    ASN1_INTEGER *serial = NULL;
    ASN1_OBJECT *digest = NULL;
    OCSP_CERTID *ours;
    bool same;

    OCSP_id_get0_info(NULL, &digest, NULL, &serial, id);
    if (!issuer)
        return ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0;
    ours = OCSP_cert_to_id(EVP_get_digestbyobj(digest), certificate, issuer);
    same = ours && OCSP_id_cmp(ours, id) == 0;
    OCSP_CERTID_free(ours);
    return same;
}

static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *certificate, X509 *issuer)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

        if (is_about(single, certificate, issuer))
            return single;
    }
    return NULL;
}

/* The moment after which it says nothing any more. */
static int64_t expiry_of(const ASN1_GENERALIZEDTIME *next_update, int64_t now_s)
{
    int days;
    int seconds;

    if (!next_update || ASN1_TIME_diff(&days, &seconds, NULL, next_update) != 1)
        return INT64_MAX;
    return now_s + (int64_t)days * DAY_S + seconds;
}

static int judge(struct tls_staple *staple, const char *path, OCSP_SINGLERESP *single,
        char told[static FAILURE_SIZE])
{
    ASN1_GENERALIZEDTIME *next_update = NULL;
    int64_t now_s = time(NULL);
    int status;

    if (!single)
        return failure_tell(told, -EINVAL,
                "the %s %s is for another certificate than the listener's", what, path);
    status = OCSP_single_get0_status(single, NULL, NULL, NULL, &next_update);
    staple->expires_s = expiry_of(next_update, now_s);
    if (staple->expires_s <= now_s)
        failure_tell(told, 0, "the %s %s has expired, so no client is shown it; fetch a new one",
                what, path);
    else if (status != V_OCSP_CERTSTATUS_GOOD)
        failure_tell(told, 0,
                "the %s %s says that the certificate is %s, and clients will believe it", what,
                path, OCSP_cert_status_str(status));
    return 0;
}

static int read_response(struct tls_staple *staple, const char *path, X509 *certificate,
        X509 *issuer, char told[static FAILURE_SIZE])
{
    const unsigned char *data = staple->data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &data, (long)staple->size);
    OCSP_BASICRESP *basic = NULL;
    int result;

    if (!response)
        return tls_fail_file(told, what, path);
    if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (basic)
        result = judge(staple, path, find_single(basic, certificate, issuer), told);
    else
        result = failure_tell(told, -EINVAL, "the %s %s is no answer but an error: %s", what, path,
                OCSP_response_status_str(OCSP_response_status(response)));
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return result;
}

/* ---- The whole ---- */

int tls_staple_read(struct tls_staple *out, const char *path, X509 *certificate, X509 *issuer,
        char told[static FAILURE_SIZE])
{
    struct tls_staple staple = { 0 };
    long size = read_file(&staple.data, path, told);
    int result;

    if (size < 0)
        return (int)size;
    told[0] = '\0';
    staple.size = (size_t)size;
    result = read_response(&staple, path, certificate, issuer, told);
    if (result == 0)
        *out = staple;
    else
        tls_staple_deinit(&staple);
    return result;
}

void tls_staple_deinit(struct tls_staple *staple)
{
    OPENSSL_free(staple->data);
    *staple = (struct tls_staple){ 0 };
}

bool tls_staple_give(const struct tls_staple *staple, SSL *ssl, int64_t now_s)
{
    unsigned char *copy;

    if (!staple->data || now_s >= staple->expires_s)
        return false;
    copy = OPENSSL_memdup(staple->data, staple->size);
    /* The connection takes it. */
    return copy && SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->size) == 1;
}
