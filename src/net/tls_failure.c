/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_failure.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

const char *tls_failure_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return reason ? reason : "it is not what OpenSSL expects";
}

const char *tls_failure_of(const SSL *ssl, const char *(*blame)(const SSL *ssl))
{
    long verdict = SSL_get_verify_result(ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    if (blame && blame(ssl))
        return blame(ssl);
    return reason ? reason : "the connection ended in the middle of the handshake";
}

/* OpenSSL's words for a file without the thing that is looked for tell nobody that. */
static bool is_absent(unsigned long error)
{
    return (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) ||
            (ERR_GET_LIB(error) == ERR_LIB_OSSL_DECODER &&
                    ERR_GET_REASON(error) == ERR_R_UNSUPPORTED);
}

int tls_fail_file(char failure[static FAILURE_SIZE], const char *what, const char *path)
{
    bool absent = is_absent(ERR_peek_error());
    const char *reason = tls_failure_reason();

    return failure_tell(failure, -EINVAL, "cannot use the %s %s: %s", what, path,
            absent ? "nothing of that kind is in it as PEM, or not the whole of it" : reason);
}

int tls_failure_open(char failure[static FAILURE_SIZE], const char *what, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = errno;

    if (fd < 0)
        return failure_tell(
                failure, -error, "cannot read the %s %s: %s", what, path, strerror(error));
    close(fd);
    return 0;
}
