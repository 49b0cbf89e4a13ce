/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/certificates.h"

#include <assert.h>
#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALID_S = 24 * 60 * 60 };

/* ---- Identities ---- */

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX parties;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&parties, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &parties, kind, value);
    assert(extension && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

void identity_init(struct identity *identity, const char *name, const struct identity *issuer)
{
    static long serial;
    X509 *certificate = X509_new();
    X509_NAME *subject;

    identity->key = EVP_EC_gen("P-256");
    identity->certificate = certificate;
    assert(certificate && identity->key);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S);
    X509_set_pubkey(certificate, identity->key);
    subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(
            subject, "O", MBSTRING_UTF8, (const unsigned char *)"Nightjar", -1, -1, 0);
    X509_NAME_add_entry_by_txt(
            subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(
            certificate, issuer ? X509_get_subject_name(issuer->certificate) : subject);
    if (!issuer)
        add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
    add_extension(certificate, issuer ? issuer->certificate : certificate,
            NID_authority_key_identifier, "keyid");
    assert(X509_sign(certificate, issuer ? issuer->key : identity->key, EVP_sha256()) > 0);
}

void identity_extend(
        struct identity *identity, int kind, const char *value, const struct identity *issuer)
{
    add_extension(identity->certificate, issuer->certificate, kind, value);
    assert(X509_sign(identity->certificate, issuer->key, EVP_sha256()) > 0);
}

void identity_deinit(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

/* ---- Files ---- */

static FILE *create(struct certificates *certificates, char path[static CERTIFICATE_PATH_SIZE],
        const char *name)
{
    int size = snprintf(path, CERTIFICATE_PATH_SIZE, "%s/%s", certificates->folder, name);
    FILE *file;

    assert(size > 0 && size < CERTIFICATE_PATH_SIZE);
    file = fopen(path, "w");
    assert(file);
    return file;
}

static void write_certificate(struct certificates *certificates,
        char path[static CERTIFICATE_PATH_SIZE], const char *name, const struct identity *identity)
{
    FILE *file = create(certificates, path, name);

    assert(PEM_write_X509(file, identity->certificate) == 1);
    fclose(file);
}

static void write_key(struct certificates *certificates, char path[static CERTIFICATE_PATH_SIZE],
        const char *name, EVP_PKEY *key, const char *passphrase)
{
    FILE *file = create(certificates, path, name);
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_128_cbc() : NULL;
    int size = passphrase ? (int)strlen(passphrase) : 0;

    assert(PEM_write_PrivateKey(
                   file, key, cipher, (const unsigned char *)passphrase, size, NULL, NULL) == 1);
    fclose(file);
}

static void write_revocation(struct certificates *certificates)
{
    FILE *file = create(certificates, certificates->crl_file, "crl.pem");
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60);
    ASN1_TIME *later = X509_gmtime_adj(NULL, VALID_S);

    assert(list && revoked && now && later);
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(certificates->authority.certificate));
    X509_CRL_set1_lastUpdate(list, now);
    X509_CRL_set1_nextUpdate(list, later);
    X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(certificates->client.certificate));
    X509_REVOKED_set_revocationDate(revoked, now);
    X509_CRL_add0_revoked(list, revoked);
    assert(X509_CRL_sign(list, certificates->authority.key, EVP_sha256()) > 0);
    assert(PEM_write_X509_CRL(file, list) == 1);
    X509_CRL_free(list);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    fclose(file);
}

void certificates_init(struct certificates *certificates)
{
    *certificates = (struct certificates){ .folder = "/tmp/certificates-XXXXXX" };
    assert(mkdtemp(certificates->folder));
    identity_init(&certificates->authority, "authority", NULL);
    identity_init(&certificates->server, "localhost", &certificates->authority);
    identity_init(&certificates->client, "lamp \xc3\xa4", &certificates->authority);
    write_certificate(
            certificates, certificates->authority_file, "authority.pem", &certificates->authority);
    write_certificate(certificates, certificates->server_file, "server.pem", &certificates->server);
    write_certificate(certificates, certificates->client_file, "client.pem", &certificates->client);
    write_key(certificates, certificates->server_key_file, "server.key", certificates->server.key,
            NULL);
    write_key(certificates, certificates->locked_key_file, "locked.key", certificates->server.key,
            "passphrase");
    write_revocation(certificates);
    fclose(create(certificates, certificates->empty_file, "empty.pem"));
}

void certificates_write(struct certificates *certificates, struct identity_files *out,
        const char *name, const struct identity *identity)
{
    char file[CERTIFICATE_PATH_SIZE / 2];

    snprintf(file, sizeof(file), "%s.pem", name);
    write_certificate(certificates, out->certificate, file, identity);
    snprintf(file, sizeof(file), "%s.key", name);
    write_key(certificates, out->key, file, identity->key, NULL);
}

void certificates_deinit(struct certificates *certificates)
{
    DIR *folder = opendir(certificates->folder);
    const struct dirent *entry;

    assert(folder);
    while ((entry = readdir(folder)))
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    assert(rmdir(certificates->folder) == 0);
    identity_deinit(&certificates->authority);
    identity_deinit(&certificates->server);
    identity_deinit(&certificates->client);
}
